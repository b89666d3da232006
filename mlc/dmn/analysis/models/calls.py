"""Calls in expressions that cannot answer, whatever the inputs are: dates that do not exist, wrong arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mlc.dmn.analysis.cells.parts import split, text_of_tokens
from mlc.dmn.analysis.closed import Closed, Reader, quick_run
from mlc.dmn.analysis.finding import Aspect
from mlc.dmn.analysis.spelling import iso_date, quoted
from mlc.dmn.errors import FeelError, LimitExceededError
from mlc.dmn.feel.lexer import Token
from mlc.dmn.feel.run import Value
from mlc.dmn.feel.types import MISFIT
from mlc.dmn.feel.values import text_of
from mlc.dmn.feel.vocabulary import BUILTIN_NAMES
from mlc.dmn.script import METHODS

#: Numbers that a call is tried with in the place of an argument that is not known.
_TRIED = (1, 0, -3)
#: Functions that ask something of a cell's value, which is easily left out.
_ASKING = frozenset({"contains", "starts with", "ends with", "matches", "list contains"})
_DATES = frozenset({"date", "date and time", "time", "duration"})


class Fault(NamedTuple):
    """What is wrong in an expression, and the expression without it, if that is known."""

    kind: Aspect
    message: str
    suggestion: str = ""


def faults_of(text: str, reader: Reader) -> Iterator[Fault]:
    """The faults of the calls in an expression or a cell."""
    tokens = reader.tokens(text)
    if not tokens or not any(token.text in ("(", "@") for token in tokens):
        return
    with_end = [*tokens, Token("end", "", False, len(text))]
    behind = 0
    for index, token in enumerate(tokens):
        if token.kind != "name" or index < behind or (index == 0 and token.text == "not"):
            continue
        if index + 2 < len(tokens) and index and tokens[index - 1].text == "." and tokens[index + 1].text == "(":
            if token.text in METHODS:
                yield _method(text, tokens, index)
            continue
        if index and tokens[index - 1].text == ".":
            continue
        found = BUILTIN_NAMES.match(with_end, index)
        behind = index + found[1] if found is not None else 0
        if found is None or index + found[1] >= len(tokens) or tokens[index + found[1]].text != "(":
            continue
        end = _closing(tokens, index + found[1])
        if end is not None and not reader.spend(2 * (end - index)):
            return
        if end is not None:
            if reader.closed(text_of_tokens(text, tokens[index : end + 1])) is not None:
                behind = end  # one look at it is enough, whatever is in it
            yield from _of_call(text, tokens, (index, index + found[1], end), reader)


def _closing(tokens: Sequence[Token], opening: int) -> int | None:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind == "symbol" and tokens[index].text in ("(", ")"):
            depth += 1 if tokens[index].text == "(" else -1
            if depth == 0:
                return index
    return None


def _of_call(text: str, tokens: Sequence[Token], where: tuple[int, int, int], reader: Reader) -> Iterator[Fault]:
    start, opening, end = where
    name = " ".join(token.text for token in tokens[start:opening])
    if name not in reader.dialect.builtins:
        return
    call = text_of_tokens(text, tokens[start : end + 1])
    whole = reader.closed(call)
    if whole is not None:
        if whole.problems and (whole.value is None or not isinstance(whole.value, (list, dict))):
            inside = text_of_tokens(text, tokens[opening + 1 : end])
            yield _constant(text, call, inside, whole.problems[0].message, reader)
        return
    pieces = split(tokens[opening + 1 : end]) if end > opening + 1 else []
    if any(len(piece) > 1 and piece[1].text == ":" for piece in pieces) or not all(pieces):
        return
    arguments = [reader.closed(text_of_tokens(text, piece)) for piece in pieces]
    reason = _refused(name, arguments, reader)
    if reason:
        better = ""
        if len(arguments) == 1 and arguments[0] is not None and name in _ASKING:
            better = text.replace(call, f"{name}(?, {text_of(arguments[0].value, inner=True)})")
        yield Fault(Aspect.BAD_CALL, f"{call} cannot answer: {reason}", better)


def _constant(text: str, call: str, inside: str, reason: str, reader: Reader) -> Fault:
    name = call.partition("(")[0].strip()
    kind = Aspect.BAD_CONSTANT if name in _DATES else Aspect.BAD_CALL
    better = ""
    pieces = [Closed(None)] * len(split(reader.tokens(inside) or [])) if inside else []
    reason = (_refused(name, pieces, reader) if kind is Aspect.BAD_CALL else "") or reason
    argument = reader.closed(inside) if inside else None
    if name in ("date", "date and time") and argument is not None and isinstance(argument.value, str):
        day = iso_date(argument.value)
        better = text.replace(inside, quoted(day)) if day else ""
    elif name == "date" and (day := iso_date(re.sub(r"\s", "", inside))):
        better = text.replace(inside, quoted(day))
    elif argument is not None and name in _ASKING:
        better = text.replace(call, f"{name}(?, {inside})") if _refused(name, [None, argument], reader) == "" else ""
    return Fault(kind, f"{call} is no value: {reason}", better)


def _refused(name: str, arguments: Sequence[Closed | None], reader: Reader) -> str:
    """Why a built-in cannot be called so, whatever the arguments are that are not known; "" where it can."""
    reasons = []
    for signature in getattr(reader.dialect.builtins[name], "signatures", ()):
        count, most = len(arguments), len(signature.parameters)
        if signature.spread and count > 1:
            return ""
        if count < signature.least or (count > most and not signature.repeats):
            takes = str(most) if most == signature.least else f"{signature.least} to {most}"
            reasons.append(f"{name}() takes {takes} argument{'' if takes == '1' else 's'}, not {count}")
            continue
        last = signature.parameters[-1:] * (count - most)
        for parameter, argument in zip((*signature.parameters, *last), arguments, strict=False):
            known = argument is not None and not argument.problems
            if argument is not None and known and parameter.type.fit(argument.value, quick_run()) is MISFIT:
                reasons.append(f"{parameter.name} must be {parameter.type.name}")
                break
        else:
            parameters = (*signature.parameters, *last)
            numbers = all(
                parameter.type.name == "number"
                for parameter, argument in zip(parameters, arguments, strict=False)
                if argument is None
            )
            if not numbers or all(argument is None for argument in arguments):
                return ""
            reason = _tried(name, arguments, reader)
            if not reason:
                return ""
            reasons.append(reason)
    return reasons[0] if reasons else ""


def _tried(name: str, arguments: Sequence[Closed | None], reader: Reader) -> str:
    """The one reason why a call is refused with every number that is tried."""
    from decimal import Decimal

    reasons = set()
    for number in _TRIED:
        values: list[Value] = [Decimal(number) if argument is None else argument.value for argument in arguments]
        try:
            reader.dialect.builtins[name].call(values, quick_run())
        except FeelError as error:
            reasons.add(str(error))
        except (ArithmeticError, LimitExceededError):
            return ""
        else:
            return ""
    return reasons.pop() if len(reasons) == 1 else ""


def _method(text: str, tokens: Sequence[Token], index: int) -> Fault:
    """A method of Groovy's in FEEL, as `name.equals("x")`."""
    method, end = tokens[index].text, _closing(tokens, index + 1)
    target = tokens[index - 2].text if index > 1 else "?"
    call = text_of_tokens(text, tokens[max(index - 2, 0) : (end or index) + 1])
    argument = text_of_tokens(text, tokens[index + 2 : end]) if end is not None else ""
    better = {
        "equals": f"{target} = {argument}",
        "equalsIgnoreCase": f"lower case({target}) = lower case({argument})",
        "contains": f"contains({target}, {argument})",
        "startsWith": f"starts with({target}, {argument})",
        "endsWith": f"ends with({target}, {argument})",
    }[method]
    message = f".{method}() is Groovy's, and the cell is FEEL; say so by expressionLanguage, or write it in FEEL"
    return Fault(Aspect.OTHER_LANGUAGE, message, text.replace(call, better) if argument else "")
