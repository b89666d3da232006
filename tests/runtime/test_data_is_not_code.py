"""A job's data never becomes the model's code, and never takes the place of one of its files."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from outcomes import Ran, result
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.settings import FileSettings

Run = Callable[..., Any]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
APPROVED = "import os\n# modelop.metrics\ndef m(*frames):\n    yield {'is': 'approved', 'files': files()}\n"
FILES = """
def files():
    found = [os.path.relpath(os.path.join(at, name)) for at, _, names in os.walk(".") for name in names]
    return sorted(path for path in found if not path.startswith("__moc_runtime"))
"""
FORGED = "# modelop.metrics\ndef m(*frames): yield {'is': 'forged'}\n"


def approved(*files: wire.Asset) -> wire.DeployableModel:
    """A model that says that it is the approved one, and which files lie beside it."""
    return python_model(APPROVED + FILES, *files)


def reading(name: str, *files: wire.Asset) -> wire.DeployableModel:
    """A model that gives what it reads under a name, and the sum of what it was given."""
    body = f"yield {{'read': open({name!r}).read(), 'given': int(df.a.sum())}}"
    return python_model(f"# modelop.metrics\ndef m(df): {body}", *files)


def as_csv(name: str, content: str = FORGED) -> wire.Asset:
    return embedded(name, content, file_format="CSV")


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def noted(outcome: Ran, beginning: str) -> bool:
    return any(message.startswith(beginning) for message in [*outcome.messages, *outcome.told])


@pytest.mark.parametrize(
    "name",
    [
        "model.py",
        "./model.py",
        "\\model.py",
        "MODEL.PY",
        "model.py ",
        " model.py\n",
        "model.py.",
        "model.py\u200b",
        "mo\u00addel.py",
        "\uff4dodel.py",
        "model.\uff50\uff59",
        "model.pyc",
        "model.so",
        "model",
        "model/__init__.py",
        "model/data.csv",
        "__pycache__/model.csv",
    ],
)
async def test_an_input_by_whatever_name_leaves_the_models_source_alone(call: Run, name: str) -> None:
    outcome = await call(JobKind.METRICS, approved(), as_csv(name))
    assert result(outcome) == {"is": "approved", "files": ["model.py"]}
    assert noted(outcome, "The input ")
    assert outcome.runtime_info["sha256"]["source"] == {"model.py": digest(APPROVED + FILES)}


async def test_no_input_shadows_a_library_or_runs_when_python_starts(run: Run) -> None:
    source = """
        import colorsys, os
        try:
            import no_library_of_this_name
        except ImportError:
            colorsys.missing = True
        # modelop.metrics
        def m(*frames): yield {"library": colorsys.__file__, "missing": colorsys.missing, "files": files()}
        """
    names = ["colorsys.py", "colorsys/__init__.py", "colorsys.so", "sitecustomize.py", "usercustomize.py", "x.pth"]
    names += ["conftest.py", "setup.py", "colorsys/data.csv", "no_library_of_this_name/data.csv", "pandas.py"]
    names += [f"__pycache__/colorsys.{sys.implementation.cache_tag}.pyc", "outputDir/weights.csv"]
    names += ["__moc_runtime/home/.local/lib/sitecustomize.py", "__MOC_RUNTIME/order.json", "json/__init__.py"]
    model = python_model(source.replace("\n        ", "\n") + FILES)
    outcome = await run(JobKind.METRICS, model, *(as_csv(name, "raise SystemExit('input')") for name in names))
    found = result(outcome)
    assert Path(found["library"]).is_relative_to(sys.base_prefix)
    assert found["missing"] is True
    # The name of the runtime's own folder is dropped, whatever its case; that leaves a plain name with a data ending.
    assert found["files"] == ["model.py", "order.json"]


@pytest.mark.parametrize(
    "name", ["coefficients.json", "COEFFICIENTS.json", "coefficients.json\u200b", "/coefficients.json"]
)
async def test_an_input_leaves_the_models_weights_alone(call: Run, name: str) -> None:
    weights = embedded("coefficients.json", '{"a": 1}', asset_role="WEIGHTS_FILE")
    outcome = await call(JobKind.METRICS, reading("coefficients.json", weights), embedded(name, '[{"a": 5}]'))
    assert result(outcome) == {"read": '{"a": 1}', "given": 5}
    assert noted(outcome, "The input ")
    assert outcome.runtime_info["sha256"]["artefacts"] == {"coefficients.json": digest('{"a": 1}')}


async def test_an_input_does_not_stand_in_for_weights_that_cannot_be_had(call: Run) -> None:
    weights = wire.Asset(filename="coefficients.json", file_url="file:///no/such/file", asset_role="WEIGHTS_FILE")
    outcome = await call(JobKind.METRICS, reading("coefficients.json", weights), embedded("coefficients.json", "[]"))
    assert outcome.problem.startswith("The metrics function 'm' of model.py failed: FileNotFoundError")
    assert noted(outcome, "The input coefficients.json does not lie beside the model")


async def test_weights_at_an_address_that_are_not_the_snapshots_are_not_used(call: Run, tmp_path: Path) -> None:
    (tmp_path / "weights.txt").write_text("approved")
    weights = wire.Asset(
        filename="weights.txt",
        asset_type="EXTERNAL_FILE",
        asset_role="WEIGHTS_FILE",
        file_url=f"file://{tmp_path}/weights.txt",
        content_hash=wire.ContentHash(hex_string=digest("approved")),
    )
    model, files = reading("weights.txt", weights), FileSettings(root=tmp_path)
    assert result(await call(JobKind.METRICS, model, CSV, files=files))["read"] == "approved"
    (tmp_path / "weights.txt").write_text("replaced")
    outcome = await call(JobKind.METRICS, model, CSV, files=files)
    assert "FileNotFoundError" in outcome.problem
    assert noted(outcome, "The asset weights.txt at its address has other content than the snapshot says")


async def test_the_snapshots_own_data_stays_under_its_name_and_the_function_gets_the_input(call: Run) -> None:
    own = embedded("test.csv", "a\n1\n", asset_role="TEST_DATA")
    outcome = await call(JobKind.METRICS, reading("test.csv", own), as_csv("test.csv", "a\n7\n"))
    assert result(outcome) == {"read": "a\n1\n", "given": 7}
    said = "The input test.csv does not lie beside the model under its name: another file of the model or the job has"
    assert noted(outcome, said)


async def test_an_input_that_is_the_snapshots_own_data_needs_no_note(call: Run) -> None:
    own = embedded("data/test.csv", "a\n1\n", asset_role="TEST_DATA", file_format="CSV")
    outcome = await call(JobKind.METRICS, reading("data/test.csv", own), own)
    assert result(outcome) == {"read": "a\n1\n", "given": 1}
    assert not noted(outcome, "The input ")


async def test_an_input_with_a_plain_name_is_found_under_it_and_another_of_that_name_is_not(call: Run) -> None:
    source = "# modelop.metrics\ndef m(x, y): yield {'read': open('new.csv').read(), 'given': int(y.a.sum())}"
    outcome = await call(
        JobKind.METRICS, python_model(source), as_csv("new.csv", "a\n1\n"), as_csv("new.csv", "a\n2\n")
    )
    assert result(outcome) == {"read": "a\n1\n", "given": 2}
    assert noted(outcome, "The input new.csv does not lie beside the model")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("model.py", "it is code, which comes with the model only."),
        ("helper.PY", "it is code, which comes with the model only."),
        ("colorsys/__init__.py", "it is code, which comes with the model only."),
        ("__pycache__/model.bin", "it is code, which comes with the model only."),
        ("colorsys/names.txt", "its folder is none of the model's, and Python could import a new one."),
        ("outputDir/weights.txt", "outputDir is for what training makes."),
        ("outputdir", "outputDir is for what training makes."),
        ("Weights.txt", "another file of the model or the job has that name."),
    ],
)
async def test_an_additional_asset_is_no_code_and_takes_no_files_place(call: Run, name: str, problem: str) -> None:
    weights = embedded("weights.txt", "trained", asset_role="WEIGHTS_FILE")
    outcome = await call(JobKind.METRICS, approved(weights), CSV, additional=[embedded(name, FORGED)])
    assert result(outcome)["files"] == ["data.csv", "model.py", "outputDir/weights.txt", "weights.txt"]
    assert f"The additional asset {name} is not laid out: {problem}" in outcome.messages
    assert outcome.runtime_info["sha256"]["additional"] == {}


async def test_whatever_the_model_could_read_or_import_is_hashed(call: Run) -> None:
    files = [
        embedded("helper.py", "X = 1"),
        embedded("package/part.pyc", "compiled", asset_role="WEIGHTS_FILE"),
        embedded("weights.txt", "trained", asset_role="WEIGHTS_FILE"),
        embedded("test.csv", "a\n1\n", asset_role="TEST_DATA"),
    ]
    outcome = await call(JobKind.METRICS, approved(*files), CSV, additional=[embedded("more.txt", "more")])
    hashes = outcome.runtime_info["sha256"]
    assert hashes["source"].keys() == {"model.py", "helper.py", "package/part.pyc"}
    assert hashes["artefacts"] == {"weights.txt": digest("trained")}
    assert hashes["files"] == {"test.csv": digest("a\n1\n")}
    assert hashes["additional"] == {"more.txt": digest("more")}


@pytest.mark.parametrize(
    ("name", "role"), [("model.py", "UNKNOWN"), ("./Model.py", "WEIGHTS_FILE"), ("w.txt", "WEIGHTS_FILE")]
)
async def test_a_model_with_two_contents_for_its_code_or_weights_is_not_run(call: Run, name: str, role: str) -> None:
    weights = embedded("w.txt", "trained", asset_role="WEIGHTS_FILE")
    outcome = await call(JobKind.METRICS, approved(weights, embedded(name, FORGED, asset_role=role)), CSV)
    assert outcome.problem.endswith("with different content: remove or rename the one that is not meant.")


async def test_data_of_the_model_does_not_take_the_place_of_its_weights(call: Run) -> None:
    data = embedded("w.txt", "data", asset_role="BASELINE_DATA")
    weights = embedded("w.txt", "trained", asset_role="WEIGHTS_FILE")
    outcome = await call(JobKind.METRICS, reading("w.txt", data, weights), CSV)
    assert result(outcome)["read"] == "trained"
    assert outcome.runtime_info["sha256"]["artefacts"] == {"w.txt": digest("trained")}
    assert noted(outcome, "The model has two files w.txt with different content: the one with the role BASELINE_DATA")


async def test_compiled_code_does_not_run_instead_of_the_source_that_is_hashed(run: Run, tmp_path: Path) -> None:
    import py_compile

    (tmp_path / "helper.py").write_text("VALUE = 'forged'")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = Path(py_compile.compile(str(tmp_path / "helper.py"), invalidation_mode=mode))
    model = python_model(
        "import helper\n# modelop.metrics\ndef m(df): yield {'is': helper.VALUE}",
        embedded("helper.py", "VALUE = 'source'"),
        embedded(f"__pycache__/{compiled.name}", compiled.read_bytes(), asset_role="WEIGHTS_FILE"),
    )
    outcome = await run(JobKind.METRICS, model, CSV)
    assert result(outcome) == {"is": "source"}
    assert noted(outcome, f"The asset __pycache__/{compiled.name} is not laid out")


async def test_retrained_weights_are_what_is_read_and_hashed_where_old_ones_were_kept(call: Run) -> None:
    old = embedded("outputDir/w.txt", "old", asset_role="WEIGHTS_FILE")
    new = embedded("w.txt", "new", asset_role="WEIGHTS_FILE")
    outcome = await call(JobKind.METRICS, reading("outputDir/w.txt", old, new), CSV)
    assert result(outcome)["read"] == "new"
    assert set(outcome.runtime_info["sha256"]["artefacts"].values()) == {digest("new")}


@pytest.mark.parametrize(
    "name",
    [
        "model.py",
        "Model.PY",
        "mo\u200bdel.py",
        "model.py ",
        "model.p\u200by",
        "helper.pyc",
        "colorsys.so",
        "sub/sitecustomize.py",
        "sub/__pycache__/x.bin",
        "colorsys/__init__.py",
    ],
)
async def test_training_that_leaves_code_is_an_error(call: Run, name: str) -> None:
    outcome = await call(JobKind.TRAINING, writing(name), CSV)
    assert outcome.problem.endswith("that is code by its name, and code comes with the model only.")
    assert outcome.outputs == []


@pytest.mark.parametrize("name", ["requirements.txt", "Limits.dmn", "test.csv", "begin"])
async def test_training_that_would_replace_what_is_not_its_own_is_an_error(call: Run, name: str) -> None:
    roles = {"requirements.txt": "REQUIRED_LIBRARIES", "limits.dmn": "TEST_RESULT_COMPARATOR", "test.csv": "TEST_DATA"}
    model = writing(name)
    model.stored_model.model_assets += [embedded(own, "", asset_role=role) for own, role in roles.items()]
    model.stored_model.model_assets.append(wire.Asset(name="begin", asset_type="SOURCE_CODE", source_code="x = 1"))
    outcome = await call(JobKind.TRAINING, model, CSV)
    assert outcome.problem.startswith(f"Training left {name} in outputDir/: that is the name of the model's ")


@pytest.mark.parametrize("name", ["model.pth", "model.pkl", "report.csv", "sub/weights.json"])
async def test_training_may_make_new_files_and_new_weights(call: Run, name: str) -> None:
    model = writing(name)
    model.stored_model.model_assets.append(embedded("model.pkl", "old", asset_role="WEIGHTS_FILE"))
    outcome = await call(JobKind.TRAINING, model, CSV)
    assert outcome.problem is None
    assert [asset.filename for asset in outcome.outputs] == [name]


def writing(name: str) -> wire.DeployableModel:
    """A model whose training leaves a file of this name."""
    path = f"outputDir/{name}"
    return python_model(f"""
        import os
        # modelop.train
        def train(df):
            os.makedirs(os.path.dirname({path!r}), exist_ok=True)
            open({path!r}, "w").write("x = 1")
        """)
