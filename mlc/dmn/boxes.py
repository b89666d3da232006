"""Boxed expressions to code (DMN 1.5, 10.2.1): literals, tables, invocations, contexts, lists, relations, functions,
conditionals, filters and iterators, with their types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from . import elements as dmn
from .errors import FeelError, Findings, Kind, Place
from .expressions import TextCompiler
from .feel import calls, iteration
from .feel.primary import conditional, context_of, list_of
from .feel.reading import Condition
from .feel.run import ENTRY, ITEM, OBJECT, Code, Run, Scope, Value, nothing
from .feel.types import ANY, Type
from .feel.values import kind_of
from .feel.vocabulary import Vocabulary
from .itemtypes import ItemTypes
from .tablecompiler import compile_table
from .tables import DecisionTable


class CompiledTable(NamedTuple):
    """A compiled table, the element that it was made of, and the names that its expressions may use."""

    table: DecisionTable
    box: dmn.Table
    vocabulary: Vocabulary


class BoxCompiler(TextCompiler):
    """Compiles the boxed expressions of one file, and the texts in them. `tables` are those that it has compiled."""

    def __init__(self, types: ItemTypes, language: str | None, findings: Findings) -> None:
        super().__init__(types, language, findings)
        self.tables: list[CompiledTable] = []

    def expression(  # noqa: PLR0911 - one case for each kind of box
        self, box: dmn.Expression | None, vocabulary: Vocabulary, place: Place
    ) -> Code:
        """The code of any boxed expression; that of none is `nothing`."""
        match box:
            case None:
                return nothing
            case dmn.Typed(inner, type_ref):
                code = self.expression(inner, vocabulary, place)
                return calls.typed(code, self.types.find(type_ref, place), "the value", place)
            case dmn.Literal(text):
                return self.text(text, vocabulary, place.at(line=text.line))
            case dmn.Table():
                return self.table(box, vocabulary, place)
            case dmn.Context():
                return self.context(box, vocabulary, place)
            case dmn.Invocation():
                return self.invocation(box, vocabulary, place)
            case dmn.FunctionDefinition():
                return self.function(box, vocabulary, place)
            case dmn.ListExpression(items):
                codes = [self.expression(item, vocabulary, place) for item in items]
                return list_of(codes)
            case dmn.Relation():
                return self.relation(box, vocabulary, place)
            case dmn.Conditional(condition, one, other):
                if_ = self.condition(condition, '"if"', vocabulary, place)
                parts = [self.expression(part, vocabulary, place) for part in (one, other)]
                return _or_null(conditional(_boolean(if_, "if"), *parts), place)
            case dmn.Filter(items, match_):
                return self.filter(items, match_, vocabulary, place)
            case dmn.Loop():
                return self.loop(box, vocabulary, place)

    def table(self, box: dmn.Table, vocabulary: Vocabulary, place: Place) -> Code:
        """A decision table, which is kept with what it was made of."""
        code = compile_table(self, box, vocabulary, place)
        if isinstance(code, DecisionTable):
            self.tables.append(CompiledTable(code, box, vocabulary))
        return code

    def context(self, box: dmn.Context, vocabulary: Vocabulary, place: Place) -> Code:
        """Entries that see each other in order; the entry without a name is the result."""
        entries: dict[str, Code] = {}
        inner = vocabulary.inside()
        result: Code | None = None
        for entry in box.entries:
            code = self.expression(entry.expression, inner, place)
            if entry.variable is None:
                result = code
                continue
            name, wanted = entry.variable.name, self.types.find(entry.variable.type_ref, place)
            if name in entries:
                self.report(Kind.DUPLICATE, f'the context has two entries "{name}"', place)
            inner.names.add(name)
            inner.members.add(name)
            entries[name] = calls.typed(code, wanted, f'the entry "{name}"', place)
        whole = context_of(entries)
        if result is None:
            return whole
        last = result
        return lambda scope, run: last({**scope, **whole(scope, run)}, run)

    def invocation(self, box: dmn.Invocation, vocabulary: Vocabulary, place: Place) -> Code:
        """A call with arguments by name, each of the type that its binding says."""
        callee = self.expression(box.function, vocabulary, place)
        arguments: dict[str, Code] = {}
        for binding in box.bindings:
            if binding.variable is not None:
                name, wanted = binding.variable.name, self.types.find(binding.variable.type_ref, place)
                if name in arguments:
                    self.report(Kind.DUPLICATE, f'the invocation gives "{name}" twice', place)
                code = self.expression(binding.expression, vocabulary, place)
                arguments[name] = calls.typed(code, wanted, f'the argument "{name}"', place)
        return calls.call_by_name(callee, arguments, place)

    def function(
        self, box: dmn.FunctionDefinition, vocabulary: Vocabulary, place: Place, result: Type = ANY, name: str = ""
    ) -> Code:
        """A function, whose answers are of the type `result` and of the box's own; one in Java or PMML is refused."""
        if box.kind.upper() != "FEEL":
            self.report(
                Kind.UNSUPPORTED, f"a function of kind {box.kind} cannot be called here; write it in FEEL", place
            )
            return nothing
        names = [parameter.name for parameter in box.parameters]
        for parameter, times in Counter(names).items():
            if times > 1:
                self.report(Kind.DUPLICATE, f'the function has {times} parameters "{parameter}"', place)
        types = [self.types.find(parameter.type_ref, place) for parameter in box.parameters]
        body = self.expression(box.body, vocabulary.inside(*names), place)
        own = self.types.answer(box.type_ref, place)
        for wanted in (own, result):
            body = calls.typed(body, wanted, "the result", place)
        return calls.define(names, body, name, types, own if result is ANY else result)

    def relation(self, box: dmn.Relation, vocabulary: Vocabulary, place: Place) -> Code:
        """A list of contexts, one for each row."""
        names = [column.name for column in box.columns]
        for name in names:
            vocabulary.members.add(name)
        if any(len(row) != len(names) for row in box.rows):
            self.report(Kind.STRUCTURE, "a row of the relation has not as many cells as there are columns", place)
            return nothing
        types = [self.types.find(column.type_ref, place) for column in box.columns]
        codes = [
            [
                calls.typed(self.expression(cell, vocabulary, place), wanted, f'a cell of "{name}"', place)
                for cell, wanted, name in zip(row, types, names, strict=True)
            ]
            for row in box.rows
        ]
        size = len(codes) * (OBJECT + len(names) * (ENTRY + ITEM))

        def make(scope: Scope, run: Run) -> Value:
            run.hold(size)
            return [{name: code(scope, run) for name, code in zip(names, row, strict=True)} for row in codes]

        return make

    def filter(
        self, items: dmn.Expression | None, condition: dmn.Expression | None, vocabulary: Vocabulary, place: Place
    ) -> Code:
        """The items for which the condition holds, each as `item`; its members are names, too."""
        inner = vocabulary.inside("item", *self.types.members, filters=1)
        holds = _boolean(self.condition(condition, "a filter", inner, place), "match")
        return _or_null(iteration.filtered(self.expression(items, vocabulary, place), holds, 1, place), place)

    def condition(self, box: dmn.Expression | None, what: str, vocabulary: Vocabulary, place: Place) -> Code:
        """A condition that chooses: of a filter, or behind "if"."""
        begin = len(vocabulary.reading.paths)
        return Condition.since(begin, self.expression(box, vocabulary, place), what, vocabulary.reading, place)

    def loop(self, box: dmn.Loop, vocabulary: Vocabulary, place: Place) -> Code:
        """`for` with the results so far as `partial`; `some` and `every`."""
        items = self.expression(box.items, vocabulary, place)
        body = self.expression(box.body, vocabulary.inside(box.variable, "partial"), place)
        sources = [iteration.Source(box.variable, items)]
        if box.kind == "for":
            return iteration.for_loop(sources, body, 1, place)
        return iteration.quantified(sources, _boolean(body, "satisfies"), box.kind == "some", 1, place)


def _boolean(code: Code, what: str) -> Code:
    """A condition, which must be a boolean or null: in a box anything else makes the whole box null."""

    def check(scope: Scope, run: Run) -> Value:
        answer = code(scope, run)
        if answer is not None and not isinstance(answer, bool):
            raise FeelError(f'"{what}" is {kind_of(answer)} where a boolean is needed', Kind.WRONG_TYPE)
        return answer

    return check


def _or_null(code: Callable[[Scope, Run], Value], place: Place) -> Code:
    def guarded(scope: Scope, run: Run) -> Value:
        try:
            return code(scope, run)
        except FeelError as error:
            run.note(error.kind, str(error), place)
            return None

    return guarded
