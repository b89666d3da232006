"""What a ticket can show, gathered from the model centre. What can't be read is left out: the ticket then says less."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from typing import TypeVar

from temporalio import activity

from activities.changed_files import UNREAD, changed_since
from activities.earlier_deployments import previously_deployed
from activities.model_card import model_card, moment
from activities.monitors import planned
from activities.results import newest_own
from mlc.center import Center
from mlc.model.deployment import DeploymentState
from mlc.model.failure import Refused, Unavailable
from mlc.model.job import JobRecord
from mlc.model.moment import in_utc
from mlc.model.result import Purpose, TestResult, TestResultRecord
from mlc.model.snapshot import Snapshot
from mlc.model.ticket import JUDGING, TicketKind, TicketQuestion
from mlc.model.verdict import EarlierVerdict
from mlc.reports import About, result_page
from mlc.ticketing.content.differences import Since
from mlc.ticketing.content.evidence import BoundFact, Evidence, JobFact, ResultFact
from mlc.ticketing.content.monitors import tells_of_monitors

T = TypeVar("T")

RUNS_SHOWN = 30
"""Results of a monitor that its page shows beside each other."""
LONGEST_LOOK = 20
"""Seconds for what a ticket can do without."""

IN_USE = frozenset(
    {
        TicketKind.FAILED_TEST,
        TicketKind.JOB_REVIEW,
        TicketKind.NOTIFICATION,
        TicketKind.BREACH,
        TicketKind.UNDEPLOY,
    }
)
"""Kinds of tickets about snapshots that usually are deployed already."""


async def gather(center: Center, question: TicketQuestion, *, reads_scored: bool = True) -> Evidence:
    """Everything that the centre can tell at this moment of what a question is about.

    Args:
        reads_scored: whether monitors read what a model has scored (``MLC_MONITOR_PRODUCTION``).
    """
    snapshot = previous = result = before = job = None
    previous_known = before_known = True
    if question.snapshot_id:
        snapshot, _ = await _if_readable(center.get_snapshot(question.snapshot_id))
    if snapshot is not None:
        previous, previous_known = await _if_readable(last_deployed_snapshot(center, snapshot, question.kind))
    if question.test_result is not None:
        result, _ = await _if_readable(center.get_test_result(question.test_result.id))
    page = ""
    if result is not None and question.monitor:
        others, before_known = await _if_readable(_earlier(center, result))
        before = next(iter(others or []), None)
        about = About(question.monitor, snapshot.name if snapshot else "", question.model_name)
        page = await asyncio.to_thread(result_page, result, others or [], about)
    elif result is not None and previous is not None:
        results, before_known = await _if_readable(center.list_test_results(previous.id))
        before = newest_own(results or [])
    monitors = since = None
    if snapshot is not None and tells_of_monitors(question):
        monitors = await _in_time(planned(center, snapshot.id, reads_scored=reads_scored))
    earlier = question.earlier
    if snapshot is not None and earlier is None and question.verdict is not None and question.kind in JUDGING:
        earlier = failed_before(await _in_time(center.list_test_results(snapshot.id)) or [], question.test_result)
    if earlier is not None and question.kind in JUDGING:
        # A centre that doesn't answer has taken its time already.
        read = await _in_time(changed_since(center, snapshot.id, earlier)) if snapshot else None
        since = read or Since(unknown=UNREAD)
    if question.job_id is not None:
        job, _ = await _if_readable(center.get_job(question.job_id))
    bound = await _bound(center, question) if question.bound else []
    return Evidence(
        snapshot=model_card(snapshot) if snapshot else None,
        previous=model_card(previous) if previous else None,
        previous_known=previous_known,
        result=result_fact(result) if result else None,
        before=result_fact(before) if before else None,
        before_known=before_known,
        page=page,
        job=job_fact(job) if job else None,
        monitors=monitors,
        earlier=earlier,
        since=since,
        bound=bound,
    )


async def _earlier(center: Center, result: TestResultRecord) -> list[TestResultRecord]:
    """The last results of the same monitor on the same snapshot before this one, the newest first."""
    found: list[TestResultRecord] = []
    async with aclosing(center.iter_test_results(result.snapshot_id)) as others:
        async for other in others:
            if other.monitor == result.monitor and other.purpose is Purpose.MONITOR and other.id != result.id:
                found.append(other)
            if len(found) == RUNS_SHOWN:
                break
    return found


async def _bound(center: Center, question: TicketQuestion) -> list[BoundFact]:
    """The files that the question binds, from the decision record; none if it can't be read."""
    records, _ = await _if_readable(center.list_decisions(question.snapshot_id))
    files = next((record.files for record in records or [] if record.digest == question.bound), [])
    return [BoundFact(name=f.name, role=f.role, sha256=f.sha256, by_content=f.by_content) for f in files]


async def _if_readable(reading: Awaitable[T]) -> tuple[T | None, bool]:
    """What was read, and whether it could be."""
    try:
        return await reading, True
    except (Unavailable, Refused) as error:
        activity.logger.warning("the ticket will say less: %s", error)
        return None, False


async def _in_time(reading: Awaitable[T]) -> T | None:
    """What was read, unless it took so long that the ticket itself would be late."""
    try:
        async with asyncio.timeout(LONGEST_LOOK):
            return (await _if_readable(reading))[0]
    except TimeoutError:
        activity.logger.warning("the ticket will say less: reading took longer than %s s", LONGEST_LOOK)
        return None


async def last_deployed_snapshot(center: Center, snapshot: Snapshot, kind: TicketKind) -> Snapshot | None:
    """The other snapshot of the same model that was deployed last, whatever the ticket is about.

    To one that is to be deployed it is the one that is deployed now; to one that is in use, as in a back test, the one
    that it took over from.
    """
    if kind in IN_USE:
        other = await _deployed_before(center, snapshot) or await previously_deployed(center, snapshot)
    else:
        other = await previously_deployed(center, snapshot) or await _deployed_before(center, snapshot)
    return await center.get_snapshot(other) if other else None


async def _deployed_before(center: Center, snapshot: Snapshot) -> str | None:
    """The id of the snapshot whose deployment came before this one's first, though it may have ended since."""
    if not snapshot.model.id:
        return None
    deployments = await center.list_deployments(model_id=snapshot.model.id)
    began = [in_utc(d.created) for d in deployments if d.snapshot_id == snapshot.id and d.created is not None]
    loaded = {DeploymentState.DEPLOYED, DeploymentState.UNDEPLOYED}
    for deployment in deployments:  # the newest first
        created = deployment.created
        earlier = began and created is not None and in_utc(created) < min(began)
        if deployment.snapshot_id and earlier and deployment.state in loaded:
            return deployment.snapshot_id
    return None


def failed_before(results: Sequence[TestResultRecord], now: TestResult | None) -> EarlierVerdict | None:
    """The last verdict that did not pass on another result of the snapshot's own, of those, the newest first."""
    own = [result for result in results if result.purpose is Purpose.OWN and not (now and result.id == now.id)]
    failed = [(result, result.verdict) for result in own if result.verdict and result.verdict.failed]
    if not failed:
        return None
    last, verdict = failed[0]
    return EarlierVerdict(
        times=len(failed),
        at=in_utc(at) if (at := last.created or verdict.judged_at) else None,
        in_this_run=False,
        rules=verdict.failed_rules(),
        job_id=last.job_id,
    )


def result_fact(result: TestResultRecord) -> ResultFact:
    """A test result, and on what it was measured, as far as its provenance says so."""
    return ResultFact(
        id=result.id,
        values=result.values,
        created=moment(result.created),
        verdict=result.verdict,
        inputs=result.provenance.inputs,
        read=result.provenance.read,
        choice=result.provenance.choice,
        baseline=result.provenance.baseline,
    )


def with_whole_verdict(question: TicketQuestion, evidence: Evidence) -> TicketQuestion:
    """A history keeps a verdict in short; the ticket shows all of it that the centre keeps.

    One that the centre keeps of another judgement, which came out otherwise, is not this question's. A centre may drop
    what was found in the tables: then it is that of the history.
    """
    short, whole = question.verdict, evidence.result.verdict if evidence.result else None
    if short is None or whole is None or (whole.judged, whole.passed) != (short.judged, short.passed):
        return question
    known = {} if whole.findings else {"findings": short.findings}
    return question.model_copy(update={"verdict": whole.model_copy(update=known)})


def job_fact(job: JobRecord) -> JobFact:
    """A job, and all that it said."""
    facts = {
        "Job": job.id,
        "Type": job.type_name or job.kind.value,
        "Status": job.status.value,
        "Result": job.result_name,
        "Records": str(job.records) if job.records else "",
        "Created": moment(job.created),
        "Runtime": job.runtime_name,
        "Inputs": ", ".join(asset.name for asset in job.inputs),
        "Outputs": ", ".join(asset.name for asset in job.outputs),
    }
    messages = "\n".join(job.messages).strip()
    return JobFact(facts=[(name, value) for name, value in facts.items() if value], messages=messages)
