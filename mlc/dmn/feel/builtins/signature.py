"""How a built-in is declared: `@builtin("substring(string: string, start position: number, length: number?)")`.

The declaration gives the parameters' names and types in FEEL's own words, so that every built-in checks its arguments
in the same way and can be called by position or by name. `?` marks a parameter that may be left out or null, `...` one
that may be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

from mlc.dmn.errors import FeelError, Kind
from mlc.dmn.feel.run import Run, Value
from mlc.dmn.feel.types import MISFIT, TYPES, Type
from mlc.dmn.feel.values import Function, kind_of

_F = TypeVar("_F", bound=Callable[..., Any])
_DECLARATION = re.compile(r"([\w ]+)\((.*)\)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a built-in."""

    name: str
    type: Type
    optional: bool
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a built-in. `spread`: the items of its one list may be given as arguments."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Callable[..., Value]
    spread: bool = False
    takes_run: bool = False

    @property
    def least(self) -> int:
        """How many arguments there must be."""
        return sum(not parameter.optional for parameter in self.parameters)

    @property
    def repeats(self) -> bool:
        """Whether the last argument may be repeated."""
        return bool(self.parameters) and self.parameters[-1].repeated

    def fit(self, arguments: list[Value]) -> list[Value] | str | None:
        """The arguments as the body takes them; None when a needed one is null; a sentence when they do not fit."""
        if self.spread and (len(arguments) != 1 or not isinstance(arguments[0], list)):
            arguments = [arguments]
        most = len(self.parameters)
        if len(arguments) < self.least or (len(arguments) > most and not self.repeats):
            return f"{self.name}() takes {self.least} to {most} arguments, not {len(arguments)}"
        fitted, lacking = [], False
        last = self.parameters[-1:] * (len(arguments) - most)
        for parameter, argument in zip((*self.parameters, *last), arguments, strict=False):
            value = parameter.type.fit(argument)
            if value is MISFIT:
                return f"{self.name}(): {parameter.name} must be {parameter.type.name}, not {kind_of(argument)}"
            lacking = lacking or (value is None and not parameter.optional and parameter.type.name != "Any")
            fitted.append(value)
        return None if lacking else fitted


@dataclass(frozen=True, slots=True, eq=False)
class Builtin(Function):
    """A built-in with all its signatures."""

    signatures: list[Signature] = field(default_factory=list)

    def bind(self, named: Mapping[str, Value]) -> list[Value]:
        """Arguments by name, in the order of the signature that has these parameters. Raises FeelError."""
        for signature in self.signatures:
            names = [parameter.name for parameter in signature.parameters]
            needed = {parameter.name for parameter in signature.parameters if not parameter.optional}
            if needed <= set(named) <= set(names):
                last = max(names.index(name) for name in named) if named else -1
                return [named.get(name) for name in names[: last + 1]]
        raise FeelError(f"{self.name}() has no parameters ({', '.join(named)})")


def builtin(declaration: str, spread: bool = False, takes_run: bool = False) -> Callable[[_F], _F]:
    """Declare a function as a built-in; several on one function are several names or signatures."""
    match = _DECLARATION.fullmatch(declaration)
    assert match is not None, declaration
    parameters = []
    for part in filter(None, match[2].split(", ")):
        name, _, type_name = part.partition(": ")
        optional, repeated = type_name.endswith("?"), type_name.endswith("...")
        parameters.append(Parameter(name, TYPES[type_name.rstrip("?.")], optional, repeated))

    def declare(body: _F) -> _F:
        signature = Signature(match[1], tuple(parameters), body, spread, takes_run)
        body.__dict__.setdefault("signatures", []).insert(0, signature)
        return body

    return declare


def registered(*modules: ModuleType) -> dict[str, Function]:
    """The built-ins that modules declare, by name."""
    found: dict[str, list[Signature]] = {}
    for module in modules:
        for member in vars(module).values():
            for signature in getattr(member, "signatures", ()):
                found.setdefault(signature.name, []).append(signature)
    return {name: _function(name, signatures) for name, signatures in found.items()}


def _function(name: str, signatures: list[Signature]) -> Builtin:
    def call(arguments: list[Value], run: Run) -> Value:
        run.spend(1 + sum(len(argument) for argument in arguments if isinstance(argument, (list, dict, str))) // 16)
        reason = ""
        for signature in signatures:
            fitted = signature.fit(arguments)
            if fitted is None:
                return None
            if isinstance(fitted, str):
                reason = reason or fitted
                continue
            try:
                return signature.body(run, *fitted) if signature.takes_run else signature.body(*fitted)
            except (TypeError, ValueError, OverflowError) as error:  # of Python's own date and number types
                raise FeelError(f"{name}(): {error}") from None
        raise FeelError(reason, Kind.BAD_ARGUMENT)

    names = tuple(parameter.name for parameter in signatures[0].parameters)
    return Builtin(name, names, call, signatures)
