"""Which rules of a large table are worth a look, found without looking at each of them.

A rule is passed over only when looking at it would change nothing: when, from left to right, its usual cells (see
`feel.plain`) say yes and then one says no, before any cell that is an expression. So the rules that match, their order,
the problems that are noted and the steps that are taken are those of a loop over all rules.

A set of rules is an integer with a bit for each rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from .collection import no_collection
from .columnindex import Column
from .feel.plain import Plain
from .feel.run import Run, Test, Value

#: Tables of fewer rules are looped over.
FEWEST = 64
#: Rules of a set that are found bit by bit; those of a larger set are found in its digits.
FEW = 24


class Row(Protocol):
    """A rule: its tests by the number of the column, and the texts of all its cells."""

    tests: list[tuple[int, Test]]
    cells: list[str]


R = TypeVar("R", bound=Row)


class RuleIndex(Generic[R]):
    """The index over the rules of one table. `plain` has the usual cells by their texts.

    It is made when the table is first evaluated. That time is nobody's: an evaluation has as much as without an index.
    """

    def __init__(self, rules: Sequence[R], columns: int, plain: Mapping[str, Plain | None]) -> None:
        self.rules = rules
        self.count = columns
        self.plain = plain
        self.columns: list[Column] | None = None

    def candidates(self, values: Sequence[Value], run: Run) -> Sequence[R]:
        """The rules to look at for these values of the columns, in order."""
        if self.columns is None:
            with run.untimed(), no_collection():
                self.columns = self.made()
        passing = (1 << len(self.rules)) - 1
        wanted = 0
        for column, value in zip(self.columns, values, strict=True):
            answers = column.answers(value)
            if answers is None:
                return self.rules
            yes, unclear = answers
            wanted |= passing & unclear
            passing &= yes
            if not passing:
                break
        return self.chosen(wanted | passing)

    def made(self) -> list[Column]:
        """The columns, with the rules that have one cell in it together."""
        usual: list[dict[str, tuple[Plain, list[int]]]] = [{} for _ in range(self.count)]
        others: list[list[int]] = [[] for _ in range(self.count)]
        plain = self.plain
        for number, rule in enumerate(self.rules):
            for index, test in rule.tests:
                text, cells = rule.cells[index], usual[index]
                if text in cells and cells[text][0].test is test:
                    cells[text][1].append(number)
                elif (found := plain.get(text)) is not None and found.test is test:
                    cells[text] = (found, [number])
                else:
                    others[index].append(number)
        pairs = zip(usual, others, strict=True)
        return [Column(cells.values(), rest, len(self.rules)) for cells, rest in pairs]

    def chosen(self, rules: int) -> Sequence[R]:
        """The rules of a set."""
        count = rules.bit_count()
        if count > len(self.rules) // 2:
            return self.rules  # to look at more than is needed changes nothing
        found = []
        if count <= FEW:
            while rules:
                lowest = rules & -rules
                found.append(self.rules[lowest.bit_length() - 1])
                rules ^= lowest
            return found
        digits = bin(rules)[:1:-1]
        position = digits.find("1")
        while position >= 0:
            found.append(self.rules[position])
            position = digits.find("1", position + 1)
        return found
