"""Expressions that ask for nothing: what they are can be found out before anybody evaluates the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mlc.dmn.errors import FeelSyntaxError, LimitExceededError, Place, Problem
from mlc.dmn.feel.dialects import FEEL, Dialect
from mlc.dmn.feel.lexer import Token, tokenize
from mlc.dmn.feel.parser import parse_expression
from mlc.dmn.feel.run import STEPS, Run, Value
from mlc.dmn.feel.vocabulary import Vocabulary

from .spelling import near, quoted

#: Steps for one expression. What takes longer is nothing that an author writes as a constant.
STEPS_EACH = 2_000
#: Steps for all the expressions of a model, in which a token counts as one, and how many different texts are looked at.
STEPS_TOGETHER, TEXTS = 200_000, 30_000
#: Names that are compared in search of a near one. Who misspells more of them has another problem than the spelling.
SEARCHES = 50_000


class Closed(NamedTuple):
    """The value of an expression that asks for nothing, and what is found wrong when it is worked out.

    `truth`: it is a boolean by its form. `timed`: it depends on the clock.
    """

    value: Value
    problems: tuple[Problem, ...] = ()
    truth: bool = False
    timed: bool = False


class Reader:
    """Reads the texts of one model, each once, within the steps that the analysis of a model may take.

    `exhausted` tells whether these have been too few: then some expressions were not looked into.
    """

    def __init__(self, dialect: Dialect = FEEL) -> None:
        self.dialect = dialect
        self.left = STEPS_TOGETHER
        self.exhausted = False
        self.searches = SEARCHES
        self._tokens: dict[str, list[Token] | None] = {}
        self._closed: dict[str, Closed | None] = {}

    def tokens(self, text: str) -> list[Token] | None:
        """The tokens of a text without the last one, which is its end; None when it cannot be cut into such."""
        if text not in self._tokens:
            try:
                self._tokens[text] = tokenize(text, self.dialect.backticks)[:-1]
            except FeelSyntaxError:
                self._tokens[text] = None
        return self._tokens[text]

    def closed(self, text: str) -> Closed | None:
        """What an expression is; None when it does not parse, asks for a name or takes too long."""
        if text not in self._closed:
            self._closed[text] = self._worked_out(text)
        return self._closed[text]

    def spend(self, steps: int) -> bool:
        """Whether there are so many steps left, which then are spent."""
        self.left -= steps
        self.exhausted = self.exhausted or self.left < 0
        return self.left >= 0

    def near(self, name: str, known: Iterable[str]) -> str:
        """The known name that is most like another; "" for none, and when too many have been looked for."""
        names = list(known)
        self.searches -= len(names)
        return near(name, names) if self.searches >= 0 else ""

    def closest(self, value: Value, allowed: str) -> str:
        """The allowed value that is most like a string, as FEEL has it; "" if none is."""
        found = self.closed(f"[{allowed}]")
        if found is None or not isinstance(value, str) or not isinstance(found.value, list):
            return ""
        name = self.near(value, [item for item in found.value if isinstance(item, str)])
        return quoted(name) if name else ""

    def _worked_out(self, text: str) -> Closed | None:
        tokens = self.tokens(text)
        if not tokens or any(token.kind == "symbol" and token.text == "?" for token in tokens):
            return None
        if self.left <= 0 or len(self._closed) > TEXTS:
            self.exhausted = True
            return None
        vocabulary = Vocabulary(dialect=self.dialect)
        run = Run()
        run.steps = STEPS_EACH
        try:
            node = parse_expression(text, vocabulary, Place())
            if vocabulary.free or vocabulary.optional:
                return None
            value = node.code({}, run)
        except (FeelSyntaxError, LimitExceededError, RecursionError):
            return None
        finally:
            self.left -= 1 + len(tokens) + STEPS_EACH - max(run.steps, 0)
        return Closed(value, tuple(run.problems), node.truth, run.clock is not None)


def quick_run() -> Run:
    """An evaluation that ends soon."""
    run = Run()
    run.steps = min(STEPS, STEPS_EACH)
    return run
