"""Model folders in ModelOp's layout, and broken ones."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlc.center.modelop.folder import LARGEST_FOLDER, BadModelFolder, read_model_folder
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
    "a required role that is none": ({"required_assets.json": '[{"assetRole": "X"}]'}, "item 1"),
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
    "two marked sources": ({"more.py": "# modelop.score\ndef f(): ...\n"}, r"model\.py and more\.py both"),
    "a schema that is not there": ({"rows.avsc": None}, r"rows\.avsc is named by # modelop\.schema\.0"),
    "a schema with an error": ({"rows.avsc": "{"}, r"rows\.avsc, line 1: "),
    "a hidden file": ({".env": "PASSWORD=x"}, r"\.env is hidden"),
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


def test_a_folder_within_is_refused_but_for_those_of_tools(folder: Write) -> None:
    place = folder()
    (place / "__pycache__").mkdir()
    (place / ".git").mkdir()
    read_model_folder(place)
    (place / "data").mkdir()
    with pytest.raises(BadModelFolder, match="data is a folder"):
        read_model_folder(place)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFolder, match="not a folder"):
        read_model_folder(tmp_path / "nothing")
