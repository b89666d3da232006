"""The beginning of a ticket: its one-line summary, what it asks or tells, and what a person can do about it."""

from mlc.model.processes import Phase
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.ticketing.content.evidence import ModelCard
from mlc.ticketing.port import Section, Wording
from mlc.ticketing.text import clipped, one_line

LONGEST_REASON = 160
LONGEST_MONITOR = 60

TAGS = {
    TicketKind.REVIEW: "Model approval",
    TicketKind.REJECTION: "Did not succeed",
    TicketKind.ERROR: "Error",
    TicketKind.RECORD: "For the record",
    TicketKind.FAILED_TEST: "Back test failed",
    TicketKind.JOB_REVIEW: "Back test error",
    TicketKind.NOTIFICATION: "Batch job",
    TicketKind.BREACH: "Monitor",
    TicketKind.UNDEPLOY: "Undeploy",
}
STEP_IS_NAMED = {TicketKind.REJECTION, TicketKind.ERROR, TicketKind.RECORD}
OF_MONITORS = {TicketKind.BREACH, TicketKind.UNDEPLOY}

TOLD = {
    TicketKind.RECORD: (
        "A record.",
        "What can be done: start the process on this snapshot again, and it is reviewed anew; a model that was "
        "corrected needs a new snapshot.",
    ),
    TicketKind.FAILED_TEST: (
        "A back test of this snapshot did not pass; its deployments stay as they are.",
        "What can be done: see which rules failed. If the data are right, train the model anew or deploy another "
        "snapshot; if they are not, correct them and start the back test again.",
    ),
    TicketKind.JOB_REVIEW: (
        "The job of a back test came to no result, so nothing was judged. The snapshot's deployments stay as they are.",
        "What can be done: find the reason in what the job said; correct the data, the runtime or, in a new snapshot, "
        "the model; and start the back test again.",
    ),
    TicketKind.NOTIFICATION: (
        "A batch job could not be run, or did not finish. Its outputs, if it left any, are not to be relied on.",
        "What can be done: put right what went wrong, and start the batch job again.",
    ),
    TicketKind.BREACH: (
        "A monitor of this snapshot raises an alarm; the snapshot's deployments stay as they are. As long as it goes "
        "on, a comment says so once a day, and one says when it is over.",
        "What can be done: see which rules failed, and on which data. Train the model anew or deploy another snapshot; "
        "or correct the data or the monitor's decision table. While it goes on nothing more is said for some days "
        "after this is closed, and then it is asked anew.",
    ),
}
"""What a ticket says that nobody waits for, and what a person can do next."""


def summary(question: TicketQuestion, snapshot: ModelCard | None) -> str:
    """The ticket's one line."""
    tag = TAGS[question.kind] + (f": {question.step}" if question.kind in STEP_IS_NAMED else "")
    if question.kind in OF_MONITORS and question.monitor:
        tag += f": {clipped(one_line(question.monitor, 1_000), LONGEST_MONITOR)}"
    if question.kind is TicketKind.ERROR and question.without_monitors:
        tag = "Monitors are missing"
    if question.replaces:
        tag = "A newer one is there"
    if not question.snapshot_id:
        return f"[{tag}] {clipped(one_line(question.message, 1_000), LONGEST_REASON) or 'could not be run'}"
    shown = (snapshot.snapshot_name if snapshot else "") or question.snapshot_id
    line = f"[{tag}] {model_name(question, snapshot) or 'model'} snapshot {shown}"
    if snapshot and snapshot.stage:
        line += f" → {snapshot.stage}"
    return line + (f" (risk: {snapshot.risk})" if snapshot and snapshot.risk else "")


def model_name(question: TicketQuestion, snapshot: ModelCard | None) -> str:
    """The model's name, empty if no model is known."""
    return (snapshot.model_name if snapshot else "") or question.model_name


def asked(question: TicketQuestion, wording: Wording) -> Section:
    """What is asked and what each answer does, or what is told."""
    if question.kind in TOLD:
        first, then = TOLD[question.kind]
        unasked = f"{first} Nobody waits for an answer on this {wording.ticket}."
        return Section(heading="What this is", paragraphs=[unasked, f"{then} Then close this {wording.ticket}."])
    if question.kind is TicketKind.UNDEPLOY:
        paragraphs = _undeploy(question, wording)
    else:
        paragraphs = _review(question, wording) if question.kind is TicketKind.REVIEW else _repair(question, wording)
    return Section(heading="What is asked", paragraphs=paragraphs)


def answers(question: TicketQuestion) -> dict[str, str]:
    """What an answer does, in a word or two, for a button: ``yes`` and ``no``, if somebody waits for one."""
    if question.kind is TicketKind.REVIEW:
        return {"yes": "Approve", "no": "Reject"}
    if question.kind is TicketKind.UNDEPLOY:
        return {"yes": "Undeploy", "no": "Keep in use"}
    if question.kind not in {TicketKind.REJECTION, TicketKind.ERROR}:
        return {}
    if question.replaces:
        return {"yes": "Replace the newer one", "no": "Keep the newer one"}
    if question.kind is TicketKind.ERROR and question.without_monitors:
        return {"yes": "Go on without", "no": "Stop"}
    tested = (question.verdict is not None and question.kind is TicketKind.REJECTION) or question.step == Phase.TESTING
    return {"yes": "Test again" if tested else "Try again", "no": "Stop"}


def _review(question: TicketQuestion, wording: Wording) -> list[str]:
    paragraphs = ["May this snapshot be deployed?", wording.how]
    if question.verdict and question.verdict.judged and not question.verdict.passed:
        paragraphs.append(
            "Its decision tables say no. An approval therefore counts only with a comment of yours that says why: "
            "it is kept as the reason of the override."
        )
    if wording.expiration_field:
        paragraphs.append(
            f"{wording.expiration_field} may be set: the approval then holds until the end of that day. "
            "Left empty, it holds for one year."
        )
    return paragraphs


def _undeploy(question: TicketQuestion, wording: Wording) -> list[str]:
    name = f"The monitor {question.monitor!r}" if question.monitor else "A monitor"
    return [
        f"{name} raises an alarm, and its decision table says Undeploy. Shall this snapshot be taken out of use? "
        f"{wording.how}",
        f"{wording.yes}: all deployments of this snapshot are ended, wherever they are.",
        f"{wording.no}: they stay. While the alarm goes on nothing more is said for some days, and then it is asked "
        "anew.",
    ]


def _repair(question: TicketQuestion, wording: Wording) -> list[str]:
    again = f"{wording.yes}: that step is tried again, with the snapshot as it is then."
    stop = f"{wording.no}: the process stops."
    if question.kind is TicketKind.REJECTION and question.verdict is not None:
        again = f"{wording.yes}: the snapshot is tested and judged again, as it is then."
    if question.kind is TicketKind.ERROR and question.step == Phase.DONE:
        stop += " The new deployments stay: only the record of this run stays without its end."
    elif question.kind is TicketKind.ERROR and question.step == Phase.SUPERSEDE:
        stop += " The new deployments stay, and perhaps some of the earlier ones: end those."
    elif question.kind is TicketKind.ERROR:
        stop = f"{wording.no}: the process stops, and everything that this run deployed is undone."
    if question.replaces:
        what = f"A newer snapshot of the model is where this one belongs. Shall this one replace it? {wording.how}"
        return [what, f"{wording.yes}: this one replaces it.", f"{stop} The newer one stays."]
    if question.kind is TicketKind.ERROR and question.without_monitors:
        names = " and ".join(question.without_monitors)
        what = f"{names} can't be added. Shall the model be deployed without? {wording.how}"
        return [what, f"{wording.yes}: it is deployed without.", stop]
    what = f"The step {question.step} did not succeed. What shall happen? {wording.how}"
    return [what, again, stop]
