"""How a field gets another name while runs of two releases are open, as docs/compatibility.md says, on Temporal."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import AliasChoices, Field, ValidationError
from temporalio import activity, workflow
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from mlc.model.base import Input, Record, read_names
from tests.compatibility.declared import field_read_as, written_name

CONVERTER = pydantic_data_converter.payload_converter


class Old(Record):
    patience: int = 24


class Renaming(Record):
    """The release that renames it: reads both names, writes the old one."""

    outage_budget: int = Field(
        24, validation_alias=AliasChoices("outage_budget", "patience"), serialization_alias="patience"
    )


class Renamed(Record):
    """The release after that: reads both, writes the new one."""

    outage_budget: int = Field(24, validation_alias=AliasChoices("outage_budget", "patience"))


class Careless(Record):
    outage_budget: int = 24


class RenamingInput(Input):
    snapshot: str = Field(
        validation_alias=AliasChoices("snapshot", "snapshot_id"), serialization_alias="snapshot_id", min_length=1
    )
    note: str = ""


def handed_on(value: Any, type_: type) -> Any:
    """What another worker reads of it."""
    return CONVERTER.from_payload(CONVERTER.to_payload(value), type_)


def test_the_release_that_renames_a_field_and_the_one_before_read_each_other() -> None:
    assert handed_on(Old(patience=7), Renaming).outage_budget == 7
    assert handed_on(Renaming(outage_budget=7), Old).patience == 7
    assert handed_on(Renaming(outage_budget=7), Renaming).outage_budget == 7


def test_the_release_after_that_writes_the_new_name_and_both_are_read() -> None:
    assert handed_on(Renaming(outage_budget=7), Renamed).outage_budget == 7
    assert handed_on(Renamed(outage_budget=7), Renaming).outage_budget == 7
    assert handed_on(Old(patience=7), Renamed).outage_budget == 7


def test_a_field_that_is_simply_renamed_silently_reads_its_default() -> None:
    """Which is why all this is needed."""
    assert handed_on(Old(patience=7), Careless).outage_budget == 24
    assert handed_on(Careless(outage_budget=7), Old).patience == 24


def test_the_old_name_is_what_temporals_converter_writes_however_deep_the_value_lies() -> None:
    written = json.loads(CONVERTER.to_payload({"all": [Renaming(outage_budget=7)]}).data)
    assert written == {"all": [{"patience": 7}]}


def test_an_input_that_refuses_unknown_fields_takes_both_names() -> None:
    assert RenamingInput.model_validate({"snapshot_id": "a"}) == RenamingInput.model_validate({"snapshot": "a"})
    assert handed_on(RenamingInput(snapshot="a"), RenamingInput).snapshot == "a"
    assert json.loads(CONVERTER.to_payload(RenamingInput(snapshot="a")).data) == {"snapshot_id": "a", "note": ""}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"snapshotid": "a"}, "Unknown field 'snapshotid', missing field 'snapshot'"),
        ({}, "Missing field 'snapshot'"),
        ({"snapshot": "a", "nope": 1}, "Unknown field 'nope'"),
        ({"snapshot": "a", "snapshot_id": "b"}, "Field 'snapshot' is given twice"),
    ],
)
def test_such_an_input_still_names_what_is_wrong(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RenamingInput.model_validate(given)


def test_the_names_of_a_renamed_field_are_found() -> None:
    assert read_names(Renaming, "outage_budget") == ["outage_budget", "patience"]
    assert written_name(Renaming, "outage_budget") == "patience"
    assert field_read_as(Renaming, "patience") == field_read_as(Renaming, "outage_budget") == "outage_budget"
    assert (read_names(Old, "patience"), written_name(Old, "patience")) == (["patience"], "patience")
    assert field_read_as(Careless, "patience") is None


@activity.defn(name="read_budget")
async def of_old(_: Old) -> Old:
    return Old(patience=7)


@activity.defn(name="read_budget")
async def of_now(asked: Renaming) -> Renaming:
    return Renaming(outage_budget=asked.outage_budget + 1)


@workflow.defn(name="Budget")
class Budget:
    @workflow.run
    async def run(self, asked: Renaming) -> list[int]:
        given = await workflow.execute_activity(
            "read_budget", asked, result_type=Renaming, start_to_close_timeout=timedelta(seconds=30)
        )
        return [asked.outage_budget, given.outage_budget]


@pytest.mark.parametrize(("worker", "answer"), [(of_old, 7), (of_now, 6)])
async def test_workers_of_both_releases_serve_one_run(
    dev_server: WorkflowEnvironment, worker: Any, answer: int
) -> None:
    queue = str(uuid4())
    async with Worker(
        dev_server.client,
        task_queue=queue,
        workflows=[Budget],
        activities=[worker],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        said = await dev_server.client.execute_workflow("Budget", Old(patience=5), id=queue, task_queue=queue)
    assert said == [5, answer]
