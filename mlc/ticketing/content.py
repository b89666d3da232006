"""What a ticket says: the question, the model, what changed, the evidence and the verdict. Pure functions."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlc.model.processes import Phase
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import Verdict
from mlc.ticketing.changes import AssetFact, Change, ModelCard, changes
from mlc.ticketing.port import Attachment, Section, Table, TicketRequest, Wording

__all__ = ["AssetFact", "ModelCard", "ticket_request"]

MOST_METRICS = 30
MOST_RULES = 30
MOST_CHANGES = 60
LONGEST_MESSAGE = 4_000
"""Characters of what went wrong that stand on the ticket; a longer text (a traceback) is attached whole."""


def ticket_request(
    question: TicketQuestion,
    *,
    wording: Wording,
    snapshot: ModelCard | None,
    previous: ModelCard | None = None,
    result: Mapping[str, Any] | None = None,
    links: Sequence[tuple[str, str]] = (),
    previous_known: bool = True,
) -> TicketRequest:
    """Write a ticket.

    Args:
        question: what the process asks, and under which key.
        wording: how people answer it, as the ticket system says.
        snapshot: the model's facts; None if the centre could not be read (the ticket then says so).
        previous: the model's last deployed snapshot, if there is one.
        result: the whole test result, a JSON object; without it the question's own few metrics are shown.
        links: titles and addresses (the run, the centre).
        previous_known: False if it could not be found out whether there is a previous snapshot.
    """
    attachments: list[Attachment] = []
    body = [
        _asked(question, wording),
        *_went_wrong(question, attachments),
        *_verdict(question),
        _model(question, snapshot),
        *(_changed(snapshot, previous, attachments, known=previous_known) if snapshot else []),
        *_results(question, result, attachments),
    ]
    if links:
        body.append(Section(heading="Links", links=list(links)))
    body.append(
        Section(
            heading="For the machines",
            facts=[("Key", question.label), ("Run", question.workflow_id), ("Run id", question.run_id)],
            paragraphs=[f"The key is also {wording.key_place}. Leave it there: the process finds its ticket by it."],
        )
    )
    name = _model_name(question, snapshot)
    return TicketRequest(
        label=question.label,
        kind=question.kind,
        summary=_summary(question, snapshot),
        body=body,
        labels=[f"model-{slug}"] if (slug := re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]) else [],
        properties={
            "model": name,
            "workflow_id": question.workflow_id,
            "run_id": question.run_id,
            "snapshot_id": question.snapshot_id,
            "step": question.step,
            "attempt": str(question.attempt),
        },
        attachments=attachments,
        links=list(links),
    )


def _summary(question: TicketQuestion, snapshot: ModelCard | None) -> str:
    tag = {
        TicketKind.FAILED_TEST: "Back test failed",
        TicketKind.JOB_REVIEW: "Back test error",
        TicketKind.NOTIFICATION: "Batch job",
        TicketKind.REVIEW: "Model approval",
        TicketKind.REJECTION: f"Rejected: {question.step}",
        TicketKind.ERROR: f"Error: {question.step}",
        TicketKind.RECORD: f"For the record: {question.step}",
    }[question.kind]
    shown = (snapshot.snapshot_name if snapshot else "") or question.snapshot_id
    line = f"[{tag}] {_model_name(question, snapshot)} snapshot {shown}"
    if snapshot and snapshot.stage:
        line += f" → {snapshot.stage}"
    return line + (f" (risk: {snapshot.risk})" if snapshot and snapshot.risk else "")


def _asked(question: TicketQuestion, wording: Wording) -> Section:
    yes, no = wording.yes, wording.no
    if question.kind not in {TicketKind.REVIEW, TicketKind.REJECTION, TicketKind.ERROR}:
        return Section(heading="What this is", paragraphs=["A record. Nobody waits for an answer to it."])
    if question.kind is TicketKind.REVIEW:
        asked = ["May this snapshot be deployed?", wording.how]
        if question.verdict and question.verdict.judged and not question.verdict.passed:
            asked.append(
                "Its decision tables say no. An approval therefore counts only with a comment of yours that says why: "
                "it is kept as the reason of the override."
            )
        if wording.expiration_field:
            asked.append(
                f"{wording.expiration_field} may be set: the approval then holds until the end of that day. "
                "Left empty, it holds for one year."
            )
        return Section(heading="What is asked", paragraphs=asked)
    stop = f"{no}: the process stops."
    if question.kind is TicketKind.ERROR:
        stop = f"{no}: the process stops, and everything that this run deployed is undone."
        if question.step == Phase.SUPERSEDE:
            stop = (
                f"{no}: the process stops. The new deployments stay, and perhaps some of the earlier ones: end those."
            )
    again = f"{yes}: that step is tried again, with the snapshot as it is then."
    if question.kind is TicketKind.REJECTION and question.verdict is not None:
        again = f"{yes}: the snapshot is tested and judged again, as it is then."
    what = f"The step {question.step} did not succeed. What shall happen?"
    return Section(heading="What is asked", paragraphs=[what, again, stop])


def _went_wrong(question: TicketQuestion, attachments: list[Attachment]) -> list[Section]:
    message = question.message
    if not message:
        return []
    if len(message) > LONGEST_MESSAGE:
        attachments.append(_attached("message", message.encode(), "text/plain; charset=utf-8", "txt"))
        message = f"{message[:LONGEST_MESSAGE]}\n... (the whole text is attached as {attachments[-1].name})"
    heading = "To be known" if question.kind is TicketKind.REVIEW else "What went wrong"
    return [Section(heading=heading, paragraphs=[message])]


def _model(question: TicketQuestion, snapshot: ModelCard | None) -> Section:
    if snapshot is None:
        facts = [("Model", question.model_name), ("Snapshot", question.snapshot_id)]
        said = (
            "The model centre could not be read when this ticket was written, so more about the model is missing here."
        )
        return Section(heading="Model", facts=[fact for fact in facts if fact[1]], paragraphs=[said])
    return Section(heading="Model", facts=snapshot.facts())


def _changed(
    snapshot: ModelCard, previous: ModelCard | None, attachments: list[Attachment], *, known: bool
) -> list[Section]:
    heading = "Changes since the last deployed snapshot"
    if not known:
        return [Section(heading=heading, paragraphs=["The last deployed snapshot could not be read."])]
    if previous is None:
        return [Section(heading=heading, paragraphs=["None to compare with: this is the model's first deployment."])]
    named = f"Compared with {previous.snapshot_name or previous.snapshot_id}"
    found = changes(previous, snapshot)
    if not found:
        return [Section(heading=heading, paragraphs=[f"{named}: no asset, no metadata and no git commit changed."])]
    said = [f"{named}:"]
    if len(found) > MOST_CHANGES:
        attachments.append(_attached_json("changes", [change.model_dump() for change in found]))
        said = [f"{named}, {len(found)} differences; all of them are in {attachments[-1].name}:"]
    return [Section(heading=heading, paragraphs=said, table=_change_table(found[:MOST_CHANGES]))]


def _change_table(found: Sequence[Change]) -> Table:
    return Table(header=["What", "Before", "Now"], rows=[[c.what, c.before, c.now] for c in found])


def _verdict(question: TicketQuestion) -> list[Section]:
    verdict = question.verdict
    if verdict is None:
        return []
    if not verdict.judged:
        said = ["Not judged: the snapshot carries no decision table."]
    else:
        said = ["Passed." if verdict.passed else "Not passed."]
        if not verdict.rules:
            said.append("No rule of the decision tables matched.")
    said += [f"Problem: {problem}" for problem in verdict.problems]
    said += [f"Warning: {warning}" for warning in verdict.warnings]
    if len(verdict.rules) > MOST_RULES:
        said.append(f"The first {MOST_RULES} of {len(verdict.rules)} rules that matched:")
    return [Section(heading="Verdict", paragraphs=said, table=_rule_table(verdict))]


def _rule_table(verdict: Verdict) -> Table | None:
    passes = {True: "yes", False: "no", None: "not said"}
    rows = [
        [rule.table, str(rule.rule), passes[rule.passes], rule.reason, rule.category]
        for rule in verdict.rules[:MOST_RULES]
    ]
    return Table(header=["Decision table", "Rule", "Passes", "Reason", "Category"], rows=rows) if rows else None


def _results(
    question: TicketQuestion, result: Mapping[str, Any] | None, attachments: list[Attachment]
) -> list[Section]:
    values = result if result is not None else (question.test_result.metrics if question.test_result else None)
    if values is None:
        return []
    said = []
    if result is not None:
        attachments.append(_attached_json("test-result", result))
        said.append(f"The whole result is attached as {attachments[-1].name}.")
    rows = [[name, _shown(value)] for name, value in values.items()]
    if len(rows) > MOST_METRICS:
        said.append(f"The first {MOST_METRICS} of {len(rows)} values:")
    facts = [("Test result", question.test_result.id)] if question.test_result else []
    table = Table(header=["Metric", "Value"], rows=rows[:MOST_METRICS]) if rows else None
    return [Section(heading="Test results", paragraphs=said, facts=facts, table=table)]


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | dict):
        return f"{len(value)} values: see the attachment"
    return str(value)


def _model_name(question: TicketQuestion, snapshot: ModelCard | None) -> str:
    return (snapshot.model_name if snapshot else "") or question.model_name or "model"


def _attached_json(name: str, value: object) -> Attachment:
    content = json.dumps(value, indent=2, ensure_ascii=False, default=str).encode()
    return _attached(name, content, "application/json", "json")


def _attached(name: str, content: bytes, content_type: str, suffix: str) -> Attachment:
    """The name tells the content apart, so that attaching again is known to be a repetition."""
    digest = hashlib.sha256(content).hexdigest()[:8]
    return Attachment(name=f"{name}-{digest}.{suffix}", content=content, content_type=content_type)
