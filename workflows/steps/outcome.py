"""What a run of DeployModel says of itself: decisions, verdicts and the last word, in sentences."""

from collections.abc import Sequence
from datetime import date

from activities.snapshots import DecisionEvidence
from mlc.model.deployment import Deployment
from mlc.model.processes import DeployModelResult, Outcome, Phase
from mlc.model.result import TestResult
from mlc.model.state import AnsweredQuestion
from mlc.model.ticket import Answer, Decision, DecisionOutcome, TicketKind, TicketRef, TicketState
from mlc.model.verdict import Verdict

OVERRIDE_NEEDS_REASON = (
    "The test result did not pass the decision tables. To approve all the same, write a comment with the reason."
)
REASON_UNREAD = "Its reason, if one was given, could not be read."

DIFFERENT_FILES = (
    "The snapshot changed between two tries to deploy it: its deployments carry different files. Deploy it again."
)


def one_year_after(day: date) -> date:
    """The same day next year; for 29 February the 28th."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def not_usable(answer: TicketState, passed: bool) -> str | None:
    """Why an approval can't be taken as it is; None if it can."""
    if answer.expiration_problem:
        return answer.expiration_problem
    if passed or answer.reason:
        return None
    return " ".join(filter(None, [OVERRIDE_NEEDS_REASON, answer.reason_problem]))


def decision(ticket: TicketRef, answer: TicketState, passed: bool) -> Decision:
    """The reviewer's decision as it is kept."""
    approved = DecisionOutcome.APPROVED if passed else DecisionOutcome.OVERRIDDEN
    return Decision(
        outcome=approved if answer.answer is Answer.APPROVED else DecisionOutcome.REJECTED,
        by=answer.decided_by,
        at=answer.decided_at,
        reason=answer.reason,
        ticket=ticket.key,
        url=ticket.url,
        status=answer.status,
        resolution=answer.resolution,
    )


def decision_evidence(result: DeployModelResult, test_result: TestResult | None) -> DecisionEvidence:
    """Who decided about which snapshot on which evidence, for the centre. Only for a run with a decision."""
    assert result.decision is not None
    return DecisionEvidence(
        snapshot_id=result.snapshot_id,
        expiration_date=result.expiration_date,
        decision=result.decision,
        test_result=test_result.model_copy(update={"metrics": {}, "inputs": []}) if test_result else None,
        verdict=result.verdict,
    )


def what_came_of_it(
    result: DeployModelResult, answered: AnsweredQuestion, run: str, *, cancelled: Outcome | None = None
) -> str:
    """What a ticket that was answered is told when the run is over; ``cancelled``: and what then was left of it."""
    ending = _left(result, cancelled) if cancelled else _ending(result)
    unread = f"{REASON_UNREAD} {answered.reason_problem}" if answered.reason_problem else ""
    said = [_what_the_answer_did(result, answered), unread, ending, f"The run is {run}."]
    return " ".join(filter(None, said))


def _what_the_answer_did(result: DeployModelResult, answered: AnsweredQuestion) -> str:
    yes, decided = answered.answer is Answer.APPROVED, result.decision
    if answered.kind is TicketKind.REVIEW:
        if yes and (decided is None or decided.ticket != answered.ticket.key):
            anew = f": it was asked anew on {decided.ticket}" if decided else ""
            return f"This approval did not count, since what it was about changed{anew}."
        return "This was approved." if yes else "This was rejected."
    if not yes:
        return "This was rejected: the process stopped."
    judged = answered.kind is TicketKind.REJECTION and answered.step == Phase.REVIEW
    return "It was tested again." if judged else f"The step {answered.step} was tried again."


def _left(result: DeployModelResult, outcome: Outcome) -> str:
    if outcome is Outcome.KEPT and result.deployments:
        return f"Later the run was cancelled. The model stays deployed: {places_text(result.deployments)}."
    return "Later the run was cancelled. Nothing that it had deployed stays."


def _ending(result: DeployModelResult) -> str:
    there = places_text(result.deployments) or "it is deployed nowhere any more"
    back = "".join(f" {text}" for text in overtaken_texts(result))
    match result.outcome:
        case Outcome.DEPLOYED:
            return f"The model was deployed: {there}.{back}"
        case Outcome.OVERTAKEN:
            return f"The model was deployed.{back}"
        case Outcome.REJECTED:
            return "Nothing was deployed."
        case Outcome.KEPT:
            return f"The model was deployed: {there}. Some earlier deployments may be left."
        case _:
            return "The deployment was abandoned, and what the run had deployed was undone."


def metrics_text(result: TestResult) -> str:
    """The first few metrics, on one line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in list(result.metrics.items())[:6])


def verdict_text(verdict: Verdict | None) -> str:
    """A verdict in a sentence or two."""
    if verdict is None or not verdict.judged:
        others = "none but of monitors" if verdict and verdict.warnings else "there is no decision table"
        return f"not judged, {others}"
    if verdict.passed:
        return "passed"
    failed = [f"{rule.reason} ({rule.table}, rule {rule.rule})" for rule in verdict.rules if rule.passes is False]
    more = verdict.more_failed
    left_out = [f"and {more} more rule{'s' if more > 1 else ''} that failed"] if more else []
    return f"not passed. {'; '.join([*failed, *left_out, *verdict.problems])}"[:600]


def missing_text(names: Sequence[str]) -> str:
    """Which monitors can't be added, in a sentence."""
    return f"These monitors can't be added: {', '.join(names)}."


def places_text(deployments: Sequence[Deployment]) -> str:
    """Where a model is deployed; a batch deployment's runtime is chosen when a job is created."""
    places = [(f"{d.mode} on {d.runtime}" if d.runtime else d.mode, d.address) for d in deployments]
    return ", ".join(f"{place} at {address}" if address else place for place, address in places)


def replaced_text(result: DeployModelResult) -> str:
    """Which newer snapshots' deployments it was allowed to replace, and by whom."""
    allowed = [f"{each.deployment} ({each.ticket}{f', {each.by}' if each.by else ''})" for each in result.replaces]
    return f"Newer, and allowed to be replaced: {'; '.join(allowed)}."


def overtaken_texts(result: DeployModelResult) -> list[str]:
    """Where the model was taken back, each in a sentence."""
    return [f"It was taken back where a newer snapshot is: {other}." for other in result.overtaken_by]


def settled_text(ended: int, result: DeployModelResult) -> str:
    """How the deployments of one model came into their order."""
    there = "; ".join(map(str, result.overtaken_by))
    return f"{ended} ended" + (f"; overtaken by {there}"[:280] if there else "")
