"""An earlier verdict of the same run on a ticket: that there was one, and what was changed since."""

from collections.abc import Iterator

from mlc.model.verdict import EarlierVerdict
from mlc.ticketing.content.differences import FileDifference, Since
from mlc.ticketing.port import Section
from mlc.ticketing.text import clipped

LONGEST_LINE = 160


def earlier_section(
    earlier: EarlierVerdict, since: Since | None, *, most_lines: int, most_files: int, attached: str | None = None
) -> Section:
    """The section of a ticket.

    Args:
        since: what changed; None if nobody looked.
        most_lines: how many lines of differences are shown.
        most_files: how many files are named.
        attached: the name of the attachment that has them all, if they are more.
    """
    said = [_told(earlier), *_changed(since, most_files)]
    lines = [clipped(line, LONGEST_LINE) for line in whole(since)]
    if len(lines) > most_lines:
        more = f"The first {most_lines} of {len(lines)} lines are shown"
        said.append(f"{more}; all of them are attached as {attached}." if attached else f"{more}.")
    return Section(heading="Judged before", paragraphs=said, lines=lines[:most_lines])


def whole(since: Since | None) -> list[str]:
    """All that changed, file by file, in the form of ``diff -u``."""
    lines: list[str] = []
    for file in since.files if since else []:
        if file.lines:
            lines += [f"--- {file.title}, before", f"+++ {file.title}, now", *file.lines]
    return lines


def _told(earlier: EarlierVerdict) -> str:
    times = "once" if earlier.times == 1 else f"{earlier.times} times"
    when = f" on {earlier.at:%Y-%m-%d at %H:%M} UTC" if earlier.at else ""
    ticket = f" (ticket {earlier.ticket})" if earlier.ticket else ""
    by_job = f" It judged the result of the job {earlier.job_id}." if earlier.job_id else ""
    reasons = f": {'; '.join(earlier.rules)}" if earlier.rules else ""
    last = "This verdict" if earlier.times == 1 else "The last such verdict"
    whose = "This run's test results" if earlier.in_this_run else "Test results of this snapshot in earlier runs"
    return f"{whose} did not pass {times} before. {last} was given{when}{ticket}{reasons}.{by_job}"


def _changed(since: Since | None, most: int) -> Iterator[str]:
    if since is None:
        yield "What changed since could not be looked for."
        return
    if since.unknown:
        yield f"What changed since can't be shown: {since.unknown}."
    elif not since.files:
        yield "Since then no file of the snapshot changed, nor a schema: neither a decision table nor the source."
    if since.files:
        more = len(since.files) - most
        named = ", ".join(_named(file) for file in since.files[:most])
        yield f"Changed since then: {named}{f' and {more} more' if more > 0 else ''}."
    yield from (f"{file.title}: {file.note}" for file in since.files[:most] if file.note)
    if since.unknown and not since.files:
        yield "Nor is it known by hashes that anything changed."


def _named(file: FileDifference) -> str:
    title = clipped(file.title, LONGEST_LINE)
    return title if file.how == "changed" else f"{title}, {file.how}"
