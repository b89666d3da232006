"""What happens to models in production: back tests, a nightly batch job, drifting data. Part of ``mlc demo``."""

import asyncio
import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from rich.console import Console
from temporalio.client import WorkflowFailureError

from mlc.center.certificates import certificates
from mlc.center.modelop.signal_assets import embedded_file, file_at
from mlc.center.modelop.signals import PREFIX
from mlc.mirrored import NotFired, fire
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.failure import innermost
from mlc.model.job import JobStatus
from mlc.model.monitor_processes import MonitorRun, RunMonitorsResult
from mlc.model.processes import (
    BackTestPhase,
    ProcessResult,
    ProcessStatus,
    RunBackTestResult,
    RunBackTestStatus,
    RunBatchModelJobResult,
    RunBatchModelJobStatus,
)
from mlc.model.schedule import Schedule, mirrored_id
from mlc.model.ticket import TicketRef
from mlc.pages import run_page
from mlc.standalone.demo.outcomes import Check, Outcome
from mlc.standalone.demo.play import Played, Systems
from mlc.standalone.watch import Line, follow, text_of

LIMIT = 120.0
"""Seconds for each of these runs; they take about five."""
NIGHTLY = "0 0 2 * * ?"
RUN_BACK_TEST_JIRA = PREFIX + "Signals_Run_Back_Test_Jira"
RUN_BACK_TEST_SERVICENOW = PREFIX + "Signals_Run_Back_Test_ServiceNow"
DEPLOYED_BATCH_JOB = PREFIX + "Signals_DEPLOYED_BATCH_JOB"
DRIFT_MONITOR = "Data Drift Monitor: Comprehensive Analysis"
REPEATED = 12
"""So many good records there are for each that drifts, when the monitor looks at all of them: it is content again."""
SHOWN_LINES = 3

R = TypeVar("R", bound=ProcessResult)


@dataclass(frozen=True)
class Gateway:
    """Where signals go in: its address, and the token that it asks for."""

    url: str
    token: str

    async def signal(self, name: str, variables: dict[str, Any]) -> str:
        """Send ModelOp's signal, as a scheduler would; the id of the workflow that it started.

        Raises:
            httpx.HTTPStatusError: the gateway refused.
        """
        body = {"name": name, "variables": {variable: {"value": value} for variable, value in variables.items()}}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": uuid4().hex}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=LIMIT, verify=certificates()) as http:
            answer = (await http.post("/mlc-service/rest/signalResponsive", json=body)).raise_for_status()
        return str(answer.json()["workflowIds"][0])


class Operation:
    """Plays what schedulers and operators do with the models that are in production.

    Args:
        lake: the folder below which external files may lie.
    """

    def __init__(self, systems: Systems, gateway: Gateway, lake: Path, console: Console) -> None:
        self._systems = systems
        self._gateway = gateway
        self._lake = lake
        self._console = console

    async def passing_back_test(self, played: Played) -> Outcome:
        """A back test on the snapshot's own test data."""
        name = f"{played.made.model_name}: a back test on its test data, by signal"
        self._begin(name)
        run_id = await self._gateway.signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": played.made.snapshot_id})
        result = await self._follow(run_id, RunBackTestStatus, RunBackTestResult)
        said = await self._systems.center.list_notifications(snapshot_id=played.made.snapshot_id)
        notified = next((n.message for n in said if "back test" in n.message), "nothing")
        checks = [
            _equal("passed", result.outcome if result else "no end", "run"),
            Check("a notification that it passed", notified, "passed" in notified, "snapshot"),
        ]
        return self._outcome(name, checks, run_id, played.page)

    async def failing_back_test(self, played: Played) -> Outcome:
        """A back test on labelled data that came with the signal and that the model gets wrong."""
        name = f"{played.made.model_name}: a back test on data that it gets wrong, with ServiceNow"
        self._begin(name)
        data = inverted((played.submission.folder / "test.csv").read_text())
        file = embedded_file("inverted.csv", data.encode(), "CSV")
        variables = {"MODEL_ID": played.made.snapshot_id, "INPUT_FILE": file}
        run_id = await self._gateway.signal(RUN_BACK_TEST_SERVICENOW, variables)
        result = await self._follow(run_id, RunBackTestStatus, RunBackTestResult)
        tickets = result.tickets if result else []
        incident = f"{tickets[0].provider} {tickets[0].key}" if tickets else "no ticket"
        failed = (
            [rule.reason for rule in result.verdict.rules if rule.passes is False] if result and result.verdict else []
        )
        checks = [
            _equal("failed", result.outcome if result else "no end", "run"),
            Check("failed rules", "; ".join(failed) or "none", bool(failed), incident),
            Check("servicenow INC...", incident, incident.startswith("servicenow INC"), incident),
        ]
        pages = {ticket.key: ticket.url for ticket in tickets}
        return self._outcome(name, checks, run_id, played.page, pages)

    async def nightly_job(self, played: Played) -> Outcome:
        """A schedule on the batch deployment, fired once by hand, and the file that it makes."""
        name = f"{played.made.model_name}: scored every night from a file to a file, and once now"
        self._begin(name)
        records = (played.submission.folder / "to_score.csv").read_text()
        source, target = self._lake / "to_score.csv", self._lake / "scored.csv"
        self._lake.mkdir(parents=True, exist_ok=True)
        source.write_text(records)
        target.unlink(missing_ok=True)  # an earlier demo's
        try:
            schedule_id = await self._schedule(played, source, target)
            run_id = await fire(self._systems.temporal, schedule_id)
        except NotFired as error:
            missing = Check("a Temporal Schedule that starts a run", str(error), False, "Temporal UI")
            return Outcome(name, [missing], {"snapshot": played.page})
        self._say("schedule", "Temporal", schedule_id)
        self._say("schedule", "fired", run_id)
        result = await self._follow(run_id, RunBatchModelJobStatus, RunBatchModelJobResult)
        lines = target.read_text().splitlines() if target.is_file() else []
        for line in lines[:SHOWN_LINES]:
            self._say("output", target.name, line)
        wanted, made = len(records.splitlines()) - 1, max(len(lines) - 1, 0)
        checks = [
            await self._next_time(schedule_id),
            _equal(JobStatus.COMPLETE, await self._job_status(result), "run"),
            Check(f"{wanted} scores in {target}", f"{made} scores", made == wanted, str(target)),
        ]
        return self._outcome(name, checks, run_id, played.page)

    async def drifting_data(self, played: Played) -> Outcome:
        """Three nights of the monitor that DeployModel has set on the model: two on data that drift, one on good ones.

        What it reads is what the model has scored; it is run by its own schedule, which need not wait for the night.
        """
        name = f"{played.made.model_name}: a drifted batch, caught by its monitor by night"
        self._begin(name)
        good = (played.submission.folder / "test.csv").read_text()
        ended, comments, tickets = [], [], list[TicketRef]()
        pages: dict[str, str] = {}
        for data, times in ((drifted(good), 1), ("", 0), (good, REPEATED)):
            if data:
                await self._score(played, data, times=times)
            try:
                run = await self._night(played.made.snapshot_id)
            except (NotFired, TimeoutError, WorkflowFailureError) as error:
                check = Check("the monitor's schedule starts a run", str(innermost(error)), False, "Temporal UI")
                return Outcome(name, [check], {"snapshot": played.page})
            tickets += [each for each in run.tickets if each not in tickets]
            ended.append(str(run.outcome))
            comments = await self._systems.person.comments(tickets[0].key) if tickets else []
            self._say("monitor", run.outcome, comments[-1].partition("gov-event")[0] if comments else run.monitor)
            page = self._systems.center.page_of_result(run.test_result_id or "")
            pages |= {"monitor": run_page(run.workflow_id, self._systems.temporal.namespace), "result": page or ""}
        over = comments[-1] if comments else "no comment"
        ticket = tickets[0].key if tickets else "no ticket"
        checks = [
            _equal("failed, failed, passed", ", ".join(ended), "monitor"),
            _equal("1 ticket", f"{len(tickets)} ticket", ticket),
            _equal("2 comments", f"{len(comments)} comments", ticket),
            Check("a comment that it is over", over[:60], over.startswith("It is over"), ticket),
        ]
        return Outcome(name, checks, {"snapshot": played.page} | pages | {each.key: each.url for each in tickets})

    async def _score(self, played: Played, data: str, *, times: int) -> None:
        """Have the model score a file of records, so often."""
        header, *records = data.splitlines()
        file = self._lake / f"batch-{uuid4().hex[:6]}.csv"
        file.write_text("\n".join([header, *(records * times)]) + "\n")
        given = {
            "TAG": service_tag(played.submission.tags),
            "INPUT_FILE": file_at(file.as_uri(), file.name, "CSV"),
            "OUTPUT_FILE": file_at(file.with_suffix(".scored.csv").as_uri(), f"{file.stem}.scored.csv", "CSV"),
        }
        await self._follow(
            await self._gateway.signal(DEPLOYED_BATCH_JOB, given), RunBatchModelJobStatus, RunBatchModelJobResult
        )

    async def _night(self, snapshot_id: str) -> MonitorRun:
        """Fire the schedule of the drift monitor, and wait for what it comes to."""
        snapshot = await self._systems.center.get_snapshot(snapshot_id)
        monitor = next((each for each in snapshot.monitors if each.name == DRIFT_MONITOR), None)
        if monitor is None or not monitor.schedules:
            raise NotFired(f"The snapshot carries no {DRIFT_MONITOR!r} with a schedule.")
        run_id = await fire(self._systems.temporal, mirrored_id(snapshot_id, monitor.schedules[0].id))
        self._say("schedule", "fired", run_id)
        run = self._systems.temporal.get_workflow_handle(run_id, result_type=RunMonitorsResult)
        async with asyncio.timeout(LIMIT):
            ended: RunMonitorsResult = await run.result()
        return ended.runs[0]

    async def _schedule(self, played: Played, source: Path, target: Path) -> str:
        """Put a schedule on the active batch deployment; the id that its mirror in Temporal will have."""
        deployment = await self._batch_deployment(played.made.snapshot_id)
        nightly = Schedule(
            id="nightly",
            name="nightly scoring",
            cron=NIGHTLY,
            signal=DEPLOYED_BATCH_JOB,
            variables={
                "TAG": service_tag(played.submission.tags),
                "INPUT_FILE": file_at(source.as_uri(), source.name, "CSV"),
                "OUTPUT_FILE": file_at(target.as_uri(), target.name, "CSV"),
            },
        )
        await self._systems.center.set_schedules(deployment.id, [nightly])
        self._say("schedule", "centre", f"{NIGHTLY} on the batch deployment {deployment.id}")
        return mirrored_id(deployment.id, "nightly")

    async def _next_time(self, schedule_id: str) -> Check:
        handle = self._systems.temporal.get_schedule_handle(schedule_id)
        times = (await handle.describe()).info.next_action_times
        seen = f"{times[0]:%H:%M} UTC" if times else "never"
        return Check("scheduled for 02:00 UTC", seen, seen == "02:00 UTC", "Temporal UI")

    async def _batch_deployment(self, snapshot_id: str) -> DeploymentRecord:
        deployments = await self._systems.center.list_deployments(snapshot_id=snapshot_id)
        return next(
            deployment
            for deployment in deployments
            if deployment.runtime_id is None and deployment.state is DeploymentState.DEPLOYED
        )

    async def _follow(self, run_id: str, status: type[ProcessStatus], result: type[R]) -> R | None:
        self._say("started", "run", run_page(run_id, self._systems.temporal.namespace))
        with suppress(TimeoutError):
            try:
                async with asyncio.timeout(LIMIT):
                    return await follow(self._systems.temporal, run_id, self._show, status=status, result=result)
            except WorkflowFailureError as error:
                self._say("failed", "run", str(innermost(error)))
        return None

    async def _job_status(self, result: RunBatchModelJobResult | None) -> str:
        if result is None or result.job_id is None:
            return "no job"
        return (await self._systems.center.get_job(result.job_id)).status

    def _outcome(
        self, name: str, checks: list[Check], run_id: str, page: str, pages: dict[str, str] | None = None
    ) -> Outcome:
        run = run_page(run_id, self._systems.temporal.namespace)
        return Outcome(name, checks, {"run": run, "snapshot": page} | (pages or {}))

    def _begin(self, name: str) -> None:
        self._console.print(f"\n{name}", style="bold", soft_wrap=True, markup=False)

    def _say(self, phase: str, status: str, text: str) -> None:
        self._show((datetime.now(UTC), phase, status, text))

    def _show(self, line: Line) -> None:
        _, phase, status, _ = line
        if status != "running" and (phase != BackTestPhase.DONE or status == "ticket"):
            self._console.print(text_of(line), soft_wrap=True)


def inverted(data: str) -> str:
    """Labelled records (CSV, a label of 0 or 1 in the last column), each label made its opposite."""
    header, *records = csv.reader(io.StringIO(data))
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [header, *([*record[:-1], str(1 - int(record[-1]))] for record in records)]
    )
    return written.getvalue()


def drifted(data: str) -> str:
    """Records (CSV) of people who have all become heavier, with a higher blood pressure."""
    records = csv.DictReader(io.StringIO(data))
    written = io.StringIO()
    writer = csv.DictWriter(written, records.fieldnames or [], lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow(record | {"bmi": f"{float(record['bmi']) * 1.4:.1f}", "bp": f"{float(record['bp']) + 25:.1f}"})
    return written.getvalue()


def service_tag(tags: Sequence[str]) -> str:
    """The tag by which batch jobs find the model: the last one it was submitted with."""
    return tags[-1]


def _equal(expected: str, seen: str, where: str) -> Check:
    return Check(expected, seen, seen == expected, where)
