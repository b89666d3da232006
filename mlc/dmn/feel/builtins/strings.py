"""String functions (DMN 1.5, 10.3.4.3, Table 74). Positions count code points from 1, or from -1 at the end.

`trim` is no function of the specification; files written for Camunda use it.
"""

from __future__ import annotations

from decimal import Decimal

from mlc.dmn.errors import FeelError
from mlc.dmn.feel.run import Run, Value

from .signature import builtin


@builtin("substring(string: string, start position: number, [length: number])")
def substring(string: str, start: Decimal, length: Decimal | None = None) -> str:
    """Characters from a position on."""
    if not 1 <= abs(start) < len(string) + 1:
        raise FeelError(f"substring(): there is no position {start} in a string of {len(string)} characters")
    if length is not None and length < 1:
        raise FeelError(f"substring(): the length must be at least 1, not {length}")
    first = int(start) - 1 if start > 0 else len(string) + int(start)
    return string[first : None if length is None else first + min(int(length), len(string))]


@builtin("string length(string: string)")
def string_length(string: str) -> Decimal:
    """How many characters."""
    return Decimal(len(string))


@builtin("upper case(string: string)")
def upper_case(string: str) -> str:
    """In upper case."""
    return string.upper()


@builtin("lower case(string: string)")
def lower_case(string: str) -> str:
    """In lower case."""
    return string.lower()


@builtin("trim(string: string)")
def trim(string: str) -> str:
    """Without white space at either end."""
    return string.strip()


@builtin("substring before(string: string, match: string)")
def substring_before(string: str, match: str) -> str:
    """What stands before the first occurrence; empty if there is none."""
    before, found, _ = string.partition(match) if match else ("", "", "")
    return before if found else ""


@builtin("substring after(string: string, match: string)")
def substring_after(string: str, match: str) -> str:
    """What stands after the first occurrence; empty if there is none."""
    return string.partition(match)[2] if match else string


@builtin("contains(string: string, match: string)")
def contains(string: str, match: str) -> bool:
    """Whether a string occurs in another."""
    return match in string


@builtin("starts with(string: string, match: string)")
def starts_with(string: str, match: str) -> bool:
    """Whether a string begins with another."""
    return string.startswith(match)


@builtin("ends with(string: string, match: string)")
def ends_with(string: str, match: str) -> bool:
    """Whether a string ends with another."""
    return string.endswith(match)


@builtin("string join(list: list, [delimiter: string?])", takes_run=True)
def string_join(run: Run, items: list[Value], delimiter: str | None = None) -> str:
    """The strings of a list with a delimiter between them; nulls are passed over."""
    strings = [item for item in items if item is not None]
    if any(not isinstance(item, str) for item in strings):
        raise FeelError("string join(): the items must be strings")
    length = sum(map(len, strings)) + len(strings) * len(delimiter or "")
    run.spend(length // 64)
    run.afford(length)
    return (delimiter or "").join(strings)
