"""``mlc validate`` and ``mlc init``: what they say, write and refuse; and ``mlc submit``, which looks first."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_process import ROOT, called
from cli_process import mlc as command

import mlc.dmn.analysis
from activities import table_findings
from mlc.center.modelop.folder import NotEmpty, write_starter
from mlc.cli.submit import submit_and_watch
from mlc.cli.validate import lines
from mlc.dmn.analysis import Aspect, Finding, Severity
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.model import DecisionModel
from mlc.model.deployment import Runtime
from mlc.model.snapshot import Model
from mlc.standalone.validation import Report, Surroundings, validate

NO_SERVER = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
FUNCTION_ONLY = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="T" namespace="urn:t">
  <businessKnowledgeModel id="f" name="f"><encapsulatedLogic><formalParameter name="n"/>
    <literalExpression><text>n</text></literalExpression></encapsulatedLogic></businessKnowledgeModel></definitions>"""
SCORE = "# modelop.score\ndef score(record):\n    yield record\n"


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    write_starter(tmp_path / "churn")
    return tmp_path / "churn"


def report(folder: Path, *tags: str, around: Surroundings | None = None) -> Report:
    return validate(folder, tags, around).report


def change(folder: Path, **metadata: Any) -> None:
    known = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps(known | metadata))


def test_init_writes_a_folder_that_validate_finds_right(tmp_path: Path) -> None:
    made = called(tmp_path, "init", str(tmp_path / "my-model"))
    assert made.returncode == 0, made.stderr
    assert "holds the model 'My Model'" in made.stdout
    shown = called(tmp_path, "validate", str(tmp_path / "my-model"))
    assert shown.returncode == 0, shown.stdout
    for said in (
        "My Model  (PYTHON, Classification)",
        "model.py: init init, score score, metrics metrics, train train",
        "test.csv                            TEST_DATA",
        "thresholds.dmn                      asks for accuracy, recall",
        "+ Stability Monitor: PSI/CSI",
        "run_test            asks for a test",
        "no model centre was asked",
    ):
        assert said in shown.stdout
    assert "warning" not in shown.stdout
    assert shown.stdout.endswith("my-model can be submitted.\n")


def test_init_writes_the_same_each_time_and_over_nothing(tmp_path: Path) -> None:
    write_starter(tmp_path / "one" / "m")
    (tmp_path / "m").mkdir()
    write_starter(tmp_path / "m")
    assert {f.name: f.read_bytes() for f in (tmp_path / "m").iterdir()} == {
        f.name: f.read_bytes() for f in (tmp_path / "one" / "m").iterdir()
    }
    for there in (tmp_path / "m", tmp_path / "m" / "model.py"):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(NotEmpty, match="name a folder that is not there yet, or an empty one"):
            write_starter(there)
        assert sorted(tmp_path.rglob("*")) == before
    refused = called(tmp_path, "init", str(tmp_path / "m"))
    assert (refused.returncode, refused.stdout) == (1, "")


def test_what_validate_finds_can_be_read_by_a_program(starter: Path, tmp_path: Path) -> None:
    shown = called(tmp_path, "validate", str(starter), "--tag", "fraud", "--json")
    found = Report.model_validate_json(shown.stdout)
    assert (shown.returncode, found.model, found.source) == (0, "Churn", "model.py")
    assert found.service_tags == ["fraud"]
    shown = called(tmp_path, "validate", str(starter), "--tag", "run-test", "--json")
    assert (shown.returncode, len(Report.model_validate_json(shown.stdout).errors)) == (1, 1)
    (starter / "model.py").unlink()
    shown = called(tmp_path, "validate", str(starter), "--json")
    assert shown.returncode == 1
    assert (
        "weights.json are weights, and nothing says how to use them; add the source that loads them"
        in Report.model_validate_json(shown.stdout).errors[0]
    )


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    shown = called(tmp_path, "validate", str(tmp_path / "nothing"))
    assert shown.returncode == 1
    assert "nothing is not a folder; give the folder that holds metadata.json" in shown.stdout


BROKEN_TABLE = (ROOT / "examples/diabetes/thresholds.dmn").read_text().replace("&gt; 65", "&gt; (65")


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"thresholds.dmn": BROKEN_TABLE}, "thresholds.dmn"),
        ({"thresholds.dmn": "no table"}, "thresholds.dmn"),
        (
            {
                "thresholds.dmn": (ROOT / "examples/diabetes/thresholds.dmn")
                .read_text()
                .replace('name="passes"', 'name="p"')
            },
            "has no output named 'passes', so that no result can pass it. Add the output.",
        ),
        ({"test.csv": None}, "The tag 'run_test' asks for a test, and no file has the role TEST_DATA: call it so"),
        (
            {"model.py": SCORE},
            "The tag 'run_test' asks for a test, and model.py has no function for it: write # modelop.metrics",
        ),
        ({"model.py": "x <- 1\n"}, "no Python file marks a function"),
        ({"model.py": None, "model.R": "# modelop.score\nf <- function(x) x\n"}, "of the type R, which no runtime"),
        ({"model.py": None, "model.pmml": "<PMML/>"}, "of the type PMML, which no runtime"),
        ({"metadata.json": "{"}, "metadata.json, line 1"),
    ],
)
def test_what_keeps_a_folder_from_being_submitted_is_an_error(
    starter: Path, files: dict[str, str | None], error: str
) -> None:
    for name, text in files.items():
        (starter / name).unlink(missing_ok=True)
        if text is not None:
            (starter / name).write_text(text)
    found = report(starter)
    assert any(error in each for each in found.errors), found.errors
    assert all(each.rstrip(")").endswith(".") for each in found.errors)


def test_training_that_is_asked_for_needs_a_function_and_data(starter: Path) -> None:
    assert report(starter, "train").errors == []
    (starter / "train.csv").unlink()
    assert "no file has the role TRAINING_DATA" in report(starter, "train").errors[0]
    assert report(starter).errors == []


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("run-test", "run_test"),
        ("Run_Test", "run_test"),
        ("runtest", "run_test"),
        ("run_tset", "run_test"),
        ("JIRA", "jira"),
        ("service now", "servicenow"),
        ("trian", "train"),
    ],
)
def test_a_tag_that_looks_like_a_control_tag_is_an_error_unless_the_policy_exempts_it(
    starter: Path, tag: str, meant: str
) -> None:
    change(starter, tags=[])
    found = report(starter, tag)
    assert found.control_tags == {}
    (error,) = found.errors
    assert error.startswith(f"The tag {tag!r} looks like {meant!r}, which asks for ")
    assert "not_control in the governance policy" in error
    exempt = report(starter, tag, around=Surroundings(not_control=[tag, "other"]))
    assert (exempt.errors, exempt.warnings, exempt.service_tags) == ([], [], [tag])
    assert report(starter, tag, around=Surroundings(not_control=["other"])).errors == [error]
    assert report(starter, tag, around=Surroundings(not_control=None)).errors == [], "the centre is asked later"


def test_a_folders_own_tag_counts_like_one_that_is_given(starter: Path) -> None:
    change(starter, tags=["Jira"])
    assert len(report(starter).errors) == 1


def test_a_tag_that_is_a_little_like_a_control_tag_is_a_warning(starter: Path) -> None:
    change(starter, tags=[])
    found = report(starter, "training")
    assert found.errors == []
    assert any("The tag 'training' asks for no step: did you mean 'train'?" in each for each in found.warnings)


def test_tags_of_the_folder_and_those_given_count_once_each(starter: Path) -> None:
    found = report(starter, "jira", "servicenow", "fraud")
    assert list(found.control_tags) == ["run_test", "jira", "servicenow"]
    assert found.service_tags == ["fraud"]
    assert found.warnings == []


def test_monitors_that_will_not_be_added_are_named_with_what_is_missing(starter: Path) -> None:
    (starter / "baseline.csv").unlink()
    plan = report(starter).monitors
    assert plan is not None
    assert plan.add == ["Performance Monitor: Classification"]
    assert set(plan.lacking.values()) == {
        "the snapshot has no asset with the role BASELINE_DATA; mlc monitor baseline SNAPSHOT makes one"
    }
    change(starter, modelMethodology="LLM")
    plan = report(starter).monitors
    assert plan is not None
    assert plan.warnings == ["The model's methodology is 'LLM': it gets the monitors of a classification model."]


def test_what_schema_and_data_lack_for_the_monitors_is_told_beside_them(starter: Path) -> None:
    header, _, rows = (starter / "baseline.csv").read_text().partition("\n")
    assert "score" in header.split(",")
    (starter / "baseline.csv").write_text(header.replace("score", "skore") + "\n" + rows)
    plan = report(starter).monitors
    assert plan is not None
    assert len(plan.add) == 4
    (said,) = plan.warnings
    assert "baseline.csv (BASELINE_DATA) lacks columns that the schema names: 'score'." in said
    for schema in starter.glob("*.avsc"):
        schema.unlink()
    without = report(starter)
    assert without.right
    assert any("The model has no input schema" in line for line in lines(without))


def test_a_predictor_that_the_folders_own_data_lack_is_a_warning_with_the_near_column(starter: Path) -> None:
    schema = starter / "input_schema.avsc"
    schema.write_text(schema.read_text().replace('"visits"', '"visit"').replace('"months"', '"zzz"'))
    found = report(starter)
    assert found.right
    lacks = "lacks columns that the schema calls predictors: 'visit' (is 'visits' meant?), 'zzz'."
    for name, role in (("test.csv", "TEST"), ("train.csv", "TRAINING"), ("baseline.csv", "BASELINE")):
        assert f"{name} ({role}_DATA) {lacks}" in found.warnings
    (starter / "train.csv").write_bytes(b"")
    (starter / "test.csv").write_text("x" * 100_000)
    assert [said for said in report(starter).warnings if lacks in said] == [f"baseline.csv (BASELINE_DATA) {lacks}"]
    schema.write_text("{}")
    assert not any("predictors" in said for said in report(starter).warnings)


def test_when_monitors_run_is_told_and_a_bad_cron_expression_is_an_error(starter: Path) -> None:
    stability = "Stability Monitor: PSI/CSI"
    change(starter, monitors={stability: {"schedule": "0 0 3 * * ?", "timeZone": "Europe/Vienna"}})
    assert f"+ {stability}, runs by 0 0 3 * * ? Europe/Vienna" in "\n".join(lines(report(starter)))
    change(starter, monitors={stability: {"schedule": "each night"}})
    (error,) = report(starter).errors
    assert error.startswith(f"metadata.json: monitors: {stability}: A cron expression has six or seven fields")


def test_of_several_files_of_a_role_it_is_told_which_the_monitors_read_as_it_is_when_they_are_added(
    starter: Path,
) -> None:
    (starter / "baseline_2.csv").write_bytes((starter / "baseline.csv").read_bytes())
    change(starter, assets={"baseline_2.csv": "BASELINE_DATA"})
    plan = report(starter).monitors
    assert plan is not None
    assert (len(plan.add), plan.lacking) == (4, {})
    (warning,) = plan.warnings
    assert "Chosen for monitors, of BASELINE_DATA baseline.csv is read, left out: baseline_2.csv:" in warning


def test_a_monitor_of_which_it_is_not_clear_what_it_reads_will_not_be_added(starter: Path) -> None:
    two = Model(name="Stability Monitor: PSI/CSI", required_roles=["BASELINE_DATA", "BASELINE_DATA"])
    found = report(starter, around=Surroundings(monitors={two.name: two})).monitors
    assert found is not None
    assert found.lacking[two.name] == "the snapshot has 1 assets with the role BASELINE_DATA to choose, not 2"


def test_what_the_centre_has_counts(starter: Path) -> None:
    runtimes = [Runtime(id="1", name="r", platforms={"r": "4"}, tags=["fraud"])]
    monitor = Model(name="Performance Monitor: Classification", required_roles=["COMPARATOR_DATA"])
    around = Surroundings(runtimes, {monitor.name: monitor}, asked=True)
    found = report(starter, "fraud", "credit", around=around)
    assert "of the type PYTHON, which no runtime of the model centre runs: they run r." in found.errors[0]
    assert [warning.partition(":")[0] for warning in found.warnings] == [
        "The tag 'credit' is on no runtime of the model centre"
    ]
    assert found.monitors is not None
    assert len(found.monitors.lacking) == 3
    (starter / "model.py").rename(starter / "model.txt")
    (starter / "model.R").write_text("# modelop.metrics\nf <- function(x) x\n")
    change(starter, type="R")
    assert report(starter, around=around).errors == []


def test_a_monitors_folder_needs_no_steps(starter: Path) -> None:
    change(starter, modelCategory="MODEL_MONITORING_MODEL")
    (starter / "test.csv").unlink()
    found = report(starter)
    assert (found.errors, found.is_monitor, found.monitors) == ([], True, None)


def test_what_is_worth_knowing_is_a_warning(starter: Path) -> None:
    (starter / "model.py").write_text(
        "import modelop.utils\nimport pickle\n# modelop.metrics\ndef m(df):\n    pickle.load(open('model.pkl', 'rb'))\n"
        "    yield {}\n"
    )
    (starter / "test.csv").rename(starter / "test.orc")
    (starter / "input_schema.avsc").write_text('{"type": "recrod", "name": "r", "fields": []}')
    warnings = "\n".join(report(starter).warnings)
    for said in (
        "model.py, line 1: modelop is the vendor's own package",
        "model.py, line 5: it opens model.pkl, which is not in the folder.",
        "model.py has no score function: once deployed, the model can't answer.",
        "test.orc has the role TEST_DATA, and a format that no job reads",
        "input_schema.avsc is no Avro schema",
    ):
        assert said in warnings


def test_submit_can_not_watch_what_it_does_not_start(starter: Path, tmp_path: Path) -> None:
    done = called(tmp_path, "submit", str(starter), "--watch", "--no-start", **NO_SERVER)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is none" in done.stderr


def test_submit_looks_first_and_makes_nothing_of_a_broken_folder(starter: Path, tmp_path: Path) -> None:
    (starter / "thresholds.dmn").write_text(BROKEN_TABLE)
    done = called(tmp_path, "submit", str(starter), **NO_SERVER)
    assert done.returncode == 1
    assert done.stderr.startswith("thresholds.dmn")
    assert "Nothing was made in the model centre. All about the folder: mlc validate" in done.stderr
    assert "Temporal" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "limited"),
    [
        ({"MLC_CENTER_URL": "http://127.0.0.1:9/api"}, True),
        ({"MLC_CENTER_URL": "http://127.0.0.1:9/api", "MLC_CENTER_CONTENTS": "reference"}, False),
        ({}, False),  # as standalone mode would take it
    ],
)
def test_only_where_contents_are_embedded_is_a_folder_limited_as_a_whole(
    starter: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], limited: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with (starter / "weights.bin").open("wb") as file:
        file.truncate(1 << 40)
    errors = report(starter).errors
    assert [error.split(",")[0] for error in errors] == ["weights.bin brings the folder over 45 MB"] * limited
    assert all("set MLC_CENTER_CONTENTS to reference" in error for error in errors)


@pytest.fixture
def found_in_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table has a thousand warnings and a hint."""

    def odd(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
        for number in range(1, 1_001):
            place = table.table.place.at(rule=number, line=10 + number)
            yield Finding(Severity.WARNING, Aspect.GAP, "no rule is for \x1b[2J", place, suggestion="add one")
        yield Finding(Severity.HINT, Aspect.SUBSUMED, "another rule has it all", table.table.place.at(rule=2))

    monkeypatch.setattr(mlc.dmn.analysis, "CHECKS", (odd,))
    monkeypatch.setattr(table_findings, "_memory", table_findings._Memory(4))


@pytest.mark.usefixtures("found_in_tables")
def test_what_may_surprise_a_tables_author_is_a_warning_or_a_hint_and_keeps_nothing_back(starter: Path) -> None:
    found = report(starter)
    (table,) = found.tables
    assert (found.errors, found.warnings, found.hints) == ([], table.warnings, table.hints)
    assert re.fullmatch(
        r'thresholds.dmn, line 11, decision "[^"]+", rule 1: no rule is for \x1b\[2J. Suggestion: add one',
        table.warnings[0],
    )
    assert len(table.warnings) == 21
    assert table.warnings[-1] == "thresholds.dmn: 980 more; `mlc dmn check thresholds.dmn` shows them all."
    shown = list(lines(found))
    assert any(line.startswith("warning: thresholds.dmn, line 11, decision") for line in shown)
    assert any(line.startswith("hint: thresholds.dmn, ") and "another rule has it all" in line for line in shown)
    assert "\x1b" not in "".join(shown)
    assert shown[-1].endswith("churn can be submitted.")


def test_a_cell_that_is_never_met_is_a_warning_of_the_command(starter: Path, tmp_path: Path) -> None:
    table = (starter / "thresholds.dmn").read_text()
    cell = re.search(r"<inputEntry[^>]*>\s*<text>(&lt; [\d.]+)</text>", table)
    assert cell is not None
    (starter / "thresholds.dmn").write_text(table.replace(cell[1], "[0.9..0.7]", 1))
    shown = called(tmp_path, "validate", str(starter))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "[0.9..0.7] is met by no value. Suggestion: [0.7..0.9]" in shown.stdout
    assert re.search(r"^warning: thresholds.dmn, line \d+, decision", shown.stdout, re.MULTILINE)


@pytest.mark.usefixtures("found_in_tables")
async def test_submit_prints_the_warnings_and_goes_on(
    starter: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class GoesOnError(Exception):
        pass

    async def nothing(*_: Any, **__: Any) -> Any:
        return Surroundings()

    async def goes_on(*_: Any, **__: Any) -> Any:
        raise GoesOnError

    monkeypatch.setenv("MLC_CENTER_URL", "http://127.0.0.1:1/model-manage/api")
    for name, instead in (("connect", nothing), ("surroundings", nothing), ("submit", goes_on)):
        monkeypatch.setattr(f"mlc.cli.submit.{name}", instead)
    with pytest.raises(GoesOnError):
        await submit_and_watch(starter, name=None, tags=[], stage="PROD", watching=False)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Warning: thresholds.dmn, line 11, decision")
    assert (len(said), said[-1]) == (22, f"1 hint about decision tables: mlc validate {starter}")


def test_a_table_is_analysed_once_though_a_folder_is_looked_at_twice(
    starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = []

    def counted(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
        times.append(table)
        yield from ()

    monkeypatch.setattr(mlc.dmn.analysis, "CHECKS", (counted,))
    monkeypatch.setattr(table_findings, "_memory", table_findings._Memory(4))
    for _ in range(3):
        assert report(starter).errors == []
    assert len(times) == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "the file is not well-formed XML"),
        (b"x" * 1_100_000, "thresholds.dmn is larger than 1048576 bytes"),
        (FUNCTION_ONLY.encode(), "thresholds.dmn has no decision that can be judged."),
    ],
    ids=["empty", "large", "functions alone"],
)
def test_a_table_that_no_process_could_judge_is_an_error(starter: Path, content: bytes, error: str) -> None:
    (starter / "thresholds.dmn").write_bytes(content)
    errors = report(starter).errors
    assert all(each.startswith("thresholds.dmn") for each in errors)
    assert any(error in each for each in errors)


def test_what_a_file_is_called_steers_no_terminal(starter: Path, tmp_path: Path) -> None:
    change(starter, name="evil\u001b[2Jname")
    shown = called(tmp_path, "validate", str(starter))
    assert "\u001b" not in shown.stdout


def test_every_example_is_right(tmp_path: Path) -> None:
    for example in sorted(path.parent for path in (ROOT / "examples").glob("*/metadata.json")):
        copy = tmp_path / example.name
        shutil.copytree(example, copy)
        found = report(copy, "train", "run_test", "jira")
        assert (found.errors, found.warnings) == ([], [])


@pytest.mark.parametrize("command_line", [("validate",), ("validate", "--json"), ("submit",)], ids=" ".join)
def test_a_hostile_folder_is_answered_with_sentences_and_an_exit_code(
    tmp_path: Path, command_line: tuple[str, ...]
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xe9"))
    folder.mkdir()
    (folder / "model.py").write_text(SCORE)
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / os.fsdecode(b"d\xe9\n.csv")).write_text("a\n")
    os.mkfifo(folder / "pipe.csv")
    (folder / "metadata.json").write_text('{"name": ' + "[" * 2_000 + "]" * 2_000 + "}")
    for encoding in ("utf-8", "ascii"):
        shown = command(tmp_path, *command_line, str(folder), PYTHONIOENCODING=encoding, **NO_SERVER)
        said = shown.stdout + shown.stderr
        assert shown.returncode == 1, said
        assert "Traceback" not in said
        for sentence in (
            "loop.csv is a link that goes round in a circle",
            "has a name that not every system can hold",
            "pipe.csv is not a file",
            "metadata.json is nested more than 50 levels deep",
        ):
            assert sentence in said


def test_lines_of_the_requirements_that_a_runtime_refuses_are_named(
    starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (starter / "requirements.txt").write_text("pandas\n--index-url https://robot:hidden-token@h/\n.\n")
    option, path = report(starter).errors
    assert option.startswith("requirements.txt, line 2: the option --index-url is refused")
    assert path.startswith("requirements.txt, line 3: '.' is a path")
    monkeypatch.setenv("MLC_RUNTIME_SOURCE_BUILDS", "true")
    assert report(starter).errors == [option]
    (starter / "requirements.txt").write_bytes(b"#" * 1_100_000)
    assert report(starter).errors == [
        "requirements.txt is larger than 1048576 bytes: shorten it, or raise MLC_CENTER_TEXT_LIMIT."
    ]
