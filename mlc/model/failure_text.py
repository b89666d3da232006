"""What went wrong, from what a program wrote: the type of an exception and its first line, then the rest.

An exception's text may have many lines, of which the first says what it is, and a log goes on after it. A runtime of
ours says the reason in a sentence of its own, at both ends of what it tells: so it is found whatever the model printed.
What a model's process printed or told is quoted there, line by line, so that it can't pass for what the runtime says.
"""

import re
from collections.abc import Iterable, Sequence

from mlc.model.truncation import truncate, truncate_start

QUOTE = "> "
"""How a line begins that comes from a model's process. A runtime's own lines don't."""
_TRACEBACK = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Failure|Interrupt|Exit)(:|$)")
"""How a line begins that names an exception, in a log without tracebacks."""


def quoted(lines: Iterable[str]) -> list[str]:
    """Lines that a model's process printed or told, marked as such."""
    return [QUOTE + line for line in lines]


def with_reason(lines: Sequence[str], reason: str) -> list[str]:
    """A log that says why something failed. ``reason`` is one line."""
    return [reason, *lines, reason] if lines else [reason]


def failure_text(lines: Sequence[str], limit: int) -> str:
    """The reason, or the last exception of a log, and what follows it; of a log that names neither, its end.

    All of it is about one failure, and nobody takes it for more: it has no marks of quoted lines.

    Args:
        limit: bytes of JSON. Of what is longer, the beginning and the end remain.
    """
    said = [line.rstrip() for text in lines for line in text.removeprefix(QUOTE).splitlines() if line.strip()]
    if len(said) > 1 and said[0] == said[-1]:
        return _cut([said[0], *_details(said[1:-1], said[0])], limit)
    if (place := _exception(said)) is not None:
        return _cut(said[place:], limit)
    return truncate_start("\n".join(said), limit)


def _exception(said: Sequence[str]) -> int | None:
    """Where the last exception is named: below its traceback, whose frames are indented."""
    began = next((place for place in reversed(range(len(said))) if said[place].endswith(_TRACEBACK)), None)
    if began is not None:
        return next((place for place in range(began + 1, len(said)) if not said[place].startswith((" ", "\t"))), None)
    return next((place for place in reversed(range(len(said))) if _EXCEPTION.match(said[place])), None)


def _details(log: Sequence[str], reason: str) -> Sequence[str]:
    """The further lines of the exception that the reason quotes."""
    place = _exception(log)
    return log[place + 1 :] if place is not None and log[place] in reason else []


def _cut(lines: Sequence[str], limit: int) -> str:
    text = "\n".join(lines)
    if truncate(text, limit) == text:
        return text
    first = truncate(lines[0], limit * 2 // 3)
    beginning = truncate(text, limit * 2 // 3)
    return (
        f"{beginning}\n{truncate_start(text[len(first) :], limit // 3 - 2)}"
        if len(lines) > 1
        else truncate(text, limit)
    )
