"""Model folders in ModelOp's layout, and broken ones."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlc.center.modelop.folder import LARGEST_FOLDER, BadModelFolder, examine, read_model_folder
from mlc.model.asset import AssetKind

EXAMPLES = Path(__file__).parents[2] / "examples"

SOURCE = """
import json

# modelop.schema.0: rows.avsc
# modelop.schema.1: answers.avsc

def helper(): ...

# modelop.init
def begin(job): ...

#modelop.score
@staticmethod
def action(record):
    yield record

# modelop.metrics

def measure(df): ...
"""

FILES = {
    "model.py": SOURCE,
    "more.py": "LIMIT = 3\n",
    "metadata.json": json.dumps(
        {
            "name": "Credit",
            "description": "d",
            "tags": ["t"],
            "modelMethodology": "Classification",
            "modelRisk": "High",
            "modelStage": "prod",
            "custom": {"owner": "me"},
            "roi": {"x": 1},
            "defaultAssociationRole": "METRICS_MODEL",
            "assets": {"holdout.csv": "TEST_DATA"},
        }
    ),
    "required_assets.json": json.dumps([{"assetRole": "COMPARATOR_DATA", "usage": "INPUT_ASSET", "filename": "x.csv"}]),
    "rows.avsc": '{"type": "record", "name": "in", "fields": []}',
    "answers.avsc": '{"type": "record", "name": "out", "fields": []}',
    "limits.dmn": "<definitions/>",
    "requirements.txt": "pandas\n",
    "README.md": "# Credit\n",
    "holdout.csv": "a\n1\n",
    "x.csv": "a\n",
    "df_baseline_scored.json": "{}\n",
    "training-data.csv": "a\n",
    "my_test_data.csv": "a\n",
    "latest.csv": "a\n",
    "model.pkl": "binary",
    "picture.png": "binary",
    ".gitignore": "*.pyc\n",
}

ROLES = {
    "model.py": "MODEL_SOURCE",
    "more.py": "MODEL_SOURCE",
    "metadata.json": "MODEL_METADATA",
    "required_assets.json": "REQUIRED_ASSETS",
    "rows.avsc": "MODEL_SCHEMA",
    "answers.avsc": "MODEL_SCHEMA",
    "limits.dmn": "TEST_RESULT_COMPARATOR",
    "requirements.txt": "REQUIRED_LIBRARIES",
    "README.md": "README_FILE",
    "holdout.csv": "TEST_DATA",
    "x.csv": "COMPARATOR_DATA",
    "df_baseline_scored.json": "BASELINE_DATA",
    "training-data.csv": "TRAINING_DATA",
    "my_test_data.csv": "TEST_DATA",
    "latest.csv": "UNKNOWN",
    "model.pkl": "WEIGHTS_FILE",
    "picture.png": "UNKNOWN",
}

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    def write(changes: dict[str, str | None] | None = None, files: dict[str, str] = FILES) -> Path:
        place = tmp_path / "credit"
        place.mkdir()
        for name, text in {**files, **(changes or {})}.items():
            if text is not None:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_text(text)
        return place

    return write


def test_every_file_becomes_an_asset_of_its_role(folder: Write) -> None:
    place = folder()
    files = read_model_folder(place).files
    assert {file.asset.name: file.asset.role for file in files} == ROLES
    for asset, path in files:
        assert path == place / asset.name
        assert asset.size == len(FILES[asset.name].encode())


def test_the_functions_are_the_defs_below_the_markers(folder: Write) -> None:
    assets = {file.asset.name: file.asset for file in read_model_folder(folder()).files}
    source = assets["model.py"]
    assert source.primary is True
    assert source.kind is AssetKind.SOURCE
    assert source.functions == {"init": "begin", "score": "action", "metrics": "measure"}
    assert assets["more.py"].kind is AssetKind.SOURCE
    assert assets["more.py"].primary is False


def test_the_metadata_is_the_models(folder: Write) -> None:
    model = read_model_folder(folder()).model
    assert (model.id, model.name, model.description, model.tags) == ("", "Credit", "d", ["t"])
    assert (model.type, model.methodology, model.risk, model.stage) == ("PYTHON", "Classification", "High", "prod")
    assert model.custom["owner"] == "me"
    assert model.association_role == "METRICS_MODEL"
    assert model.required_roles == ["COMPARATOR_DATA"]
    assert [(asset.role, asset.name) for asset in model.required_assets] == [("COMPARATOR_DATA", "x.csv")]


def test_schemas_are_told_apart_by_pragma_or_by_name(folder: Write) -> None:
    model = read_model_folder(folder()).model
    assert [schema.name for schema in model.input_schemas] == ["rows.avsc"]
    assert [schema.definition for schema in model.output_schemas] == [json.loads(FILES["answers.avsc"])]


def test_a_folder_needs_no_more_than_a_source(folder: Write) -> None:
    source = "# modelop.score\ndef score(r): return r\n"
    schemas = {"schema_output.avsc": "{}", "schema_input.avsc": "{}"}
    model = read_model_folder(folder(files={"m.py": source, **schemas})).model
    assert model.name == "credit"
    assert [schema.name for schema in model.input_schemas] == ["schema_input.avsc"]
    assert [schema.name for schema in model.output_schemas] == ["schema_output.avsc"]


@pytest.mark.parametrize("example", ["breast_cancer", "breast_cancer_weak", "diabetes"])
def test_the_examples_are_read(example: str) -> None:
    model, files = read_model_folder(EXAMPLES / example)
    roles = {file.asset.role for file in files}
    assert {"TRAINING_DATA", "TEST_DATA", "BASELINE_DATA", "COMPARATOR_DATA", "TEST_RESULT_COMPARATOR"} <= roles
    assert len(model.input_schemas) == 1
    (source,) = [file.asset for file in files if file.asset.primary]
    assert source.functions["metrics"]


BROKEN = {
    "JSON with an error": ({"metadata.json": '{\n"name": "x",\n}'}, r"metadata\.json, line [23]: "),
    "metadata of the wrong kind": ({"metadata.json": "[]"}, r"metadata\.json must hold a JSON object"),
    "a wrong type": ({"metadata.json": '{"tags": "x"}'}, r"metadata\.json: tags: "),
    "an empty name": ({"metadata.json": '{"name": " "}'}, r"metadata\.json: name is empty"),
    "a role that is none": ({"metadata.json": '{"assets": {"x.csv": "TESTDATA"}}'}, "x.csv the role TESTDATA"),
    "a role for no file": ({"metadata.json": '{"assets": {"y.csv": "TEST_DATA"}}'}, r"y\.csv, which is not"),
    "roles of the wrong kind": ({"metadata.json": '{"assets": []}'}, "must map file names"),
    "a required role that is none": ({"required_assets.json": '[{"assetRole": "TEST-DATA"}]'}, "write TEST_DATA"),
    "no required role": ({"required_assets.json": '[{"role": "TEST_DATA"}]'}, "item 1 needs an assetRole"),
    "a category that is none": ({"metadata.json": '{"modelCategory": "MONITORING_MODEL"}'}, "MODEL_MONITORING_MODEL"),
    "metadata that are no JSON": ({"metadata.json": "MODEL_METADATA"}, r'metadata\.json, line 1: .* such as \{"name"'),
    "an external asset without an address": ({"external_assets.json": '[{"filename": "y.csv"}]'}, "item 1 needs"),
    "an external asset that is here": (
        {"external_assets.json": '[{"filename": "x.csv", "fileUrl": "s3://b/x.csv"}]'},
        r"x\.csv is in the folder as well",
    ),
    "required assets of the wrong kind": ({"required_assets.json": "{}"}, "must hold a JSON list"),
    "a source with an error": ({"model.py": "# modelop.score\ndef f(:\n"}, r"model\.py, line 2: "),
    "a marker above nothing": (
        {"model.py": "def f(): ...\n# modelop.score\nX = 1\n"},
        r"model\.py, line 2: no function",
    ),
    "two markers above one function": (
        {"model.py": "# modelop.init\n# modelop.score\ndef f(): ...\n"},
        r"model\.py, line 1: no function",
    ),
    "a marker twice": (
        {"model.py": "# modelop.score\ndef f(): ...\n# modelop.score\ndef g(): ...\n"},
        r"model\.py, line 3: # modelop\.score is there already",
    ),
    "no source": ({"model.py": None}, "no Python file marks a function"),
    "two marked sources": (
        {"more.py": "# modelop.score\ndef f(): ...\n"},
        r'model\.py and more\.py all have .*"primaryModelSource": "model\.py" in metadata\.json',
    ),
    "a type that its source has not": (
        {"model.py": None, "more.py": None, "m.R": "x", "metadata.json": '{"type": "PYTHON"}'},
        r"type is PYTHON, and m\.R is R; write that",
    ),
    "an async function": (
        {"model.py": "# modelop.score\nasync def f(r): ...\ndef g(): ...\n"},
        r"model\.py, line 1: .*async",
    ),
    "a source that reads its streams itself": (
        {"model.py": "# fastscore.action: unused\nfrom fastscore.io import Slot\n"},
        r"model\.py, line 1: # fastscore\.action: unused .* not supported",
    ),
    "a function for each slot": (
        {"model.py": "# fastscore.action.0: f\n# fastscore.action.2: g\ndef f(r): ...\ndef g(r): ...\n"},
        "one function for each slot is not supported",
    ),
    "a primary source that is not there": (
        {"metadata.json": '{"primaryModelSource": "y.py"}'},
        r"names y\.py, which is",
    ),
    "two primary sources": (
        {
            "metadata.json": json.dumps(
                {"primaryModelSource": "more.py", "assets": {"model.py": {"primaryModelSource": True}}}
            )
        },
        r"model\.py and more\.py are both primaryModelSource",
    ),
    "a schema with an error": ({"rows.avsc": "{"}, r"rows\.avsc, line 1: "),
    "null bytes": ({"model.py": "# modelop.score\ndef f(): ...\n\0"}, r"model\.py, line "),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_folder_is_refused_with_the_place(folder: Write, what: str) -> None:
    changes, said = BROKEN[what]
    with pytest.raises(BadModelFolder) as refused:
        read_model_folder(folder(changes))
    assert re.search(said, str(refused.value)), str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_file_that_is_not_utf8_is_named(folder: Write) -> None:
    place = folder()
    (place / "model.py").write_bytes(b"# modelop.score\ndef f(): return '\xff'\n")
    with pytest.raises(BadModelFolder, match=r"model\.py is not UTF-8"):
        read_model_folder(place)
    (place / "model.py").write_text(SOURCE)
    (place / "metadata.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(BadModelFolder, match=r"metadata\.json can't be read"):
        read_model_folder(place)


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(folder: Write, tmp_path: Path) -> None:
    place = folder()
    (place / "copy.csv").symlink_to(place / "x.csv")
    read_model_folder(place)
    (tmp_path / "secret.csv").write_text("a\n")
    (place / "leak.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(BadModelFolder, match=r"leak\.csv is a link"):
        read_model_folder(place)


def test_a_folder_that_is_too_large_is_refused_before_it_is_read(folder: Write) -> None:
    place = folder()
    with (place / "zeros.bin").open("wb") as file:
        file.truncate(LARGEST_FOLDER)
    with pytest.raises(BadModelFolder, match=r"zeros\.bin brings the folder over 45 MB"):
        read_model_folder(place)


def test_where_contents_go_by_themselves_a_folder_may_be_as_large_as_it_is(folder: Write) -> None:
    place = folder({"metadata.json": json.dumps({"assets": {"zeros.csv": "TEST_DATA"}})})
    for name in ("zeros.bin", "zeros.csv", "zeros.pkl", "zeros.xml"):
        with (place / name).open("wb") as file:
            file.truncate(1 << 40)  # whoever reads one of them whole is not done today
    found = examine(place, largest=None)
    assert found.problems == []
    assert found.folder is not None
    sizes = {file.asset.name: file.asset.size for file in found.folder.files}
    assert [sizes[f"zeros.{ending}"] for ending in ("bin", "csv", "pkl", "xml")] == [1 << 40] * 4


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFolder, match="not a folder"):
        read_model_folder(tmp_path / "nothing")


def names(place: Path) -> list[str]:
    return [file.asset.name for file in read_model_folder(place).files]


def test_files_in_folders_keep_their_places(folder: Write) -> None:
    more = {
        "data/my_test.csv": "a\n",
        "pkg/__init__.py": "",
        "pkg/deep/mod.py": "X = 1\n",
        "docker/requirements.txt": "x",
    }
    place = folder(more)
    files = {file.asset.name: file for file in read_model_folder(place).files}
    assert files.keys() >= more.keys()
    assert files["data/my_test.csv"].asset.role == "TEST_DATA"
    assert files["data/my_test.csv"].path == place / "data/my_test.csv"
    assert files["pkg/deep/mod.py"].asset.kind is AssetKind.SOURCE
    assert files["docker/requirements.txt"].asset.role == "UNKNOWN", "the model's own are at the top"


def test_what_tools_leave_in_a_folder_is_left_out_and_what_is_hidden_is_said(folder: Write) -> None:
    tools = {"__pycache__/model.pyc": "", ".git/config": "", ".DS_Store": "", "deep/__pycache__/x": "", "old.pyc": ""}
    place = folder({**tools, ".env": "PASSWORD=x", "venv/pyvenv.cfg": "", "venv/lib/x.py": ""})
    assert names(place) == sorted(set(ROLES))
    assert [notice.split(" is ")[0] for notice in examine(place).notices] == [".env", "venv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("back\\slash.csv", "rename it"),
        ("new\nline.csv", "rename it"),
        ("data /x.csv", "rename it"),
        ("x" * 201, "rename it"),
        ("X.CSV", "X.CSV and x.csv are one file for some systems"),
        ("outputDir/model.pkl", "where training writes"),
        ("deep/__moc_runtime/x", "the runtime's own"),
    ],
)
def test_a_name_that_could_mean_another_place_is_refused(folder: Write, name: str, said: str) -> None:
    with pytest.raises(BadModelFolder, match=said):
        read_model_folder(folder({name: "a\n"}))


def test_a_folder_of_very_many_files_is_refused(folder: Write) -> None:
    with pytest.raises(BadModelFolder, match="more than 2000 files"):
        read_model_folder(folder({f"many/{number}.csv": "" for number in range(2001)}))


def test_a_link_to_a_folder_can_lead_nowhere(folder: Write) -> None:
    place = folder()
    (place / "loop").symlink_to(place)
    with pytest.raises(BadModelFolder, match="loop is a link to a folder"):
        read_model_folder(place)


SCORE = "# modelop.score\ndef score(record):\n    yield record\n"


def primary(place: Path) -> str:
    (source,) = [file.asset for file in read_model_folder(place).files if file.asset.primary]
    return source.name


def test_of_several_sources_the_marked_one_is_the_model(folder: Write) -> None:
    place = folder(files={"a.py": "X = 1\n", "b.py3": SCORE, "python2.py": "print 'x'\n"})
    assert primary(place) == "b.py3"
    assert any(notice.startswith("python2.py, line 1: ") for notice in examine(place).notices)


def test_of_several_marked_sources_the_metadata_say_which_or_the_one_at_the_top_is_the_model(folder: Write) -> None:
    place = folder(files={"code.py": SCORE, "utilities/code.py": SCORE})
    assert primary(place) == "code.py"
    for said in (
        {"primaryModelSource": "utilities/code.py"},
        {"assets": {"utilities/code.py": {"primaryModelSource": True}}},
    ):
        (place / "metadata.json").write_text(json.dumps(said))
        assert primary(place) == "utilities/code.py"
    assert any("functions of code.py are not called" in notice for notice in examine(place).notices)


def test_a_role_can_stand_beside_the_primary_flag(folder: Write) -> None:
    said = {
        "assets": {
            "m.py": {"assetRole": "MODEL_SOURCE", "primaryModelSource": True},
            "n.csv": {"assetRole": "TEST_DATA"},
        }
    }
    place = folder(files={"m.py": SCORE, "n.csv": "a\n", "metadata.json": json.dumps(said)})
    assert {file.asset.name: file.asset.role for file in read_model_folder(place).files}["n.csv"] == "TEST_DATA"


@pytest.mark.parametrize(
    ("source", "functions"),
    [
        ("# fastscore.score\ndef f(r): ...\n", {"score": "f"}),
        ("# fastscore.action: f\ndef f(r): ...\n", {"score": "f"}),
        ("# fastscore.action.0: f\n# fastscore.action.2: f\ndef f(r, slot): ...\n", {"score": "f"}),
        ("def begin(): ...\ndef action(r): ...\n", {"init": "begin", "score": "action"}),
        (
            "def init(): ...\ndef metrics(df): ...\ndef train(df): ...\n",
            {"init": "init", "metrics": "metrics", "train": "train"},
        ),
        ("def action(r): ...\n# modelop.metrics\ndef m(df): ...\n", {"metrics": "m"}),
    ],
)
def test_functions_are_found_by_either_products_markers_or_without_any_by_their_usual_names(
    folder: Write, source: str, functions: dict[str, str]
) -> None:
    (file,) = read_model_folder(folder(files={"m.py": source})).files
    assert file.asset.functions == functions


def test_a_misspelt_marker_is_a_notice(folder: Write) -> None:
    place = folder(files={"m.py": SCORE + "\n# modelop.metric\ndef m(df): ...\n# modleop.train\ndef t(df): ...\n"})
    assert examine(place).notices == [
        "m.py, line 5: # modelop.metric is no marker; did you mean # modelop.metrics?",
        "m.py, line 7: # modleop.train is no marker; did you mean # modelop.train?",
    ]


def test_several_output_slots_are_a_notice(folder: Write) -> None:
    place = folder(files={"m.py": "# fastscore.schema.1: a.avsc\n# fastscore.schema.3: a\n" + SCORE, "a.avsc": RECORD})
    assert any("schemas for 2 output slots" in notice for notice in examine(place).notices)


RECORD = '{"type": "record", "name": "r", "fields": []}'


@pytest.mark.parametrize(
    ("markers", "inputs", "outputs"),
    [
        ("# modelop.schema.0: rows.avsc", ["rows.avsc"], ["my_output.avsc"]),
        ("# fastscore.schema.0: rows", ["rows.avsc"], ["my_output.avsc"]),
        ("# fastscore.schema.0: close\n# fastscore.schema.1: rows", ["schemas/close.avsc"], ["rows.avsc"]),
        ("# fastscore.input: rows\n# fastscore.output: close", ["rows.avsc"], ["schemas/close.avsc"]),
        (
            "# modelop.schema.2: rows.avsc\n# modelop.schema.0: schemas/close.avsc",
            ["schemas/close.avsc", "rows.avsc"],
            ["my_output.avsc"],
        ),
        ("# modelop.schema.0: in-use", ["rows.avsc", "schemas/close.avsc"], ["my_output.avsc"]),
        ("# modelop.schema.0: elsewhere.avsc", ["rows.avsc", "schemas/close.avsc"], ["my_output.avsc"]),
    ],
)
def test_a_schema_marker_names_a_file_by_its_place_or_its_bare_name(
    folder: Write, markers: str, inputs: list[str], outputs: list[str]
) -> None:
    schemas = {"rows.avsc": RECORD, "schemas/close.avsc": RECORD, "my_output.avsc": RECORD}
    place = folder(files={"m.py": f"{markers}\n{SCORE}", **schemas})
    model = read_model_folder(place).model
    assert [schema.name for schema in model.input_schemas] == inputs
    assert [schema.name for schema in model.output_schemas] == outputs
    assert any("elsewhere.avsc" in notice for notice in examine(place).notices) is ("elsewhere" in markers)


def test_assets_that_lie_outside_are_the_models_at_their_addresses(folder: Write) -> None:
    listed = [{"filename": "big.csv", "fileUrl": "s3://b/big.csv", "assetRole": "TRAINING_DATA", "fileFormat": "CSV"}]
    *_, (asset, path) = read_model_folder(folder({"external_assets.json": json.dumps(listed)})).files
    assert path is None
    assert (asset.name, asset.role, asset.kind) == ("big.csv", "TRAINING_DATA", AssetKind.EXTERNAL)
    assert (asset.address, asset.format) == ("s3://b/big.csv", "CSV")


@pytest.mark.parametrize(
    ("files", "model_type", "functions"),
    [
        ({"m.R": "# modelop.score\naction <- function(x) {\n}\n"}, "R", {"score": "action"}),
        ({"m.py": "# modelop.metrics\nf <- function(data) {\n  emit(data)\n}\n"}, "R", {"metrics": "f"}),
        ({"m.py": "from pyspark.sql import SparkSession\n"}, "PYSPARK", {}),
        ({"m.pmml": "<PMML/>"}, "PMML", {}),
        ({"m.xml": "<?xml version='1.0'?><PMML version='4.2'/>"}, "PMML", {}),
        ({"m.pfa": "{}"}, "PFA", {}),
        ({"m.sas": "data x;"}, "SAS", {}),
        (
            {"m.py": "# modelop.score\ndef f(external_inputs, external_outputs, external_model_assets): ...\n"},
            "PYSPARK",
            {"score": "f"},
        ),
        ({"m.py": SCORE, "m.R": "x"}, "PYTHON", {"score": "score"}),
        ({"m.py": SCORE, "metadata.json": '{"type": "PYTHON3"}'}, "PYTHON3", {"score": "score"}),
    ],
)
def test_the_type_of_a_model_is_what_its_source_is_written_in(
    folder: Write, files: dict[str, str], model_type: str, functions: dict[str, str]
) -> None:
    model, assets = read_model_folder(folder(files=files))
    (source,) = [file.asset for file in assets if file.asset.primary]
    assert (model.type, source.functions) == (model_type, functions)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"x.ipynb": "{}", "m.pkl": ""}, r"x\.ipynb: a notebook is not run"),
        ({"m.pkl": ""}, r"m\.pkl are weights, and nothing says how to use them"),
        ({"README.md": ""}, "there is no source at all"),
        ({}, "there is no source at all"),
    ],
)
def test_a_folder_without_a_source_is_refused_with_what_is_supported(
    folder: Write, files: dict[str, str], said: str
) -> None:
    with pytest.raises(BadModelFolder, match=rf"{said}.*Supported is Python source"):
        read_model_folder(folder(files=files))


def test_all_problems_of_a_folder_are_said_at_once(folder: Write) -> None:
    place = folder(
        {"metadata.json": "{", "required_assets.json": "{}", "model.py": "# modelop.score\n", "rows.avsc": "{"}
    )
    assert len(examine(place).problems) == 4


@pytest.mark.parametrize("name", ["test.cases.csv", "training.cases.json", "a/baseline.cases.jsonl"])
def test_cases_of_a_decision_table_are_no_data(folder: Write, name: str) -> None:
    files = {file.asset.name: file.asset.role for file in read_model_folder(folder({name: "[]"})).files}
    assert files[name] == "UNKNOWN"
