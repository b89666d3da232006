"""The mark on comments that a process wrote: by it they are known again, and written once."""

EVENT_MARK = "gov-event:"
"""Begins the last line of such a comment; the event's id follows."""


def is_ours(body: str, event_id: str | None = None) -> bool:
    """Whether a comment carries our mark (for this event, or for any)."""
    lines = (line.strip() for line in body.splitlines())
    if event_id is None:
        return any(line.startswith(EVENT_MARK) for line in lines)
    return any(line == EVENT_MARK + event_id for line in lines)
