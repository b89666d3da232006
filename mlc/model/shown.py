"""A value of JSON as people read it in one cell, on a ticket as on a page."""

from collections.abc import Callable


def shown(value: object, number: Callable[[int | float], str], text: Callable[[str], str] = str) -> str:
    """A number, a text, or how many values there are in it; numbers and texts are written as the place has them."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number(value)
        case str():
            return text(value)
        case dict() | list():
            return f"{len(value):,} value{'' if len(value) == 1 else 's'}"
    return f"of the type {type(value).__name__}"
