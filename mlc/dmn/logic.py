"""The logic of decisions and functions: boxed expressions and tables to closures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import elements as dmn
from .errors import FeelSyntaxError, Kind, Place, Problem
from .feel import calls, iteration
from .feel.cursor import Node
from .feel.parser import parse_expression, parse_unary_tests
from .feel.primary import conditional, context_of
from .feel.run import Code, Run, Scope, Test, Value, nothing
from .feel.vocabulary import Vocabulary
from .itemtypes import ItemTypes
from .script import is_script, known_language, parse_script
from .tablelogic import compile_table


class Compiler:
    """Compiles the expressions of one file. What is wrong is appended to `problems`, and its code is `nothing`."""

    def __init__(self, types: ItemTypes, language: str | None, problems: list[Problem]) -> None:
        self.types = types
        self.language = language
        self.problems = problems

    def report(self, kind: Kind, message: str, place: Place) -> None:
        """Keep a problem."""
        self.problems.append(Problem(kind, message, place))

    # -- texts -------------------------------------------------------------------------------------------------------

    def text(self, text: dmn.Text, vocabulary: Vocabulary, place: Place, empty: str = "nothing stands here") -> Code:
        """An expression in whatever language it is in."""
        if not text.text:
            self.report(Kind.SYNTAX, empty, place)
            return nothing
        node: Node | None = self.attempt(self.parse, text, vocabulary, place)
        return nothing if node is None else node.code

    def parse(self, text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Node:
        if self.is_script(text):
            return parse_script(text.text, vocabulary, place)
        return parse_expression(text.text, vocabulary, place)

    def is_script(self, text: dmn.Text) -> bool:
        """Whether a text is Groovy or JUEL. Raises FeelSyntaxError when it is in a language that is not known here."""
        language = text.language or self.language
        if not known_language(language):
            raise FeelSyntaxError(f'the expression language "{language}" is not supported; FEEL, Groovy and JUEL are')
        return is_script(text.text, language)

    def cell(self, text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Test | None:
        """An input entry; None for one that every value passes."""
        if text.text in ("", "-"):
            return None
        test: Test | None = self.attempt(self.parse_cell, text, vocabulary, place)
        return test

    def parse_cell(self, text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Test | None:
        if not self.is_script(text):
            return parse_unary_tests(text.text, vocabulary, place)
        code = parse_script(text.text, vocabulary, place).code

        def holds(value: Value, scope: Scope, run: Run) -> bool | None:  # noqa: ARG001 - a script names its inputs
            answer = code(scope, run)
            if answer is not None and not isinstance(answer, bool):
                run.note(Kind.WRONG_TYPE, "the script gives no boolean", place)
            return answer is True

        return holds

    def attempt(self, parse: Callable[..., Any], text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Any:
        """What `parse` gives, or None after a report of what is wrong."""
        try:
            return parse(text, vocabulary, place)
        except FeelSyntaxError as error:
            kind = Kind.UNSUPPORTED if error.position is None else Kind.SYNTAX
            where = "" if error.position is None else f" at character {error.position + 1}"
            shown = text.text if len(text.text) <= 80 else text.text[:77] + "..."
            self.report(kind, f"{shown!r} does not parse{where}: {error}", place)
        except RecursionError:
            self.report(Kind.HOSTILE, "the expression is nested too deep", place)
        return None

    # -- boxed expressions -------------------------------------------------------------------------------------------

    def expression(  # noqa: PLR0911 - one case for each kind of box
        self, box: dmn.Expression | None, vocabulary: Vocabulary, place: Place
    ) -> Code:
        """The code of any boxed expression."""
        match box:
            case None:
                return nothing
            case dmn.Literal(text):
                return self.text(text, vocabulary, place)
            case dmn.Table():
                return compile_table(self, box, vocabulary, place)
            case dmn.Context():
                return self.context(box, vocabulary, place)
            case dmn.Invocation():
                return self.invocation(box, vocabulary, place)
            case dmn.FunctionDefinition():
                return self.function(box, vocabulary, place)
            case dmn.ListExpression(items):
                codes = [self.expression(item, vocabulary, place) for item in items]
                return lambda scope, run: [code(scope, run) for code in codes]
            case dmn.Relation(columns, rows):
                return self.relation(columns, rows, vocabulary, place)
            case dmn.Conditional(condition, one, other):
                return conditional(*(self.expression(part, vocabulary, place) for part in (condition, one, other)))
            case dmn.Filter(items, match_):
                inner = vocabulary.inside("item", *self.types.members)
                condition_code = self.expression(match_, inner, place)
                return iteration.filtered(self.expression(items, vocabulary, place), condition_code, 1, place)
            case dmn.Loop():
                return self.loop(box, vocabulary, place)

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
            inner.names.add(name)
            inner.members.add(name)
            entries[name] = calls.typed(code, wanted, f'the entry "{name}"', place)
        whole = context_of(entries)
        if result is None:
            return whole
        last = result
        return lambda scope, run: last({**scope, **whole(scope, run)}, run)

    def invocation(self, box: dmn.Invocation, vocabulary: Vocabulary, place: Place) -> Code:
        callee = self.expression(box.function, vocabulary, place)
        arguments = {
            binding.variable.name: self.expression(binding.expression, vocabulary, place)
            for binding in box.bindings
            if binding.variable is not None
        }
        return calls.call_by_name(callee, arguments, place)

    def function(self, box: dmn.FunctionDefinition, vocabulary: Vocabulary, place: Place) -> Code:
        """A function; one in Java or PMML cannot be called here."""
        if box.kind != "FEEL":
            self.report(Kind.UNSUPPORTED, f"a function of kind {box.kind} is not supported", place)
            return nothing
        names = [parameter.name for parameter in box.parameters]
        types = [self.types.find(parameter.type_ref, place) for parameter in box.parameters]
        body = self.expression(box.body, vocabulary.inside(*names), place)
        result = self.types.find(box.type_ref, place)
        return calls.define(names, calls.typed(body, result, "the result", place), place.decision or "", types)

    def relation(
        self, columns: list[str], rows: list[list[dmn.Expression | None]], vocabulary: Vocabulary, place: Place
    ) -> Code:
        for name in columns:
            vocabulary.members.add(name)
        if any(len(row) != len(columns) for row in rows):
            self.report(Kind.STRUCTURE, "a row of the relation has not as many cells as there are columns", place)
            return nothing
        codes = [[self.expression(cell, vocabulary, place) for cell in row] for row in rows]
        return lambda scope, run: [
            {name: code(scope, run) for name, code in zip(columns, row, strict=True)} for row in codes
        ]

    def loop(self, box: dmn.Loop, vocabulary: Vocabulary, place: Place) -> Code:
        items = self.expression(box.items, vocabulary, place)
        body = self.expression(box.body, vocabulary.inside(box.variable, "partial"), place)
        sources = [iteration.Source(box.variable, items)]
        if box.kind == "for":
            return iteration.for_loop(sources, body, 1, place)
        return iteration.quantified(sources, body, box.kind == "some", 1, place)
