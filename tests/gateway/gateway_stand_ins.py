"""Workflows that stand in for the real ones: they take the same signals and tell which ones they took."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from mlc.model.attribute import Attribute
    from mlc.model.job import JobChanged
    from mlc.model.processes import (
        DEPLOY_MODEL,
        JOB_CHANGED,
        RUN_BACK_TEST,
        RUN_BATCH_MODEL_JOB,
        TICKET_CHANGED,
        DeployModelInput,
        RunBackTestInput,
        RunBatchModelJobInput,
    )
    from mlc.model.ticket import TicketChanged

TICKETS = SearchAttributeKey.for_keyword_list(Attribute.TICKETS.value)


class _Listening:
    def __init__(self) -> None:
        self.taken: list[str] = []
        self.finished = False

    @workflow.signal(name=TICKET_CHANGED)
    def ticket_changed(self, hint: TicketChanged) -> None:
        self.taken.append(f"{hint.provider}:{hint.key}:{hint.delivery_id or ''}")

    @workflow.signal(name=JOB_CHANGED)
    def job_changed(self, hint: JobChanged) -> None:
        self.taken.append(f"job:{hint.job_id}")

    @workflow.signal
    def finish(self) -> None:
        self.finished = True

    @workflow.query
    def heard(self) -> list[str]:
        return self.taken


@workflow.defn(name="WaitsForTickets")
class WaitsForTickets(_Listening):
    @workflow.run
    async def run(self, tickets: list[str], seconds_before: float) -> None:
        if seconds_before:
            await workflow.sleep(timedelta(seconds=seconds_before))
        workflow.upsert_search_attributes([TICKETS.value_set(tickets)])
        await workflow.wait_condition(lambda: self.finished)


@workflow.defn(name=DEPLOY_MODEL)
class Deploys(_Listening):
    @workflow.run
    async def run(self, asked: DeployModelInput) -> str:
        await workflow.wait_condition(lambda: self.finished)
        return asked.snapshot_id


@workflow.defn(name=RUN_BACK_TEST)
class BackTests(_Listening):
    @workflow.run
    async def run(self, asked: RunBackTestInput) -> RunBackTestInput:
        await workflow.wait_condition(lambda: self.finished)
        return asked


@workflow.defn(name=RUN_BATCH_MODEL_JOB)
class Scores:
    @workflow.run
    async def run(self, asked: RunBatchModelJobInput) -> RunBatchModelJobInput:
        return asked
