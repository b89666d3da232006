"""What a ticket can show, gathered from the model centre. What can't be read is left out: the ticket then says less."""

from collections.abc import Awaitable
from typing import TypeVar

from mlc.center.deployment_state import deployment_state
from temporalio import activity

from activities.deployments import previous_deployed_snapshot
from activities.model_card import model_card, moment
from activities.results import newest_own
from mlc.center import Center, wire
from mlc.model.failure import Refused, Unavailable
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import RuleOutcome
from mlc.settings import CenterSettings
from mlc.ticketing.content.evidence import Evidence, JobFact, ResultFact

T = TypeVar("T")

IN_USE = frozenset({TicketKind.FAILED_TEST, TicketKind.JOB_REVIEW, TicketKind.NOTIFICATION})
"""Kinds of tickets about snapshots that usually are deployed already."""


async def gather(center: Center, settings: CenterSettings, question: TicketQuestion) -> Evidence:
    """Everything that the centre can tell at this moment of what a question is about."""
    snapshot = previous = result = before = job = None
    previous_known = before_known = True
    if question.snapshot_id:
        snapshot, _ = await _if_readable(center.get_snapshot(question.snapshot_id))
    if snapshot is not None:
        previous, previous_known = await _if_readable(last_deployed_snapshot(center, settings, snapshot, question.kind))
    if question.test_result is not None:
        result, _ = await _if_readable(center.get_test_result(question.test_result.id))
    if result is not None and previous is not None:
        results, before_known = await _if_readable(center.list_test_results(previous.id))
        before = newest_own(results or [])
    if question.job_id is not None:
        job, _ = await _if_readable(center.get_job(question.job_id))
    return Evidence(
        snapshot=model_card(snapshot) if snapshot else None,
        previous=model_card(previous) if previous else None,
        previous_known=previous_known,
        result=result_fact(result) if result else None,
        before=result_fact(before) if before else None,
        before_known=before_known,
        job=job_fact(job) if job else None,
    )


async def _if_readable(reading: Awaitable[T]) -> tuple[T | None, bool]:
    """What was read, and whether it could be."""
    try:
        return await reading, True
    except (Unavailable, Refused) as error:
        activity.logger.warning("the ticket will say less: %s", error)
        return None, False


async def last_deployed_snapshot(
    center: Center, settings: CenterSettings, snapshot: wire.DeployableModel, kind: TicketKind
) -> wire.DeployableModel | None:
    """The other snapshot of the same model that was deployed last, whatever the ticket is about.

    To one that is to be deployed it is the one that is deployed now; to one that is in use, as in a back test, the one
    that it took over from.
    """
    if kind in IN_USE:
        former = await _deployed_before(center, settings, snapshot)
        return former or await previous_deployed_snapshot(center, settings, snapshot)
    current = await previous_deployed_snapshot(center, settings, snapshot)
    return current or await _deployed_before(center, settings, snapshot)


async def _deployed_before(
    center: Center, settings: CenterSettings, snapshot: wire.DeployableModel
) -> wire.DeployableModel | None:
    """The snapshot whose deployment came before this one's first, though it may have ended since."""
    deployments = await center.list_deployments(model_id=snapshot.stored_model.id)
    began = [d.created_date for d in deployments if _is_of(d, snapshot.id) and d.created_date is not None]
    loaded = {settings.deployed_state, settings.undeployed_state}
    for deployment in deployments:  # the newest first
        other, created = deployment.deployable_model, deployment.created_date
        earlier = began and created is not None and created < min(began)
        if other is not None and earlier and deployment_state(deployment, settings) in loaded:
            return await center.get_snapshot(other.id)
    return None


def _is_of(deployment: wire.DeployedModel, snapshot_id: str) -> bool:
    return deployment.deployable_model is not None and deployment.deployable_model.id == snapshot_id


def result_fact(result: wire.ModelTestResult) -> ResultFact:
    """A test result, and on what it was measured, as far as its provenance says so."""
    inputs = result.provenance.get("inputs")
    return ResultFact(
        id=result.id,
        values=result.test_results,
        created=moment(result.created_date),
        rule_results=result.dmn_rule_results,
        inputs={str(name): str(digest) for name, digest in inputs.items()} if isinstance(inputs, dict) else {},
    )


def with_every_rule(question: TicketQuestion, evidence: Evidence) -> TicketQuestion:
    """A history keeps a verdict in short; the ticket shows all of it that the centre keeps."""
    outcomes = evidence.result.rule_results if evidence.result else []
    if question.verdict is None or not outcomes:
        return question
    rules = [RuleOutcome.model_validate(outcome) for outcome in outcomes if "table" in outcome]
    problems = [str(outcome.get("reason")) for outcome in outcomes if "table" not in outcome]
    whole = question.verdict.model_copy(update={"rules": rules, "problems": problems})
    return question.model_copy(update={"verdict": whole})


def job_fact(job: wire.Job) -> JobFact:
    """A job, and all that it said."""
    facts = {
        "Job": job.id,
        "Type": job.job_type,
        "Status": job.job_status,
        "Result": job.job_result,
        "Created": moment(job.created_date),
        "Runtime": job.target_engine.name if job.target_engine else "",
        "Inputs": ", ".join(asset.filename or asset.name for asset in job.input_data),
        "Outputs": ", ".join(asset.filename or asset.name for asset in job.output_data),
    }
    messages = "\n".join(job.job_messages).strip()
    return JobFact(facts=[(name, value) for name, value in facts.items() if value], messages=messages)
