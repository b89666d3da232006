"""Numeric functions (DMN 1.5, 10.3.4.5, Table 76): rounding, roots, remainders."""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import temporal
from mlc.dmn.feel.decimal128 import NUMBERS
from mlc.dmn.feel.run import Run, Value

from .signature import builtin


def rounded(n: Decimal, scale: Decimal | None, rounding: str) -> Decimal:
    """A number rounded to a scale, 0 by default, in one of decimal's ways. Raises FeelError."""
    digits = 0 if scale is None else int(min(scale, Decimal(10_000)))
    if not -6111 <= digits <= 6176:
        raise FeelError(f"the scale must be a number from -6111 to 6176, not {scale}")
    exponent = n.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent >= -digits:
        return n
    # The number's own digits may be more than 34 only before rounding; quantize would refuse a longer result.
    return NUMBERS.plus(n.quantize(Decimal(1).scaleb(-digits), rounding=rounding, context=_WIDE))


#: For what is exact with more digits than a number has.
_WIDE = NUMBERS.copy()
_WIDE.prec = 7000
#: Steps of the functions that are no single operation on 34 digits.
_SLOW = 8


@builtin("decimal(n: number, scale: number)")
def decimal(n: Decimal, scale: Decimal) -> Decimal:
    """Rounded to a scale, half to even."""
    return rounded(n, scale, ROUND_HALF_EVEN)


@builtin("floor(n: number, [scale: number])")
def floor(n: Decimal, scale: Decimal | None = None) -> Decimal:
    """Rounded down, to minus infinity."""
    return rounded(n, scale, ROUND_FLOOR)


@builtin("ceiling(n: number, [scale: number])")
def ceiling(n: Decimal, scale: Decimal | None = None) -> Decimal:
    """Rounded up, to plus infinity."""
    return rounded(n, scale, ROUND_CEILING)


@builtin("round up(n: number, scale: number)")
def round_up(n: Decimal, scale: Decimal) -> Decimal:
    """Rounded away from zero."""
    return rounded(n, scale, ROUND_UP)


@builtin("round down(n: number, scale: number)")
def round_down(n: Decimal, scale: Decimal) -> Decimal:
    """Rounded to zero."""
    return rounded(n, scale, ROUND_DOWN)


@builtin("round half up(n: number, scale: number)")
def round_half_up(n: Decimal, scale: Decimal) -> Decimal:
    """Rounded, half away from zero."""
    return rounded(n, scale, ROUND_HALF_UP)


@builtin("round half down(n: number, scale: number)")
def round_half_down(n: Decimal, scale: Decimal) -> Decimal:
    """Rounded, half to zero."""
    return rounded(n, scale, ROUND_HALF_DOWN)


@builtin("abs(n: number)")
@builtin("abs(n: days and time duration)")
@builtin("abs(n: years and months duration)")
def absolute(n: Value) -> Value:
    """Without its sign."""
    if type(n) is Decimal:
        return NUMBERS.abs(n)
    return temporal.negative(n) if temporal.amount(n) < 0 else n


@builtin("modulo(dividend: number, divisor: number)", takes_run=True)
def modulo(run: Run, dividend: Decimal, divisor: Decimal) -> Decimal:
    """The remainder, with the sign of the divisor."""
    run.spend(_SLOW)
    if not divisor:
        raise FeelError("modulo(): the divisor is zero")
    # dividend - divisor * floor(dividend / divisor), exactly: Decimal's own remainder has the sign of the dividend,
    # and refuses a quotient of more than 34 digits.
    remainder = _WIDE.remainder(dividend, divisor)
    if remainder and (remainder < 0) != (divisor < 0):
        remainder = _WIDE.add(remainder, divisor)
    return NUMBERS.plus(remainder)


@builtin("sqrt(number: number)")
def sqrt(number: Decimal) -> Decimal:
    """Square root."""
    if number < 0:
        raise FeelError("sqrt(): the number is negative")
    return NUMBERS.sqrt(number)


@builtin("log(number: number)", takes_run=True)
def log(run: Run, number: Decimal) -> Decimal:
    """Natural logarithm."""
    run.spend(_SLOW)
    if number <= 0:
        raise FeelError("log(): the number is not positive")
    return NUMBERS.ln(number)


@builtin("exp(number: number)", takes_run=True)
def exp(run: Run, number: Decimal) -> Decimal:
    """Power of e."""
    run.spend(_SLOW)
    return NUMBERS.exp(number)


@builtin("odd(number: number)")
def odd(number: Decimal) -> bool:
    """Whether a whole number is odd."""
    return abs(NUMBERS.remainder(number, Decimal(2))) == 1


@builtin("even(number: number)")
def even(number: Decimal) -> bool:
    """Whether a whole number is even."""
    return NUMBERS.remainder(number, Decimal(2)) == 0
