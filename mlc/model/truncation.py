"""Texts from outside, cut to what a history may hold: sizes are bytes of JSON, since letters and escapes differ."""

import json
from collections.abc import Iterable

MARK = "..."


def truncate(text: str, size: int) -> str:
    """The text if it takes at most ``size`` bytes (six or more) as JSON, else its beginning and an ellipsis."""
    text = writable(text)
    kept = _fitting(text, size)
    return text if kept == len(text) else text[: _fitting(text, size - len(MARK))] + MARK


def truncate_start(text: str, size: int) -> str:
    """The same, of the end: where an error stands in what a program wrote."""
    text = writable(text)
    kept = _fitting(reversed(text), size)
    return text if kept == len(text) else MARK + text[len(text) - _fitting(reversed(text), size - len(MARK)) :]


def json_size(text: str) -> int:
    """Bytes that a text takes as JSON in UTF-8, without the quotes."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _fitting(characters: Iterable[str], room: int) -> int:
    """How many of the first characters fit."""
    count = 0
    for character in characters:
        room -= json_size(character)
        if room < 0:
            break
        count += 1
    return count


def writable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    return text.encode(errors="replace").decode()
