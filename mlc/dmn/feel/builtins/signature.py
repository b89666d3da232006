"""How a built-in is declared: `@builtin("substring(string: string, start position: number, [length: number])")`.

The declaration gives the parameters' names and types in FEEL's own words, so that every built-in checks and converts
its arguments in the same way (DMN 1.5, 10.3.2.9.4 and 10.3.4) and can be called by position or by name. Brackets stand
around a parameter that may be left out, `?` behind the type of one that may be null, `...` behind that of one that may
be repeated. A null for any other parameter makes the answer null. What a call costs in steps depends on the size of its
arguments; a built-in that does more than look at each of their parts once takes the run, and pays for it. The memory of
what it answers is counted afterwards; one whose answer may be far larger than its arguments counts it while it grows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sys import getsizeof
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from mlc.dmn.errors import FeelError, Kind
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.types import ANY, MISFIT, TYPES, Type, function_of
from mlc.dmn.feel.values import KINDS, Function, Range, kind_of

_F = TypeVar("_F", bound=Callable[..., Any])
#: FEEL's types, and a value that can be put in order with others, as the functions of ranges take one.
_POINTS = frozenset(KINDS.keys() - {bool, list, dict, Range, Function, type(None)})
_TYPES = {**TYPES, "point": Type("point", lambda value, _: type(value) in _POINTS)}
_DECLARATION = re.compile(r"([\w ]+)\((.*)\)")


class Parameter(NamedTuple):
    """A parameter of a built-in."""

    name: str
    type: Type
    optional: bool = False
    nullable: bool = False
    repeated: bool = False


class Signature(NamedTuple):
    """One way to call a built-in. `spread`: the items of its one list may be given as arguments. `items`: how many
    items of a list or context make a step.
    """

    name: str
    parameters: tuple[Parameter, ...]
    body: Callable[..., Value]
    spread: bool = False
    takes_run: bool = False
    items: int = 8

    @property
    def least(self) -> int:
        """How many arguments there must be."""
        return sum(not parameter.optional for parameter in self.parameters)

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [parameter.name for parameter in self.parameters]

    @property
    def repeats(self) -> bool:
        """Whether the last argument may be repeated."""
        return bool(self.parameters) and self.parameters[-1].repeated

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.least <= count and (count <= len(self.parameters) or self.repeats or self.spread)

    def fit(self, arguments: list[Value], run: Run) -> list[Value] | str | None:
        """The arguments as the body takes them; None when a needed one is null; a sentence when they do not fit.

        There must be as many as it `takes`.
        """
        if self.spread and len(arguments) > 1:
            arguments = [arguments]
        most = len(self.parameters)
        fitted, lacking = [], False
        last = self.parameters[-1:] * (len(arguments) - most)
        for parameter, argument in zip((*self.parameters, *last), arguments, strict=False):
            value = parameter.type.fit(argument, run)
            if value is MISFIT:
                return f"{self.name}(): {parameter.name} must be {parameter.type.name}, not {kind_of(argument)}"
            lacking = lacking or (value is None and not parameter.nullable)
            fitted.append(value)
        return None if lacking else fitted


@dataclass(frozen=True, slots=True, eq=False)
class Builtin(Function):
    """A built-in with all its signatures."""

    signatures: tuple[Signature, ...] = ()

    def bind(self, named: Mapping[str, Value]) -> tuple[Function, list[Value]]:
        """The signatures that have these parameters, as a function, and the arguments in their order.

        Of two that differ only in the order, it is the one that the call has: `before(range: r, point: p)`.
        An argument that is needed and not there is null. Raises FeelError for a name that no signature has.
        """
        known = [s for s in self.signatures if named.keys() <= set(s.names)]
        if not named or not known:
            own = " or ".join(f"({', '.join(part.name for part in s.parameters)})" for s in self.signatures)
            raise FeelError(f"{self.name}() takes {own}, not ({', '.join(named)})")

        def misfit(signature: Signature) -> tuple[int, bool]:
            lacking = sum(not part.optional and part.name not in named for part in signature.parameters)
            return lacking, [*named] != [name for name in signature.names if name in named]

        chosen = min(known, key=misfit)
        parts, alike = chosen.parameters, tuple(s for s in known if s.names == chosen.names)
        last = max(index for index, part in enumerate(parts) if not part.optional or part.name in named)
        return _function(self.name, alike), [named.get(part.name) for part in parts[: last + 1]]

    def lacking(self, named: Mapping[str, Value]) -> list[str]:  # noqa: ARG002 - it is a Function's
        """None: a built-in that is not given what it needs says so itself, or answers null."""
        return []


def builtin(declaration: str, spread: bool = False, takes_run: bool = False, items: int = 8) -> Callable[[_F], _F]:
    """Declare a function as a built-in; several on one function are several names or signatures."""
    match = _DECLARATION.fullmatch(declaration)
    assert match is not None, declaration
    parameters = tuple(_parameter(part) for part in match[2].split(", ") if part)

    def declare(body: _F) -> _F:
        signature = Signature(match[1], parameters, body, spread, takes_run, items)
        body.__dict__.setdefault("signatures", []).insert(0, signature)
        return body

    return declare


def _parameter(text: str) -> Parameter:
    name, _, type_name = text.strip("[]").partition(": ")
    kind = _TYPES[type_name.rstrip("?.")]
    nullable = type_name.endswith("?") or kind is ANY
    return Parameter(name, kind, text.startswith("["), nullable, type_name.endswith("..."))


def registered(*modules: ModuleType) -> dict[str, Function]:
    """The built-ins that modules declare, by name."""
    found: dict[str, list[Signature]] = {}
    for module in modules:
        for member in vars(module).values():
            for signature in getattr(member, "signatures", ()):
                found.setdefault(signature.name, []).append(signature)
    return {name: _function(name, tuple(signatures)) for name, signatures in found.items()}


def _arity(name: str, signatures: tuple[Signature, ...], count: int) -> str:
    """How many arguments a built-in takes, in all of its signatures, and not so many."""
    without_end = [signature.least for signature in signatures if signature.repeats or signature.spread]
    counts = {
        number
        for signature in signatures
        for number in range(signature.least, len(signature.parameters) + 1)
        if not without_end or number < min(without_end)
    }
    words = [str(number) for number in sorted(counts)]
    if without_end:
        words.append(f"{min(without_end)} or more")
    wanted = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0].replace("0", "no")
    return f"{name}() takes {wanted} argument{'' if wanted == '1' else 's'}, not {count}"


def _weight(argument: Value, items: int) -> int:
    if isinstance(argument, str):
        return len(argument) // 64
    return len(argument) // items if isinstance(argument, (list, dict)) else 0


def _function(name: str, signatures: tuple[Signature, ...]) -> Builtin:
    def call(arguments: list[Value], run: Run) -> Value:
        run.spend(1 + sum(_weight(argument, signatures[0].items) for argument in arguments))
        reason = ""
        for signature in signatures:
            if not signature.takes(len(arguments)):
                continue
            fitted = signature.fit(arguments, run)
            if fitted is None:
                return None
            if isinstance(fitted, str):
                reason = reason or fitted
                continue
            try:
                answer = signature.body(run, *fitted) if signature.takes_run else signature.body(*fitted)
                if isinstance(answer, (str, list, dict)):
                    run.hold(getsizeof(answer))
                return answer
            except (TypeError, ValueError, OverflowError) as error:  # of Python's own date and number types
                raise FeelError(f"{name}(): {error}") from None
        raise FeelError(reason or _arity(name, signatures, len(arguments)), Kind.BAD_ARGUMENT)

    parameters = signatures[0].parameters
    kind = function_of([parameter.type for parameter in parameters], ANY)
    return Builtin(name, tuple(parameter.name for parameter in parameters), call, kind, signatures)
