"""Texts of a model to code, in whatever expression language they are: FEEL, or Groovy and JUEL in their safe subset.

Literal expressions (DMN 1.5, 7.3.5) and unary tests (7.3.2). What a text says wrong is reported with its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import elements as dmn
from .errors import FeelSyntaxError, Findings, Kind, Place
from .feel.cursor import Node, constant
from .feel.parser import parse_expression, parse_unary_tests
from .feel.plain import Plain, plain_test, plain_value
from .feel.run import Code, Run, Scope, Test, Value, nothing
from .feel.vocabulary import Vocabulary
from .itemtypes import ItemTypes
from .script import is_script, known_language, parse_script

#: The name by which a script asks for the value of its column, as Camunda calls it where the column gives no other.
CELL_INPUT = "cellInput"


class TextCompiler:
    """Compiles the texts of one file. What is wrong is reported to `findings`, and its code is `nothing`.

    `plain` has the usual cells by their texts, None for the others, and `fixed` the codes of texts that are one value.
    """

    def __init__(self, types: ItemTypes, language: str | None, findings: Findings) -> None:
        self.types = types
        self.language = language
        self.findings = findings
        self.report = findings.report
        self.plain: dict[str, Plain | None] = {}
        self.fixed: dict[str, Code | None] = {}
        self._feel: dict[str | None, bool] = {}

    def text(self, text: dmn.Text, vocabulary: Vocabulary, place: Place, empty: str = "nothing stands here") -> Code:
        """An expression in whatever language it is in."""
        if not text.text:
            self.report(Kind.SYNTAX, empty, place)
            return nothing
        code = self.fixed_value(text)
        if code is not None:
            return code
        node: Node | None = self.attempt(self.parse, text, vocabulary, place)
        return nothing if node is None else node.code

    def fixed_value(self, text: dmn.Text) -> Code | None:
        """The code of a text that is a number, a string or a boolean; None for one that has to be parsed."""
        if not self._is_affordable_feel(text):
            return None
        written = text.text
        if written not in self.fixed:
            value = plain_value(written)
            self.fixed[written] = None if value is None else constant(value).code
        code = self.fixed[written]
        if code is not None:
            self.findings.characters -= len(written)
        return code

    def plain_cell(self, text: dmn.Text) -> Test | None:
        """The test of a usual input entry, one and the same for the same text; None for one that has to be parsed."""
        if not self._is_affordable_feel(text):
            return None
        written = text.text
        if written not in self.plain:
            self.plain[written] = plain_test(written)
        found = self.plain[written]
        if found is None:
            return None
        self.findings.characters -= len(written)
        return found.test

    def _is_affordable_feel(self, text: dmn.Text) -> bool:
        """Whether a text is in FEEL, as far as its language tells, and not longer than what may still be compiled."""
        if text.outside or len(text.text) > self.findings.characters:
            return False
        language = text.language or self.language
        if language not in self._feel:
            self._feel[language] = known_language(language) and not is_script("", language)
        return self._feel[language]

    def parse(self, text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Node:
        if self.is_script(text):
            return parse_script(text.text, vocabulary, place)
        return parse_expression(text.text, vocabulary, place)

    def is_script(self, text: dmn.Text) -> bool:
        """Whether a text is Groovy or JUEL. Raises FeelSyntaxError when it is in a language that is not known here, and
        for one that stands outside of the element that is read.
        """
        if text.outside:
            raise FeelSyntaxError(dmn.OUTSIDE, 0)
        language = text.language or self.language
        if not known_language(language):
            raise FeelSyntaxError(f'the expression language "{language}" is not supported; FEEL, Groovy and JUEL are')
        return is_script(text.text, language)

    def cell(self, text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Test | None:
        """An input entry; None for one that every value passes."""
        if text.text == "" or (text.text == "-" and not text.outside):
            return None
        test: Test | None = self.plain_cell(text) or self.attempt(self.parse_cell, text, vocabulary, place)
        return test

    def parse_cell(self, text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Test | None:
        if not self.is_script(text):
            return parse_unary_tests(text.text, vocabulary, place)
        code = parse_script(text.text, vocabulary.inside(CELL_INPUT), place, condition=True).code

        def holds(value: Value, scope: Scope, run: Run) -> bool | None:
            answer = code({**scope, CELL_INPUT: value}, run)
            if answer is not None and not isinstance(answer, bool):
                run.note(Kind.WRONG_TYPE, "the script gives no boolean", place)
            return answer is True

        return holds

    def attempt(self, parse: Callable[..., Any], text: dmn.Text, vocabulary: Vocabulary, place: Place) -> Any:
        """What `parse` gives, or None after a report of what is wrong. What does not compile asks for nothing."""
        self.findings.characters -= len(text.text)
        if self.findings.characters < 0:
            self.report(Kind.HOSTILE, "the expressions of the model are too long, taken together", place)
            return None
        asked = [(names, len(names)) for names in (vocabulary.free, vocabulary.optional)]
        try:
            return parse(text, vocabulary, place)
        except FeelSyntaxError as error:
            kind = Kind.UNSUPPORTED if error.position is None else Kind.SYNTAX
            where = "" if error.position is None else f" at character {error.position + 1}"
            shown = text.text if len(text.text) <= 80 else text.text[:77] + "..."
            self.report(kind, f"{shown!r} does not parse{where}: {error}", place)
        except RecursionError:
            self.report(Kind.HOSTILE, "the expression is nested too deep", place)
        for names, count in asked:
            for name in list(names)[count:]:
                del names[name]
        return None
