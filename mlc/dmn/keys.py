"""The names that the values of a file's own expressions may have: entries of contexts, columns, outputs of tables.

What a name in a filter means depends on the items of the list, and where these come from is not always to be seen: they
may be made in another decision, or be handed to a function. So the names of a whole file are looked for beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from . import elements as dmn
from .document import squeezed

#: Names that are kept, and the characters of one: more were not written by hand.
MOST, LONGEST = 1_000, 200
_KEY = re.compile(r'[{,]([^{}\[\](),:"`]+|\s{0,20}"[^"\\\n]{1,200}"\s{0,20}|\s{0,20}`[^`\n]{1,200}`\s{0,20}):')


def keys_of(definitions: dmn.Definitions) -> list[str]:
    """The names that are more than one word, each once, in the order of the file."""
    found: dict[str, None] = {}
    for name in _names(definitions):
        if not name.isidentifier() and 0 < len(name) <= LONGEST:
            found[name] = None
            if len(found) == MOST:
                break
    return list(found)


def _names(definitions: dmn.Definitions) -> Iterator[str]:  # noqa: PLR0912 - one case for each kind of box
    boxes: list[object] = [decision.expression for decision in definitions.decisions]
    boxes += [model.function for model in definitions.knowledge]
    while boxes:
        match boxes.pop():
            case dmn.Typed(inner, _):
                boxes.append(inner)
            case dmn.Literal(text):
                yield from _in_texts([text])
            case dmn.Table() as table:
                yield from (output.name for output in table.outputs if output.name)
                yield from _in_texts([clause.expression for clause in table.inputs])
                for rule in table.rules:
                    yield from _in_texts(rule.outputs)
            case dmn.Context(entries):
                yield from (entry.variable.name for entry in entries if entry.variable is not None)
                boxes += [entry.expression for entry in entries]
            case dmn.Invocation(function, bindings):
                boxes += [function, *(binding.expression for binding in bindings)]
            case dmn.FunctionDefinition(_, body):
                boxes.append(body)
            case dmn.ListExpression(items):
                boxes += items
            case dmn.Relation(columns, rows):
                yield from (column.name for column in columns)
                boxes += [cell for row in rows for cell in row]
            case dmn.Conditional(condition, one, other):
                boxes += [condition, one, other]
            case dmn.Filter(items, match_):
                boxes += [items, match_]
            case dmn.Loop() as loop:
                boxes += [loop.items, loop.body]


def _in_texts(texts: Iterable[dmn.Text]) -> Iterator[str]:
    """What stands in front of a colon, where the key of a context may stand."""
    for text in texts:
        if "{" in text.text:
            for match in _KEY.finditer(text.text):
                yield squeezed(match[1].strip().strip('"`'))
