"""What a ticket says: the question, the model, the evidence, the verdict and what changed. Pure functions."""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress

from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.ticketing.content import plain
from mlc.ticketing.content.asked import answers, asked, model_name, summary
from mlc.ticketing.content.bound import bound_section
from mlc.ticketing.content.changes import Change, changes
from mlc.ticketing.content.changes import summary as counted
from mlc.ticketing.content.earlier import LONGEST_LINE, earlier_section, whole
from mlc.ticketing.content.evidence import COPIED, Evidence, ResultFact
from mlc.ticketing.content.monitors import monitors_section
from mlc.ticketing.content.results import comparison, measured_on, metric_table, named
from mlc.ticketing.content.tables import tables_section
from mlc.ticketing.content.values import NOTHING
from mlc.ticketing.content.verdicts import is_cut, verdict_section
from mlc.ticketing.port import ROOM, Attachment, Section, Table, TicketRequest, Wording
from mlc.ticketing.text import CUT, clipped, clipped_to_difference

__all__ = ["ticket_request"]

HASH_SHOWN = len("SHA-256 ") + 12
LONGEST_DIFFERENCE = 512 * 1024
"""Characters of a difference that is attached."""


class Writer:
    """Writes one ticket. What is too long for it is shortened, and attached whole.

    The numbers are those of a system whose tickets take 30,000 characters; where they take less, less is shown.
    """

    def __init__(self, question: TicketQuestion, evidence: Evidence, wording: Wording) -> None:
        self.question = question
        self.evidence = evidence
        self.wording = wording
        self.attachments: list[Attachment] = []
        self.most_metrics = self._share(30, at_least=5)
        self.most_rules = self._share(30, at_least=5)
        self.most_files = self._share(20, at_least=4)
        self.most_lines = self._share(40, at_least=12)
        self.most_changes = self._share(60, at_least=8)
        self.most_facts = self._share(40, at_least=12)
        self.most_bound = self._share(12, at_least=4)
        self.most_findings = self._share(5, at_least=2)
        self.longest_finding = self._share(400, at_least=120)
        self.longest_text = self._share(4_000, at_least=500)
        self.longest_value = self._share(200, at_least=60)

    def _share(self, most: int, at_least: int) -> int:
        return max(at_least, most * min(self.wording.room, ROOM) // ROOM)

    def body(self, links: Sequence[tuple[str, str]]) -> list[Section]:
        """All sections, the ones that matter most first, and the key last."""
        body = [
            asked(self.question, self.wording),
            *self._went_wrong(),
            *self._links(links),
            *self._job(),
            *self._verdict(),
            *self._earlier(),
            *self._monitors(),
            *bound_section(self.question.bound, self.evidence.bound, most=self.most_bound, longest=self.longest_value),
            *self._model(),
            *self._results(),
            *self._changed(),
        ]
        return [*body, self._key()]

    def _links(self, links: Sequence[tuple[str, str]]) -> list[Section]:
        """Where nothing shows them beside the text, they stand where no text is cut off."""
        return [Section(heading="Links", links=list(links))] if links and not self.wording.shows_links else []

    def attach_whole(self, links: Sequence[tuple[str, str]]) -> None:
        """Attach the ticket as text, as long as it would be where much fits on a ticket."""
        roomy = Writer(self.question, self.evidence, self.wording.model_copy(update={"room": ROOM}))
        self._attach_text("ticket", plain.render(roomy.body(links)))

    def _went_wrong(self) -> list[Section]:
        message = self.question.message
        if not message:
            return []
        if len(message) > self.longest_text:
            name = self._attach_text("message", message)
            message = f"{clipped(message, self.longest_text)}\n(The whole text is attached as {name}.)"
        heading = {TicketKind.REVIEW: "To be known", TicketKind.RECORD: "What was decided"}.get(self.question.kind)
        usual = "What is there" if self.question.replaces else "What went wrong"
        return [Section(heading=heading or usual, paragraphs=[message])]

    def _job(self) -> list[Section]:
        job = self.evidence.job
        if job is None:
            return []
        section = Section(heading="The job", facts=job.facts)
        if not job.messages:
            return [section, Section(heading="What the job said", paragraphs=["Nothing: it left no messages."])]
        name = self._attach_text("job-messages", job.messages)
        said, end = f"Attached as {name}:", job.messages
        if len(end) > self.longest_text:
            # An error stands at the end of what a program said.
            said, end = f"The end of it; all of it is attached as {name}:", CUT + end[-self.longest_text :]
        return [section, Section(heading="What the job said", paragraphs=[said, end])]

    def _verdict(self) -> list[Section]:
        verdict = self.question.verdict
        if verdict is None:
            return []
        cut = is_cut(verdict, self.most_rules)
        name = self._attach_json("verdict", verdict.model_dump(mode="json")) if cut else None
        found = tables_section(verdict.findings, most=self.most_findings, longest=self.longest_finding)
        return [verdict_section(verdict, self.most_rules, name), *found]

    def _earlier(self) -> list[Section]:
        earlier, since = self.question.earlier or self.evidence.earlier, self.evidence.since
        if earlier is None:
            return []
        lines = whole(since)
        cut = len(lines) > self.most_lines or any(len(line) > LONGEST_LINE for line in lines)
        name = self._attach_text("changed", clipped("\n".join(lines), LONGEST_DIFFERENCE)) if cut else None
        return [earlier_section(earlier, since, most_lines=self.most_lines, most_files=self.most_files, attached=name)]

    def _monitors(self) -> list[Section]:
        section = monitors_section(self.question, self.evidence.monitors)
        return [section] if section else []

    def _model(self) -> list[Section]:
        question, snapshot = self.question, self.evidence.snapshot
        if snapshot is not None:
            facts = snapshot.facts()
            longest = self.longest_value
            cut = facts[: self.most_facts]
            shown = [(name, value if name in COPIED else clipped(value, longest)) for name, value in cut]
            said = []
            if shown != facts:
                said = [f"More about it is attached as {self._attach_json('model', dict(facts))}."]
            return [Section(heading="Model", facts=shown, paragraphs=said)]
        if not question.snapshot_id:
            return []
        facts = [("Model", question.model_name), ("Snapshot", question.snapshot_id)]
        lacking = "The model centre could not be read when this ticket was written, so more about it is missing here."
        return [Section(heading="Model", facts=[fact for fact in facts if fact[1]], paragraphs=[lacking])]

    def _results(self) -> list[Section]:
        reference, result, before = self.question.test_result, self.evidence.result, self.evidence.before
        if result is not None:
            said = [f"Now: {named(result)}, attached whole as {self._attach_json('test-result', result.values)}."]
            if self.evidence.page:
                page = self._attach("page", self.evidence.page.encode(), "text/html; charset=utf-8", "html")
                said.append(f"To look at, with charts: {page}.")
        elif reference is not None:
            result = ResultFact(id=reference.id, values=reference.metrics)
            said = [f"Now: {named(result)}. The model centre could not be read, so only a part of it is shown."]
        else:
            return []
        said += measured_on(result)
        tables = self.question.verdict.tables if self.question.verdict else []
        asked = {name for each in tables for name in each.values}
        table = metric_table(result.values, before.values if before else None, asked)
        said += comparison(self.evidence, table, self.question.monitor)
        rows = [[clipped(cell, self.longest_value) for cell in row] for row in table.rows[: self.most_metrics]]
        if rows != table.rows:
            name = self._attach_json("metrics", [dict(zip(table.header, row, strict=True)) for row in table.rows])
            said.append(f"{len(rows)} of {len(table.rows)} metrics are shown; all of them are attached as {name}.")
        shown = Table(header=table.header, rows=rows) if rows else None
        return [Section(heading="Test results", paragraphs=said, table=shown)]

    def _changed(self) -> list[Section]:
        snapshot, previous = self.evidence.snapshot, self.evidence.previous
        if snapshot is None:
            return []
        heading = "Changes since the last deployed snapshot"
        if previous is None:
            said = "The last deployed snapshot could not be read."
            if self.evidence.previous_known:
                said = "There is no deployed snapshot of this model to compare with."
            return [Section(heading=heading, paragraphs=[said])]
        compared = f"Compared with {previous.title}"
        found = changes(previous, snapshot)
        if not found:
            same = f"{compared}: no asset, no metadata, no schema and no git commit changed."
            return [Section(heading=heading, paragraphs=[same])]
        paragraphs = [f"{compared}. {counted(found)}"]
        rows = [_change_row(change, self.longest_value) for change in found[: self.most_changes]]
        if len(rows) < len(found) or any(CUT in cell for row in rows for cell in row):
            name = self._attach_json("changes", [change.model_dump(mode="json") for change in found])
            paragraphs.append(f"{len(rows)} of {len(found)} are shown; all of them, in full, are attached as {name}.")
        table = Table(header=["What", "Before", "Now"], rows=rows)
        return [Section(heading=heading, paragraphs=paragraphs, table=table)]

    def _key(self) -> Section:
        question = self.question
        return Section(
            heading="For the machines",
            facts=[("Key", question.label), ("Run", question.workflow_id), ("Run id", question.run_id)],
            paragraphs=[
                f"The key is also {self.wording.key_place}. Leave it there: "
                f"the process finds its {self.wording.ticket} by it."
            ],
        )

    def _attach_text(self, name: str, text: str) -> str:
        return self._attach(name, text.encode(errors="replace"), "text/plain; charset=utf-8", "txt")

    def _attach_json(self, name: str, value: object) -> str:
        return self._attach(name, _json(value), "application/json", "json")

    def _attach(self, name: str, content: bytes, content_type: str, suffix: str) -> str:
        """The name tells the content apart, so that attaching again is known to be a repetition."""
        digest = hashlib.sha256(content).hexdigest()[:8]
        attachment = Attachment(name=f"{name}-{digest}.{suffix}", content=content, content_type=content_type)
        self.attachments.append(attachment)
        return attachment.name


def ticket_request(
    question: TicketQuestion, *, evidence: Evidence, wording: Wording, links: Sequence[tuple[str, str]] = ()
) -> TicketRequest:
    """Write a ticket.

    Args:
        question: what the process asks or tells, and under which key.
        evidence: what is known of the model, its results and its job.
        wording: how people answer it, and how much it may hold, as the ticket system says.
        links: titles and addresses (the run, the centre).
    """
    writer = Writer(question, evidence, wording)
    body = writer.body(links)
    # Markup makes a text longer, at worst twice as long.
    if 2 * len(plain.render(body)) > wording.room:
        writer.attach_whole(links)
    name = model_name(question, evidence.snapshot)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]
    return TicketRequest(
        label=question.label,
        kind=question.kind,
        summary=summary(question, evidence.snapshot),
        body=body,
        labels=[f"model-{slug}"] if slug else [],
        properties={
            "model": name,
            "workflow_id": question.workflow_id,
            "run_id": question.run_id,
            "snapshot_id": question.snapshot_id,
            "step": question.step,
            "attempt": str(question.attempt),
            **answers(question),
        },
        attachments=writer.attachments,
        links=list(links) if wording.shows_links else [],
    )


def _change_row(change: Change, longest: int) -> list[str]:
    before, now = (_short(value) for value in (change.before, change.now))
    return [clipped(change.what, longest), *clipped_to_difference(before, now, longest)]


def _short(value: str | None) -> str:
    if value is None:
        return NOTHING
    if value.startswith("SHA-256 "):
        return value[:HASH_SHOWN] + CUT  # whole in the attachment
    return value


def _json(value: object) -> bytes:
    """With indents if possible: values that nest in one another a thousand times can only be written without."""
    with suppress(RecursionError):
        return json.dumps(value, indent=2, ensure_ascii=False).encode(errors="replace")
    with suppress(RecursionError):
        return json.dumps(value, ensure_ascii=False).encode(errors="replace")
    return json.dumps("nested too deeply to be written").encode()
