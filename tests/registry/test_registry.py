"""The registry of processes: it agrees with the workflows, contradicts itself nowhere, and nobody else keeps a list."""

import base64
import dataclasses
import re
import runpy
import subprocess
import sys
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cli.cli_process import mlc
from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RawValue

from activities.schedule_plan import Owner, _start
from mlc.center.modelop.signals import JOB_STATUS_CHANGED, PREFIX, UNHEARD, ModelOpSignals
from mlc.cli.processes import lines
from mlc.gateway.handlers import handler_of, start_process
from mlc.gateway.idempotency import fingerprint
from mlc.model.file import FileRules
from mlc.model.process import Process, Processes, Signal, Starts
from mlc.model.processes import RunBackTestInput, RunBackTestResult
from mlc.model.schedule import Schedule
from mlc.model.signal import UnknownSignal
from mlc.worker import MlcPlugin
from workflows.registry import PROCESSES

ROOT = Path(__file__).parents[2]
SIGNALS = ModelOpSignals(PROCESSES)


def process(name: str) -> Process:
    return next(each for each in PROCESSES if each.name == name)


BACK_TEST = process("RunBackTest")
ASKED = BACK_TEST.signals[0]


@pytest.mark.parametrize("entry", PROCESSES, ids=lambda entry: entry.name)
def test_an_entry_says_what_its_workflow_says(entry: Process) -> None:
    definition = workflow._Definition.must_from_class(entry.workflow)
    assert definition.name == entry.name
    said = typing.get_type_hints(definition.run_fn)
    assert said.pop("return") is entry.result
    if entry.input is None:
        assert said == {}
        return
    (taken,) = said.values()
    assert issubclass(taken, entry.input)  # which a run that takes another's place hands more to, and nobody else
    assert [
        name for name in taken.model_fields.keys() - entry.input.model_fields if taken.model_fields[name].is_required()
    ] == []


def test_every_workflow_that_the_worker_runs_is_in_the_registry() -> None:
    """RunJob alone is a runtime's, not the worker's."""
    defined = {
        name
        for file in sorted((ROOT / "workflows").glob("*.py"))
        for name in re.findall(r"@workflow\.defn\(name=(\w+)\)\s+class (\w+)", file.read_text())
    }
    assert {class_name for _, class_name in defined} == {each.__name__ for each in PROCESSES.workflows} | {"RunJob"}
    assert MlcPlugin().workflows == PROCESSES.workflows


@workflow.defn(name="Another", sandboxed=False)
class Other:
    @workflow.run
    async def run(self, request: RunBackTestInput) -> RunBackTestResult:
        return RunBackTestResult(snapshot_id=request.model_id)


class Inherits(Other): ...


@workflow.defn(dynamic=True)
class Anything:
    @workflow.run
    async def run(self, _args: Sequence[RawValue]) -> None: ...


def changed(**changes: Any) -> Process:
    return dataclasses.replace(BACK_TEST, **{"name": "Another", "workflow": Other} | changes)


def signalled(**changes: Any) -> Process:
    return changed(signals=[dataclasses.replace(ASKED, **{"name": "Signals_X"} | changes)])


def signalled_by(**changes: Any) -> Process:
    return changed(signals=[dataclasses.replace(ASKED, name="Signals_X")], **changes)


MODEL = ASKED.variables[0]
WRONG: dict[str, tuple[Callable[[], Process], str]] = {
    "twice": (lambda: BACK_TEST, "RunBackTest is there twice"),
    "a signal of another": (changed, "Signals_Run_Back_Test_Jira is there twice"),
    "its own signal twice": (lambda: changed(signals=[dataclasses.replace(ASKED, name="Y")] * 2), "Y is there twice"),
    "another workflow's": (
        lambda: signalled_by(workflow=BACK_TEST.workflow),
        "Another: the Temporal type of its workflow is RunBackTest",
    ),
    "the class's name": (lambda: signalled_by(name="Other"), "Other: the Temporal type of its workflow is Another"),
    "any workflow's": (lambda: signalled_by(workflow=Anything), "Another: Anything has no Temporal type of its own"),
    "its parent's": (lambda: signalled_by(workflow=Inherits), "Another: Inherits has no Temporal type of its own"),
    "no workflow": (lambda: signalled_by(workflow=Process), "Another: Process has no Temporal type of its own"),
    "an input that nothing fills": (
        lambda: changed(signals=[], workflow_id=None),
        "Another: it takes an input or makes an id of one, but no signal fills that",
    ),
    "an id of nothing": (lambda: changed(signals=[], input=None), "or makes an id of one, but no signal fills that"),
    "no input": (lambda: changed(signals=[Signal("Z", [], "z")], input=None), "Another: what a signal starts needs"),
    "no id": (lambda: changed(signals=[Signal("Z", [MODEL], "z")], workflow_id=None), "needs an input and a workflow"),
    "an unknown field": (lambda: signalled(fixed={"tickting": "jira"}), "fills tickting, which its input has not"),
    "a variable twice": (lambda: signalled(variables=[MODEL, MODEL]), "has a variable or fills a field twice"),
    "a field twice": (lambda: signalled(fixed={"model_id": "x"}), "has a variable or fills a field twice"),
    "a field left empty": (lambda: signalled(variables=[]), "leaves model_id empty, which its input needs"),
    "a needed field that may be left out": (
        lambda: signalled(variables=[dataclasses.replace(MODEL, required=False)]),
        "leaves model_id empty",
    ),
    "no example": (lambda: signalled(variables=[dataclasses.replace(MODEL, example=None)]), "without an example"),
    "once, but for which snapshot": (
        lambda: signalled(variables=[dataclasses.replace(MODEL, names_snapshot=False)], starts=Starts.ONCE),
        "must name one snapshot",
    ),
    "two snapshots": (
        lambda: signalled(variables=[MODEL, dataclasses.replace(MODEL, name="B", field="input_file", example="x")]),
        "must name one snapshot",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_entry_that_can_not_be_right_is_refused_at_once(case: str) -> None:
    wrong, says = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(says)):
        PROCESSES.also(wrong())


def test_the_signal_that_wakes_runs_starts_none() -> None:
    entry = signalled(name=JOB_STATUS_CHANGED.removeprefix(PREFIX))
    with pytest.raises(ValueError, match=r"Another: .*job_status_changed wakes runs already"):
        ModelOpSignals(PROCESSES.also(entry))


@pytest.mark.parametrize("name", UNHEARD)
def test_a_signal_that_nobody_listens_to_can_be_taken_by_a_new_process(name: str) -> None:
    assert name in SIGNALS.unheard
    signals = ModelOpSignals(PROCESSES.also(signalled(name=name.removeprefix(PREFIX))))
    assert name not in signals.unheard
    assert handler_of(name, signals) is start_process
    assert list(signals.names).count(name) == 1


def test_a_registry_without_processes_still_reads_what_wakes_runs() -> None:
    signals = ModelOpSignals(Processes())
    assert list(signals.names) == [JOB_STATUS_CHANGED, *UNHEARD]
    assert handler_of(PREFIX + "Signals_NO", signals) is None
    with pytest.raises(UnknownSignal, match=r"No process is started by a signal of this name\. Known: none\."):
        signals.read("x", {}, FileRules())


def test_an_example_is_of_a_signal_that_starts_something_or_there_is_none() -> None:
    assert SIGNALS.example.startswith(f'"{SIGNALS.asked[0]}" with {{"MODEL_ID": ')
    deploys = ModelOpSignals(Processes(process("DeployModel"), process("SweepTickets")))
    assert (deploys.asked, deploys.example) == ([], "")
    for signals, says in (
        (SIGNALS, f", such as {SIGNALS.example}."),
        (deploys, "; no process here is started by one."),
    ):
        with pytest.raises(
            ValueError, match=re.escape(f"it must name a signal and an object with its variables{says}")
        ):
            _start(Owner("d", "Deployment d", "s", "m", []), Schedule(id="s"), FileRules(), signals)


def test_no_door_names_a_process_or_the_signal_that_starts_it() -> None:
    assert named_in("mlc/gateway", "mlc/center", "mlc/worker.py", "mlc/mirrored.py", "mlc/cli/processes.py") == set()
    assert named_in("workflows/registry.py")  # a search that finds nothing anywhere would prove nothing


def named_in(*places: str) -> set[str]:
    started = [each for each in PROCESSES if each.signals]
    words = [word for each in started for word in (each.name, re.sub(r"(?<!^)(?=[A-Z])", "_", each.name).upper())]
    words += [signal.name for _, signal in PROCESSES.signals]
    found = re.compile("|".join(rf"\b{word}\b" for word in words))
    files = [
        file for place in places for file in ([ROOT / place] if place.endswith("py") else (ROOT / place).rglob("*.py"))
    ]
    assert files
    return {f"{file.relative_to(ROOT)}: {word}" for file in files for word in found.findall(file.read_text())}


def test_no_workflow_imports_the_registry_and_the_registry_imports_no_web_server() -> None:
    code = """
import sys
import workflows.deploy_model, workflows.run_back_test, workflows.run_batch_model_job, workflows.sweep_tickets
import workflows.mirror_schedules, workflows.run_job, workflows.messages
assert "workflows.registry" not in sys.modules
import workflows.registry
print(sorted({"fastapi", "starlette", "uvicorn", "mlc.gateway", "mlc.standalone"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_page_of_signals_says_what_the_registry_says() -> None:
    document = runpy.run_path(str(ROOT / "docs" / "signals_table.py"))["document"]
    assert (ROOT / "docs" / "signals.md").read_text() == document() + "\n", "run: python docs/signals_table.py"


def test_the_page_of_commands_and_those_of_the_processes_name_every_signal_that_one_sends() -> None:
    commands = (ROOT / "docs" / "commands.md").read_text()
    for entry, signal in PROCESSES.signals:
        page = "docs/" + re.sub(r"(?<!^)(?=[A-Z])", "-", entry.name).lower() + ".md"
        assert signal.name in commands
        assert signal.starts is Starts.ONCE or signal.name in (ROOT / page).read_text()


def test_the_command_lists_every_process_and_signal(tmp_path: Path) -> None:
    done = mlc(tmp_path, "processes")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(":")[0] for line in done.stdout.splitlines() if line[0] != " "] == [
        e.name for e in PROCESSES
    ]
    assert [line.split()[1] for line in done.stdout.splitlines() if "  signal" in line] == list(SIGNALS.processes)


@workflow.defn(name="Lonely")
class Lonely:
    @workflow.run
    async def run(self) -> None: ...


def test_the_command_says_what_a_process_needs_and_what_starts_the_others() -> None:
    said = [line.strip() for line in lines(PROCESSES)]
    assert (
        "needs TAG, INPUT_FILE; takes MODEL_STAGE, OUTPUT_FILE, JOB_PARAMETERS (once for each Idempotency-Key)" in said
    )
    assert "needs DEPLOYABLE_MODEL (at most once for a snapshot, however often it comes)" in said
    assert "started by a Temporal Schedule that `mlc setup` makes" in said
    assert said[-1] == "started by a Temporal Schedule that `mlc setup` makes where MLC_MIRROR_SCHEDULES says so"
    *_, last = lines(Processes(Process(name="Lonely", workflow=Lonely, summary="", result=BaseModel)))
    assert last.strip() == "started by hand, or by a Temporal Schedule of your own"


CONTENT = base64.b64encode(b"a,b\n1,2\n").decode()
EMBEDDED = {"assetType": "FILE", "filename": "in.csv", "fileFormat": "CSV", "fileContent": CONTENT}
EXTERNAL = {"assetType": "EXTERNAL_FILE", "fileUrl": "https://files.example.org/a/in.csv"}
OUT = {"assetType": "EXTERNAL_FILE", "fileUrl": "https://files.example.org/o.csv"}
FINGERPRINTS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "Signals_Run_Back_Test_Jira",
        {"MODEL_ID": "m-1"},
        "back-test-m-1-k",
        "505883bc0c858418d1cfb0023addf4beaec7e95721fe27a11f6054d5a343b1ef",
    ),
    (
        "Signals_Run_Back_Test_ServiceNow",
        {"MODEL_ID": "m-1", "INPUT_FILE": EMBEDDED, "OUTPUT_FILE": {"filename": "o.csv"}},
        "back-test-m-1-k",
        "cb141becbceda540907ff88c7b1902f10be34af390b191f2ce29335927ac672c",
    ),
    (
        "Signals_MODEL_BACK_TEST",
        {"MODEL_ID": "m-1", "INPUT_FILE": EXTERNAL, "OUTPUT_FILE": None},
        "back-test-m-1-k",
        "8ffe45b60126fedf10655db3d2bf9bb443b49018ee7eafdd40e9b6f053d7100a",
    ),
    (
        "Signals_DEPLOYED_BATCH_JOB",
        {
            "TAG": "t",
            "MODEL_STAGE": "PROD",
            "INPUT_FILE": [EMBEDDED, EXTERNAL, EMBEDDED],
            "OUTPUT_FILE": [{}, {"filename": "x.json"}, OUT],
        },
        "batch-t-k",
        "0e289c281b3f3c28fb2f3965433006b64979a86ad2b0ed9f12ed88932a3eeaf6",
    ),
    (
        "Signals_DEPLOYED_BATCH_JOB",
        {"TAG": "t", "INPUT_FILE": EXTERNAL},
        "batch-t-k",
        "820835ece7365a2f651b35cca69527dd6810260da446705ea788dd99801bc993",
    ),
]


@pytest.mark.parametrize(("name", "variables", "workflow_id", "sha256"), FINGERPRINTS)
def test_a_call_repeated_after_an_upgrade_is_still_the_same_call(
    name: str, variables: dict[str, Any], workflow_id: str, sha256: str
) -> None:
    """Ids and fingerprints as release 0.1.0 made them: they stand in Temporal for as long as runs are kept."""
    start = SIGNALS.read(PREFIX + name, variables, FileRules(hosts=["files.example.org"]))
    assert (start.workflow_id("k"), fingerprint(start)) == (workflow_id, sha256)
