"""Every text of a model that is an expression, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mlc.dmn import elements as dmn
from mlc.dmn.errors import Place


class Written(NamedTuple):
    """A text and where it stands. Cells of tables are not among them: they are known with their columns."""

    text: dmn.Text
    place: Place


def boxes_of(definitions: dmn.Definitions, place: Place) -> Iterator[tuple[dmn.Expression | None, Place]]:
    """The boxed expressions of a file, those inside of others, too."""
    waiting: list[tuple[dmn.Expression | None, Place]] = []
    for decision in reversed(definitions.decisions):
        waiting.append((decision.expression, place.at(decision=decision.name)))
    for model in reversed(definitions.knowledge):
        waiting.append((model.function, place.at(decision=model.name)))
    while waiting:
        box, here = waiting.pop()
        yield box, here
        waiting += [(inner, here) for inner in reversed(list(inside(box)))]


def inside(box: dmn.Expression | None) -> Iterator[dmn.Expression | None]:
    """The boxed expressions directly inside of one; None for one that is missing."""
    match box:
        case dmn.Typed(inner, _):
            yield inner
        case dmn.Context(entries):
            yield from (entry.expression for entry in entries)
        case dmn.Invocation(function, bindings):
            yield function
            yield from (binding.expression for binding in bindings)
        case dmn.FunctionDefinition():
            yield box.body
        case dmn.ListExpression(items):
            yield from items
        case dmn.Relation(_, rows):
            for row in rows:
                yield from row
        case dmn.Conditional(condition, one, other):
            yield from (condition, one, other)
        case dmn.Filter(items, match_):
            yield from (items, match_)
        case dmn.Loop():
            yield from (box.items, box.body)
        case _:
            return


def texts_of(definitions: dmn.Definitions, place: Place) -> Iterator[Written]:
    """The literal expressions of a file and the input expressions of its tables."""
    for box, here in boxes_of(definitions, place):
        match box:
            case dmn.Literal(text) if text.text:
                yield Written(text, here)
            case dmn.Table(inputs):
                for clause in inputs:
                    if clause.expression.text:
                        yield Written(clause.expression, here.at(column=clause.label))
            case _:
                continue
