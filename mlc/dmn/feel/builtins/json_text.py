"""`from json` and `to json`, which Camunda's FEEL engine has: values from and to the text of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, DecimalException

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import wide
from mlc.dmn.feel.decimal128 import NUMBERS
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.values import DEEPEST, Function, number_text, text_of

from .signature import builtin


def _number(text: str) -> Decimal:
    return NUMBERS.create_decimal(text)


def _no_number(text: str) -> Decimal:
    raise ValueError(f"{text} is no number of JSON")


@builtin("from json(value: string)", takes_run=True)
@builtin("from json(json: string)", takes_run=True)
def from_json(run: Run, text: str) -> Value:
    """The value that a text of JSON writes: objects are contexts, numbers keep every digit."""
    run.spend(1 + len(text) // 8)  # an item for every two characters is the most that there can be
    try:
        value = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_no_number)
        _check_depth(value)
    except (ValueError, DecimalException) as error:
        raise FeelError(f"from json(): the text is not JSON: {error}") from None
    except RecursionError:
        raise FeelError("from json(): the text is nested too deep") from None
    return value


def _check_depth(value: Value) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise FeelError(f"from json(): the text is nested more than {DEEPEST} deep")
        level = [part for parts in level if isinstance(parts, (list, dict))
                 for part in (parts.values() if isinstance(parts, dict) else parts)]  # fmt: skip


@builtin("to json(value: Any)", takes_run=True)
def to_json(run: Run, value: Value) -> str:
    """A value as JSON without white space; dates, times, durations and ranges are strings."""
    written = []
    for piece in _pieces(value, 0):
        run.spend(1 + len(piece) // 64)
        written.append(piece)
    return "".join(written)


def _pieces(value: Value, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise FeelError(f"to json(): the value is nested more than {DEEPEST} deep")
    if isinstance(value, (list, dict)):
        opening, closing = "[]" if isinstance(value, list) else "{}"
        yield opening
        for index, key in enumerate(value):
            yield "," if index else ""
            if isinstance(value, dict):
                yield f"{_text(key)}:"
            yield from _pieces(value[key] if isinstance(value, dict) else key, depth + 1)
        yield closing
    elif isinstance(value, Function):
        raise FeelError("to json(): a function has no JSON")
    elif isinstance(value, Decimal):
        yield number_text(value)
    elif value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    else:
        yield _text(value if isinstance(value, str) else _moment(value))


def _moment(value: Value) -> str:
    """The text of a value, with a named zone as Camunda writes it: `2026-07-31T10:00:00+02:00[Europe/Berlin]`."""
    zone = wide.zone_name(value) if type(value) in wide.DATE_TIMES else None
    if zone is None:
        return text_of(value)
    return f"{text_of(value).partition('@')[0]}{wide.offset_text(value.utcoffset())}[{zone}]"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
