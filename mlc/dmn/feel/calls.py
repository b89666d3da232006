"""Calling functions, with arguments by position or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import DecimalException
from sys import getsizeof

from mlc.dmn.errors import FeelError, Kind, Place

from .run import OBJECT, Code, Run, Scope, Value
from .types import ANY, MISFIT, Type, function_of
from .values import Function, Range, kind_of, text_of


def call(callee: Code, arguments: Sequence[Code], place: Place) -> Code:
    """`callee(argument, ...)`."""

    def calling(scope: Scope, run: Run) -> Value:
        return apply(callee(scope, run), [argument(scope, run) for argument in arguments], run, place)

    return calling


def call_by_name(callee: Code, arguments: Mapping[str, Code], place: Place) -> Code:
    """`callee(parameter: argument, ...)`."""

    def calling(scope: Scope, run: Run) -> Value:
        function = callee(scope, run)
        values = {name: argument(scope, run) for name, argument in arguments.items()}
        if not isinstance(function, Function):
            return apply(function, [], run, place)
        try:
            chosen, in_order = function.bind(values)
            for name in chosen.lacking(values):
                called = f"{function.name}()" if function.name else "the function"
                run.note(Kind.BAD_ARGUMENT, f'{called} is not given "{name}"', place)
            return apply(chosen, in_order, run, place)
        except FeelError as error:
            run.note(error.kind, str(error), place)
            return None

    return calling


def apply(function: Value, arguments: list[Value], run: Run, place: Place) -> Value:
    """What a function answers; null, and noted, when it cannot. A range is asked whether it contains the argument."""
    if isinstance(function, Range) and len(arguments) == 1:
        return function.contains(arguments[0])
    if not isinstance(function, Function):
        run.note(Kind.WRONG_TYPE, f"{kind_of(function)} cannot be called: it is not a function", place)
        return None
    run.enter()
    try:
        return function.call(arguments, run)
    except FeelError as error:
        run.note(error.kind, str(error), place)
    except DecimalException as error:
        run.note(Kind.ARITHMETIC, f"{function.name}(): a number is out of range ({type(error).__name__})", place)
    finally:
        run.leave()
    return None


def define(
    parameters: Sequence[str], body: Code, name: str = "", types: Sequence[Type] = (), answer: Type = ANY
) -> Code:
    """`function(parameter: type, ...) body`, which sees the scope that it is written in (10.3.2.13.2).

    `answer` is the type of the body, as far as it is known.
    """
    kind = function_of(types or [ANY] * len(parameters), answer)

    def closure(scope: Scope, run: Run) -> Function:
        run.hold(OBJECT + getsizeof(scope))  # which lives as long as the function

        def invoke(arguments: list[Value], run: Run) -> Value:
            if len(arguments) != len(parameters):
                count = "1 argument" if len(parameters) == 1 else f"{len(parameters) or 'no'} arguments"
                raise FeelError(f"{f'{name}()' if name else 'the function'} takes {count}, not {len(arguments)}")
            values = [_argument(*pair, run) for pair in zip(arguments, types, strict=True)] if types else arguments
            return body({**scope, **dict(zip(parameters, values, strict=True))}, run)

        return Function(name, tuple(parameters), invoke, kind)

    return closure


def _argument(value: Value, wanted: Type, run: Run) -> Value:
    fitted = wanted.fit(value, run)
    if fitted is MISFIT:
        raise FeelError(f"{text_of(value, inner=True)} is not of type {wanted.name}", Kind.WRONG_TYPE)
    return fitted


def spared(code: Code) -> Code:
    """The same code, which notes nothing of names and members that are not there: a caller asks for just that."""

    def sparing(scope: Scope, run: Run) -> Value:
        before = len(run.problems)
        value = code(scope, run)
        if len(run.problems) > before:
            for problem in list(run.problems)[before:]:
                if problem.kind is Kind.UNKNOWN_NAME:
                    del run.problems[problem]
        return value

    return sparing


def typed(code: Code, wanted: Type, what: str, place: Place) -> Code:
    """The same code, whose value is made to fit a type; null, and noted, when it does not."""
    if wanted is ANY:
        return code

    def fitting(scope: Scope, run: Run) -> Value:
        value = code(scope, run)
        fitted = wanted.fit(value, run)
        if fitted is MISFIT:
            shown = text_of(value, inner=True)
            run.note(Kind.WRONG_TYPE, f"{what} is {shown}, which is not of type {wanted.name}", place)
            return None
        return fitted

    return fitting
