"""What processes tell people without asking them anything."""

from collections.abc import Sequence

from temporalio import workflow

from activities.notifications import Notice
from mlc.model.deployment import PushedOut
from mlc.model.monitor_processes import RunMonitorResult, UndeployModelResult
from mlc.model.notification import NotificationKind, Severity
from mlc.model.processes import DeployModelResult, Outcome
from mlc.model.result import TestResult
from mlc.model.snapshot import SnapshotSummary
from mlc.model.truncation import truncate
from mlc.model.verdict import Verdict
from workflows.steps.outcome import metrics_text, places_text, replaced_text


def deployment_ended(result: DeployModelResult, snapshot: SnapshotSummary, held_up: str = "") -> Notice:
    """How a run of DeployModel ended; ``held_up`` says what of its clean-up is not done yet."""
    name = _named(snapshot)
    places = places_text(result.deployments)
    match result.outcome:
        case Outcome.DEPLOYED:
            text = f"{name} was deployed: {places}."
            if result.replaces:
                text += f" {replaced_text(result)}"
            if result.decision is None:
                text += " Nobody was asked and nothing was judged: the snapshot is not tagged for review."
        case Outcome.REJECTED:
            text = f"{name} was rejected and not deployed."
        case Outcome.OVERTAKEN:
            there = "; ".join(map(str, result.overtaken_by))
            text = f"{name} was deployed and taken back, because a newer snapshot of the model is there: {there}."
        case Outcome.KEPT if not places:
            text = f"{name} was deployed, and is deployed nowhere any more: look at the model's deployments."
        case Outcome.KEPT:
            text = (
                f"{name} was deployed: {places}. Not all earlier deployments of the model could be ended: look at them."
            )
        case _:
            text = f"The deployment of {name} was abandoned; what was deployed before stays active."
    severity = Severity.INFO if result.outcome is Outcome.DEPLOYED and not result.warnings else Severity.WARN
    said = " ".join(filter(None, [text, *result.warnings, held_up]))
    return _notice(snapshot, result.outcome, said, severity=severity)


def not_put_back(snapshot: SnapshotSummary, pushed_out: PushedOut, why: str) -> Notice:
    """A runtime may hold no model: a run that was stopped can't load again what it has pushed out."""
    runtime = pushed_out.runtime
    text = (
        f"{_named(snapshot)} was loaded on {runtime.name} and taken back. What was there before, the snapshot "
        f"{pushed_out.snapshot_id or 'of an unknown id'}, was not loaded again: {why}"
    )
    return _notice(snapshot, f"not-put-back-{runtime.id}", text, severity=Severity.ERROR)


def back_test_passed(
    snapshot: SnapshotSummary, test_result: TestResult | None, verdict: Verdict | None, remarks: Sequence[str] = ()
) -> Notice:
    """A back test that nothing speaks against; ``remarks`` are the run's own warnings."""
    text = f"The back test of {_named(snapshot)} passed."
    if verdict is None or not verdict.judged:
        tables = "no decision table but of monitors" if verdict and verdict.warnings else "no decision table"
        text = f"The back test of {_named(snapshot)} was run. Not judged: {tables}."
    if test_result and (metrics := metrics_text(test_result)):
        text += f" {metrics}."
    warnings = [*(verdict.warnings if verdict else []), *remarks]
    severity = Severity.WARN if warnings else Severity.INFO
    return _notice(snapshot, "passed", " ".join([text, *warnings]), severity=severity, kind=NotificationKind.MODEL_TEST)


def back_test_not_run(snapshot: SnapshotSummary, why: str) -> Notice:
    """A back test that came to an error before there was anything to review."""
    text = f"The back test of {_named(snapshot)} could not be run. {why}"
    return _notice(snapshot, "error", text, severity=Severity.ERROR, kind=NotificationKind.MODEL_TEST)


def monitor_tells(snapshot: SnapshotSummary, result: RunMonitorResult, test_result: TestResult | None) -> Notice:
    """What a monitor's decision table wants to be known of a result."""
    said = [each.reason for each in result.verdict.rules if each.reason] if result.verdict else []
    numbers = metrics_text(test_result) if test_result else ""
    text = " ".join(filter(None, [f"{result.monitor} on {_named(snapshot)}:", f"{'; '.join(said)}.", numbers]))
    return _notice(snapshot, "notify", text, severity=Severity.WARN, kind=NotificationKind.MODEL_TEST)


def monitor_not_run(snapshot: SnapshotSummary, monitor: str, why: str) -> Notice:
    """A monitor that came to an error which says nothing of the model."""
    text = f"{monitor} on {_named(snapshot)} could not be run. {why}"
    return _notice(snapshot, "error", text, severity=Severity.ERROR, kind=NotificationKind.MODEL_TEST)


def undeployed(snapshot: SnapshotSummary, result: UndeployModelResult) -> Notice:
    """A snapshot that a person has taken out of use."""
    said = result.decision
    by = f" by {said.by}" if said and said.by else ""
    ticket = f" on {said.ticket}" if said else ""
    text = f"{_named(snapshot)} was taken out of use{by}{ticket}: {len(result.deployments)} deployments were ended."
    return _notice(snapshot, result.outcome, text, severity=Severity.WARN)


def undeployment_failed(snapshot: SnapshotSummary, why: str) -> Notice:
    """A snapshot that was to be taken out of use, and is perhaps still in use."""
    text = f"{_named(snapshot)} could not be taken out of use: look at its deployments. {why}"
    return _notice(snapshot, "error", text, severity=Severity.ERROR)


def _named(snapshot: SnapshotSummary) -> str:
    return f"{snapshot.model_name} ({snapshot.name})" if snapshot.model_name else f"snapshot {snapshot.id}"


def _notice(
    snapshot: SnapshotSummary,
    outcome: str,
    text: str,
    *,
    severity: Severity,
    kind: NotificationKind = NotificationKind.MODEL,
) -> Notice:
    return Notice(
        snapshot_id=snapshot.id if snapshot.model_name else "",
        model_id=snapshot.model_id,
        key=f"{workflow.info().first_execution_run_id}-{outcome}",
        message=truncate(text, 1_500),
        severity=severity,
        notification_type=kind,
    )
