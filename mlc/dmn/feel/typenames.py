"""Reading types: `number`, `list<number>`, `context<a: number>`, `function<number> -> string` (grammar rule 52)."""

from __future__ import annotations

from .cursor import Cursor
from .types import ANY, Type, context_of, function_of, list_of, range_of


def type_name(cursor: Cursor) -> Type:
    """The type that comes next. Raises FeelSyntaxError."""
    if cursor.tokens[min(cursor.index + 1, len(cursor.tokens) - 1)].text == "<":
        for generic, make in (("list", list_of), ("range", range_of)):
            if cursor.take(generic):
                return make(_inside(cursor)[0])
        if cursor.take("context"):
            return _context(cursor)
        if cursor.take("function"):
            return _function(cursor)
    known = cursor.vocabulary.type_names.match(cursor.tokens, cursor.index)
    if known is None:
        raise cursor.unexpected("expected the name of a type")
    cursor.index += known[1]
    return cursor.vocabulary.types[known[0]]


def _inside(cursor: Cursor) -> list[Type]:
    """`<type, ...>`."""
    cursor.expect("<")
    types = []
    with cursor.nested():
        while not cursor.at(">"):
            types.append(type_name(cursor))
            if not cursor.take(","):
                break
    cursor.expect(">")
    return types or [ANY]


def _context(cursor: Cursor) -> Type:
    cursor.expect("<")
    components: dict[str, Type] = {}
    with cursor.nested():
        while not cursor.at(">"):
            name = cursor.new_name()
            cursor.expect(":")
            components[name] = type_name(cursor)
            if not cursor.take(","):
                break
    cursor.expect(">")
    return context_of(components)


def _function(cursor: Cursor) -> Type:
    has_none = cursor.tokens[cursor.index + 1].text == ">"
    parameters = _inside(cursor)
    cursor.expect("->")
    with cursor.nested():
        return function_of([] if has_none else parameters, type_name(cursor))
