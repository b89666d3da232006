"""Answers that are plain already, written as JSON at once: the same text as of the copy that :mod:`.plain` makes."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from json import encoder
from typing import Any

import numpy as np

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_TEXTS = frozenset({str}).issuperset
# Of numpy's scalars those that are Python's as well, and written as these are.
_VALUES = frozenset({str, int, float, bool, type(None), np.float64}).issuperset
_NUMPY = frozenset({np.bool_, np.float32, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32})
_MOST_LEVELS = 20


def _fast() -> Callable[[Any, int], Iterable[str]]:
    """The standard library's encoder, made once and not for each value: gives the parts of a text."""
    make, quote = getattr(encoder, "c_make_encoder", None), getattr(encoder, "c_encode_basestring", None)
    if make is not None and quote is not None:
        with suppress(TypeError, ValueError):  # another version's
            made: Callable[[Any, int], Iterable[str]] = make(
                None, _ENCODER.default, quote, None, ": ", ", ", False, False, False
            )
            if "".join(made({"a": ["é\n", 1.5, None]}, 0)) == '{"a": ["é\\n", 1.5, null]}':
                return made
    return lambda value, _: (_ENCODER.encode(value),)


_parts = _fast()


def json_text(answer: Any) -> str | None:
    """An answer as JSON; None if it isn't plain, or has what JSON can't hold, such as NaN.

    Like :func:`json.dumps` with ``ensure_ascii=False`` of what :func:`.plain.plain` makes of it.
    """
    if type(answer) is dict and _TEXTS(map(type, answer)):
        if not _VALUES(map(type, answer.values())):
            answer = {k: v.item() if type(v) in _NUMPY else v for k, v in answer.items()}
            if not all(map(_is_plain, answer.values())):
                return None
    elif not _is_plain(answer):
        return None
    try:
        text = "".join(_parts(answer, 0))
        if not text.isascii():
            text.encode()
    except ValueError:  # NaN, infinity, a number of too many digits, or half of a surrogate pair
        return None
    return text


def _is_plain(value: Any, level: int = 0) -> bool:
    kind = type(value)
    if kind is dict:
        return (
            _TEXTS(map(type, value))
            and level < _MOST_LEVELS
            and (_VALUES(map(type, value.values())) or all(_is_plain(each, level + 1) for each in value.values()))
        )
    if kind is list or kind is tuple:
        return level < _MOST_LEVELS and (_VALUES(map(type, value)) or all(_is_plain(each, level + 1) for each in value))
    return _VALUES((kind,))
