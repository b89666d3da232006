"""States are enums: what a newer release says is read as unknown, and a misspelt one never gets past mypy."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

import mlc.model
from mlc.model.base import Input, OpenEnum
from mlc.model.job import JobStatus
from mlc.model.policy import OnFailedVerdict, Policy
from mlc.model.processes import DeployModelResult, Outcome, Phase
from mlc.model.state import DeployModelState, RunBackTestState, RunBatchModelJobState
from mlc.model.ticket import Answer, TicketState
from workflows.steps.progress import Progress

for module in pkgutil.iter_modules(mlc.model.__path__):
    importlib.import_module(f"mlc.model.{module.name}")

OPEN_ENUMS = sorted(OpenEnum.__subclasses__(), key=lambda enum: enum.__name__)


@pytest.mark.parametrize("enum", OPEN_ENUMS, ids=lambda enum: enum.__name__)
def test_a_value_that_a_newer_release_added_reads_as_unknown(enum: type[OpenEnum]) -> None:
    assert enum("added-later") is enum("unknown")


def test_an_answer_that_is_unknown_is_no_answer() -> None:
    state = TicketState.model_validate_json('{"answer": "approved-with-conditions"}')
    assert state.answer is Answer.UNKNOWN
    assert state.answer not in {Answer.APPROVED, Answer.REJECTED, Answer.GONE}


def test_an_outcome_that_is_unknown_is_written_down_as_such() -> None:
    result = DeployModelResult.model_validate_json('{"snapshot_id": "s", "outcome": "overtaken-later"}')
    assert result.outcome is Outcome.UNKNOWN
    assert '"outcome":"unknown"' in result.model_dump_json()


def test_a_policy_that_is_unknown_is_not_the_lenient_one() -> None:
    assert Policy.model_validate_json('{"on_failed_verdict": "shrug"}').on_failed_verdict is not OnFailedVerdict.ASK


def test_a_state_that_is_not_even_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        TicketState.model_validate_json('{"answer": null}')


def closed_enums(model: type[BaseModel], seen: set[type]) -> Iterator[type]:
    """Enums among the fields of a state, however deep, that refuse what they don't know."""
    if model in seen:
        return
    seen.add(model)
    for field in model.model_fields.values():
        for kind in inner_types(field.annotation):
            if issubclass(kind, BaseModel):
                yield from closed_enums(kind, seen)
            elif issubclass(kind, Enum) and not issubclass(kind, OpenEnum):
                yield kind


def inner_types(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from inner_types(argument)


@pytest.mark.parametrize("state", [DeployModelState, RunBackTestState, RunBatchModelJobState], ids=lambda s: s.__name__)
def test_no_enum_of_a_state_that_is_handed_over_refuses_what_a_newer_release_added(state: type[BaseModel]) -> None:
    seen = set[type]()
    assert list(closed_enums(state, seen)) == []
    assert len(seen) > 10


def test_a_phase_that_is_unknown_is_read_and_not_gone_on_with() -> None:
    """The worker's task fails, and one of the newer release takes the run."""
    state = DeployModelState.new("s").model_dump(mode="json")
    state["status"]["phase"] = "announcement"
    read = DeployModelState.model_validate(state)
    assert read.status.phase is Phase.UNKNOWN
    with pytest.raises(RuntimeError, match="newer release"):
        Progress(read).resume()


def test_a_job_of_an_unknown_status_has_not_ended() -> None:
    assert not JobStatus("PAUSED").terminal


@pytest.mark.parametrize("kind", Input.__subclasses__(), ids=lambda kind: kind.__name__)
def test_what_people_send_is_never_read_leniently(kind: type[Input]) -> None:
    annotations = [field.annotation for field in kind.model_fields.values()]
    assert not [each for each in annotations if isinstance(each, type) and issubclass(each, OpenEnum)]


MISSPELT = {
    "Decision(outcome='aproved', ticket='T-1', url='')": 'expected "DecisionOutcome"',
    "JobEnd(job_id='1', status='CANCELED')": 'expected "JobStatus"',
    "StepRecord(phase='x', status='wating', started=datetime.now())": 'expected "StepStatus"',
    "Outcome.DEPOLYED": "has no attribute",
    "JobStatus.COMPLETE == 'COMPLET'": "Non-overlapping equality check",
}


def test_a_misspelt_state_fails_mypy(tmp_path: Path) -> None:
    """The cache of the last check makes this a matter of seconds."""
    imports = (
        "from datetime import datetime\nfrom mlc.model.job import JobEnd, JobStatus\n"
        "from mlc.model.processes import Outcome, StepRecord\nfrom mlc.model.ticket import Decision\n"
    )
    file = tmp_path / "misspelt.py"
    file.write_text(imports + "\n".join(MISSPELT) + "\n")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(file)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False).stdout
    first = imports.count("\n") + 1
    for number, (line, error) in enumerate(MISSPELT.items(), start=first):
        assert any(f"misspelt.py:{number}: error" in each and error in each for each in said.splitlines()), (line, said)
