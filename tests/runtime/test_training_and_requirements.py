"""Training and its artefacts; requirements and the environments made for them."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installing import installed
from small_models import embedded, needing, python_model, tiny_library

from mlc.model.failure_text import failure_text
from mlc.model.job import JobKind
from mlc.model.required_libraries import RequirementsFile, read_requirements
from mlc.runtime.environments.installation import InstallRules
from mlc.runtime.environments.requirements import missing

Run = Callable[..., Any]
BUILDS = InstallRules(source_builds=True)
CSV = embedded("train.csv", "a\n1\n2\n", file_format="CSV")


@pytest.mark.usefixtures("models_write_outside")
async def test_what_training_leaves_in_output_dir_becomes_artefacts_with_their_relative_names(run: Run) -> None:
    source = """
        import os
        # modelop.train
        def train(df):
            os.mkdir("outputDir/sub")
            open("outputDir/sub/weights.bin", "wb").write(b"\\x00\\xff")
            open("outputDir/model.txt", "w").write(str(df.a.sum()))
            os.symlink("/etc/passwd", "outputDir/stolen")
            open("elsewhere.txt", "w").write("not an artefact")
        """
    outcome = await run(JobKind.TRAINING, python_model(source), CSV)
    assert outcome.problem is None
    assert {a.filename: a.content() for a in outcome.outputs} == {"model.txt": b"3", "sub/weights.bin": b"\x00\xff"}
    assert {a.asset_role for a in outcome.outputs} == {"WEIGHTS_FILE"}
    assert outcome.runtime_info["sha256"]["trained"].keys() == {"model.txt", "sub/weights.bin"}


@pytest.mark.parametrize("place", ["model.txt", "outputDir/model.txt"])
async def test_an_artefact_is_found_by_its_name_and_where_training_wrote_it(call: Run, place: str) -> None:
    source = f"# modelop.metrics\ndef m(df): yield {{'is': open({place!r}).read()}}"
    model = python_model(source, embedded("model.txt", "trained", asset_role="WEIGHTS_FILE"))
    outcome = await call(JobKind.METRICS, model, CSV)
    assert json.loads(outcome.outputs[0].content()) == {"is": "trained"}


async def test_old_artefacts_are_not_taken_for_new_ones(call: Run) -> None:
    old = embedded("old.txt", "old", asset_role="WEIGHTS_FILE")
    source = "# modelop.train\ndef train(df): open('outputDir/new.txt', 'w').write(open('old.txt').read())"
    outcome = await call(JobKind.TRAINING, python_model(source, old), CSV)
    assert [a.filename for a in outcome.outputs] == ["new.txt"]


async def test_training_that_leaves_nothing_is_an_error(call: Run) -> None:
    outcome = await call(JobKind.TRAINING, python_model("# modelop.train\ndef train(df): return 1"), CSV)
    assert outcome.problem == "Training left nothing in outputDir/: write the trained model there."


@pytest.mark.usefixtures("models_write_outside")
async def test_training_that_saved_beside_output_dir_is_told_so_and_not_that_init_failed_before(run: Run) -> None:
    source = """
        import os
        # modelop.init
        def init(): open("model.txt")
        # modelop.train
        def train(df):
            os.mkdir("made")
            for name in ("model.txt", "made/scaler.bin", "old.txt"): open(name, "w").write("trained")
        """
    old = embedded("old.txt", "old one", asset_role="WEIGHTS_FILE")
    outcome = await run(JobKind.TRAINING, python_model(source, old), CSV)
    assert outcome.problem == (
        "Training left nothing in outputDir/, but wrote made/scaler.bin, model.txt, old.txt beside it: "
        "write the trained model there."
    )
    assert any(line.startswith("Training goes on although init failed") for line in outcome.told)
    assert failure_text(outcome.messages, 600) == outcome.problem


async def test_training_goes_on_although_init_cannot_load_what_it_is_about_to_make(call: Run) -> None:
    source = """
        # modelop.init
        def init(): open("model.txt")
        # modelop.train
        def train(df): open("outputDir/model.txt", "w").write("x")
        """
    outcome = await call(JobKind.TRAINING, python_model(source), CSV)
    assert outcome.problem is None
    assert any(line.startswith("Training goes on although init failed") for line in outcome.told)


async def test_additional_assets_lie_beside_the_model_and_can_be_imported(run: Run) -> None:
    source = "import helper_code\n# modelop.metrics\ndef m(df): yield {'is': helper_code.VALUE + open('x.txt').read()}"
    more = [embedded("helper_code.py", "VALUE = 'from a '"), embedded("x.txt", "file")]
    outcome = await run(JobKind.METRICS, python_model(source, more[0]), CSV, additional=more[1:])
    assert json.loads(outcome.outputs[0].content()) == {"is": "from a file"}


def test_requirements_that_this_interpreter_satisfies_are_not_missing() -> None:
    def lacking(text: str) -> list[str]:
        read = read_requirements([RequirementsFile("requirements.txt", text.encode())], own_files=True)
        assert read.problems == []
        return [*map(str, missing(read.wanted))]

    satisfied = "# libraries\n\npandas>=2 # frames\nscikit-learn\nnot-for-us; python_version < '3'\n"
    assert lacking(satisfied) == []
    assert lacking("pandas<1\nno-such-library\nscikit-learn[plots]\n./x\n") == [
        "pandas<1",
        "no-such-library",
        "scikit-learn[plots]",
        "x",
    ]


async def test_missing_requirements_are_installed_once_into_an_environment_of_their_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    tiny_library(tmp_path, "1.0")
    first = await run(JobKind.METRICS, needing("tiny-library==1.0\npandas\n"), CSV)
    assert first.problem is None, first.messages
    answer = json.loads(first.outputs[0].content())
    assert answer["v"] == "1.0"
    assert answer["p"] != sys.prefix
    assert first.runtime_info["libraries"]["tiny-library"] == "1.0"
    assert "pandas" in first.runtime_info["libraries"]

    (tmp_path / "tiny_library-1.0-py3-none-any.whl").unlink()  # it can't be installed a second time
    again = await run(JobKind.METRICS, needing("tiny-library==1.0\npandas\n"), CSV)
    assert json.loads(again.outputs[0].content()) == answer


async def test_requirements_that_cannot_be_installed_are_an_error_with_what_pip_said(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    outcome = await run(JobKind.METRICS, needing("tiny-library==7\n"), CSV)
    assert outcome.problem.startswith("The model's requirements can't be installed for Python 3.")
    assert any("No matching distribution found for tiny-library==7" in line for line in outcome.messages)


async def test_two_jobs_that_need_the_same_environment_make_it_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    tiny_library(tmp_path, "2.0")
    said: list[str] = []

    async def doing(what: str) -> None:
        said.append(what)

    async def kept(name: str) -> str:
        async with installed("tiny-library==2.0", tmp_path, name, doing=doing) as interpreter:
            return interpreter.kept

    both = await asyncio.gather(kept("a"), kept("b"))
    assert both[0] == both[1]
    assert said.count("waiting for another model's installation of the same packages") == 1
    assert len(said) == 2
    assert len(list((tmp_path / "environments").glob("*.json"))) == 1


async def test_requirements_that_name_a_file_of_the_model_are_the_same_only_with_the_same_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    name, found = tiny_library(tmp_path, "1.0").name, []
    for version in ("'approved'", "'of another model'"):
        wheel = embedded(name, tiny_library(tmp_path, "1.0", version).read_bytes())
        outcome = await run(JobKind.METRICS, needing(f"./{name}", wheel), CSV, install=BUILDS)
        assert outcome.problem is None, outcome.messages
        found.append(json.loads(outcome.outputs[0].content())["v"])
    assert found == ["approved", "of another model"]


async def test_only_the_models_own_files_are_there_while_its_environment_is_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wheel = tiny_library(tmp_path, "1.0")
    given = embedded(wheel.name, wheel.read_bytes())
    outcome = await run(JobKind.METRICS, needing(f"./{wheel.name}"), CSV, additional=[given], install=BUILDS)
    assert outcome.problem.startswith("The model's requirements can't be installed for Python 3.")


async def test_an_environment_is_not_made_by_modules_of_the_model(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    tiny_library(tmp_path, "3.0")
    own = [embedded(name, "raise SystemExit('run by the runtime')") for name in ("venv.py", "pip.py", "logging.py")]
    outcome = await run(JobKind.METRICS, needing("tiny-library==3.0", *own), CSV)
    assert "run by the runtime" not in "\n".join(outcome.messages)
    assert list((tmp_path / "environments").glob("*.json"))


async def test_requirements_among_the_inputs_change_no_environment(run: Run) -> None:
    given = embedded("requirements.txt", "tiny-library==7\n", file_format="CSV", asset_role="REQUIRED_LIBRARIES")
    outcome = await run(JobKind.METRICS, python_model("# modelop.metrics\ndef m(df): yield {}"), given)
    assert outcome.problem is None, outcome.messages
    assert outcome.runtime_info["sha256"]["artefacts"] == {}
