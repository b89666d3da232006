"""Rules of one table that match the same values, where the hit policy makes something of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

from mlc.dmn.analysis.finding import Aspect, Finding, Severity
from mlc.dmn.tables import DecisionTable

from . import conditions, saying
from .budget import Budget, Exhausted
from .coverage import uncovered
from .outputs import Outputs
from .relations import Relations, bits
from .space import Space

Values: TypeAlias = tuple[tuple[str, str], ...]
#: Rules that can't be covered by fewer boxes than this, unless by one.
_SEVERAL = 2


class Overlaps:
    """The findings about rules that meet.

    Under UNIQUE an overlap is a WARNING: only for the values in it an evaluation has to report a problem. It is an
    ERROR when a rule lies in others as a whole: then nothing else can ever come of that rule. The same holds under ANY
    for rules with different outputs. A rule that FIRST or PRIORITY never lets count is a WARNING, or a HINT when
    those that come before it answer the same. What changes no result is a HINT.
    """

    def __init__(self, table: DecisionTable, space: Space, outputs: Outputs, budget: Budget) -> None:
        self.table, self.space, self.outputs, self.budget = table, space, outputs, budget
        self.policy = table.hit_policy
        self.relations = Relations(space, budget)
        self.first = self._first_alike()
        self.distinct = sum(1 << rule for rule, first in enumerate(self.first) if rule == first) & space.possible

    def _first_alike(self) -> list[int]:
        """For each rule the first one with the same conditions."""
        seen: dict[tuple[int, ...], int] = {}
        return [
            seen.setdefault(tuple(axis.cells[rule] for axis in self.space.axes), rule)
            for rule in range(self.space.count)
        ]

    def findings(self) -> Iterator[Finding]:
        """All of them, each kind at most so many times."""
        yield from self._bounded(self.duplicates(), "rules with the same conditions", self._worst_duplicate())
        match self.policy:
            case "UNIQUE":
                yield from self._bounded(self.swallowed(), "rules within others")
                yield from self._bounded(self.crossing(), "overlaps", Severity.WARNING)
                yield from self._bounded(self.smothered(), "rules that others cover")
            case "ANY":
                yield from self._bounded(
                    self.contradicting(), "rules within others that answer differently", Severity.ERROR
                )
                yield from self._bounded(self.crossing_unlike(), "overlaps", Severity.WARNING)
                yield from self._bounded(self.undecided(), "overlaps of rules with computed outputs")
                yield from self._bounded(self.subsumed(), "rules within others")
            case "FIRST" | "PRIORITY":
                yield from self._bounded(self.masked(), "masked rules", Severity.WARNING)
            case _:
                yield from self._bounded(self.subsumed(), "rules within others")

    def _bounded(self, findings: Iterator[Finding], what: str, worst: Severity | None = None) -> Iterator[Finding]:
        try:
            yield from saying.listed(findings, what, self.budget, worst)
        except Exhausted:
            yield saying.ended_early(what, self.table.place)

    def finding(
        self,
        severity: Severity,
        aspect: Aspect,
        message: str,
        rules: list[int],
        suggestion: str,
        *,
        values: Values = (),
    ) -> Finding:
        """A finding at the first of the rules."""
        place = self.table.rules[rules[0]].place
        return Finding(severity, aspect, message, place, saying.numbers(sorted(rules)), values, suggestion)

    # -- the same conditions -----------------------------------------------------------------------------------------

    def duplicates(self) -> Iterator[Finding]:
        """Rules with the conditions of an earlier one."""
        for rule, first in enumerate(self.first):
            if rule == first or not self.space.possible >> rule & 1:
                continue
            self.budget.spend()
            severity, what, advice = self._duplicate(rule, first)
            message = f"rule {rule + 1} has the same conditions as rule {first + 1}{what}"
            yield self.finding(severity, Aspect.DUPLICATE_RULE, message, [rule, first], advice)

    def _duplicate(self, rule: int, first: int) -> tuple[Severity, str, str]:
        """How bad it is, what comes of it, and what to do."""
        alike, remove = self.outputs.alike(rule, first), f"remove rule {rule + 1}, or mend its conditions"
        match self.policy:
            case "UNIQUE":
                return Severity.ERROR, ": they always overlap, and UNIQUE allows one rule only", remove
            case "ANY" if alike is False:
                return Severity.ERROR, ", and another output, which ANY does not allow", remove
            case "ANY" if alike is None:
                return Severity.HINT, "; whether ANY allows it can't be told, as their outputs are computed", remove
            case "FIRST" | "PRIORITY":
                wins, loses = self._winner(first, rule)
                severity = Severity.HINT if alike else Severity.WARNING
                if wins is None:
                    return Severity.HINT, "; which of them counts can't be told, as their outputs are computed", remove
                return severity, f": under {self.policy} rule {loses + 1} never counts", f"remove rule {loses + 1}"
        if alike is not True:  # several answers for one case are what these hit policies are for
            remove = f"remove rule {rule + 1} if it is not meant to answer beside rule {first + 1}"
        return Severity.HINT, ": whatever one of them matches, the other does, too", remove

    def _winner(self, one: int, other: int) -> tuple[int | None, int]:
        """Which of two rules that match counts, and the other one."""
        if self.policy == "FIRST":
            return min(one, other), max(one, other)
        keys = self.outputs.precedence()
        mine, its = keys[one], keys[other]
        if mine is None or its is None:
            return None, other
        return (one, other) if mine < its else (other, one)

    def _worst_duplicate(self) -> Severity | None:
        """The worst that they can be where they are of several severities."""
        return {"ANY": Severity.ERROR, "FIRST": Severity.WARNING, "PRIORITY": Severity.WARNING}.get(self.policy)

    # -- UNIQUE ------------------------------------------------------------------------------------------------------

    def swallowed(self) -> Iterator[Finding]:
        """Rules that lie within one other rule as a whole."""
        certain = self.space.certain & self.distinct
        for rule in bits(self.space.possible & self.distinct):
            self.budget.spend(2)
            for other in bits(self.relations.containing(rule, certain)):
                message = (
                    f"rules {rule + 1} and {other + 1} overlap: all that rule {rule + 1} matches rule {other + 1} "
                    "matches, too, and UNIQUE allows one rule only"
                )
                advice = f"take from rule {other + 1} what rule {rule + 1} is for, or choose the hit policy FIRST"
                _, values, _ = saying.meeting(self.space, rule, other)
                yield self.finding(Severity.ERROR, Aspect.OVERLAP, message, [rule, other], advice, values=values)

    def crossing(self) -> Iterator[Finding]:
        """Rules that meet, of which none lies within the other."""
        certain = self.space.certain & self.distinct
        for rule in bits(certain):
            self.budget.spend(2)
            others = self.relations.meeting(rule, certain & (-2 << rule))
            others &= ~self.relations.containing(rule, others)
            for other in bits(others):
                if not self.relations.containing(other, 1 << rule):
                    yield self.overlap(rule, other, "UNIQUE allows one rule only")

    def overlap(self, rule: int, other: int, why: str) -> Finding:
        """Two rules that meet, and must not."""
        at, values, box = saying.meeting(self.space, rule, other)
        doubt = saying.entangled(self.space, box)
        many = not all(conditions.is_single(axis, mask) for axis, mask in zip(self.space.axes, box, strict=True))
        message = f"rules {rule + 1} and {other + 1} overlap, {'for example ' if many else ''}at {at}, and {why}"
        advice = self._apart(rule, other)
        if doubt:
            return self.finding(
                Severity.HINT, Aspect.UNKNOWN, f"{message}, {doubt}", [rule, other], advice, values=values
            )
        return self.finding(Severity.WARNING, Aspect.OVERLAP, message, [rule, other], advice, values=values)

    def _apart(self, rule: int, other: int) -> str:
        """How to part two rules: in a column in which each of them accepts something that the other doesn't."""
        for axis in self.space.axes:
            one, two = axis.shape(rule).mask, axis.shape(other).mask
            if one & two not in {one, two}:
                return f"take {conditions.condition([axis], [one & two])}, which both accept, out of one of them"
        return "let their cells exclude each other in one column"

    def smothered(self) -> Iterator[Finding]:
        """Rules that lie in several others together, but in none of them alone."""
        certain = self.space.certain & self.distinct
        for rule in bits(self.space.possible & self.distinct):
            if self.relations.containing(rule, certain):
                continue
            covers = self._covering(rule, self.relations.meeting(rule, certain))
            if covers:
                message = (
                    f"all that rule {rule + 1} matches {saying.named(covers)} together match, too, and UNIQUE allows "
                    "one rule only"
                )
                advice = f"remove rule {rule + 1}, or choose the hit policy FIRST"
                yield self.finding(Severity.ERROR, Aspect.OVERLAP, message, [rule, *covers], advice)

    def _covering(self, rule: int, others: int) -> list[int]:
        """Rules that cover a rule together, of these; none if they don't."""
        if others.bit_count() < _SEVERAL or uncovered(self.space, others, self.space.box(rule), self.budget):
            return []
        for other in reversed(list(bits(others))):  # leave out those that are not needed
            fewer = others & ~(1 << other)
            if others.bit_count() <= saying.LISTED and not uncovered(
                self.space, fewer, self.space.box(rule), self.budget
            ):
                others = fewer
        return list(bits(others))

    # -- ANY ---------------------------------------------------------------------------------------------------------

    def contradicting(self) -> Iterator[Finding]:
        """Rules that lie within one that answers differently."""
        for rule in bits(self.space.certain):
            self.budget.spend(2)
            others = self.relations.containing(rule, self.space.certain & ~self._same.get(rule, 0))
            for other in bits(others):
                self.budget.spend()
                both = self.relations.containing(other, 1 << rule) != 0
                if self._unlike(rule, other) and not (both and other < rule):
                    found = self._contradiction(min(rule, other), max(rule, other))
                    if found.kind is Aspect.OVERLAP:
                        inner = saying.named(sorted((rule, other)) if both else [rule])
                        found = replace(
                            found,
                            severity=Severity.ERROR,
                            message=f"{found.message}; all of {inner} lies in the other",
                            place=self.table.rules[rule].place,
                        )
                    yield found

    def crossing_unlike(self) -> Iterator[Finding]:
        """Rules that meet and answer differently, of which none lies within the other."""
        for rule, other in self._meeting_unlike(self.space.certain):
            if self._unlike(rule, other) and not (
                self.relations.containing(rule, 1 << other) or self.relations.containing(other, 1 << rule)
            ):
                yield self._contradiction(rule, other)

    def _unlike(self, rule: int, other: int) -> bool:
        """Whether two rules certainly answer differently, and have not been told as duplicates."""
        return self.outputs.alike(rule, other) is False and self.first[rule] != self.first[other]

    def _contradiction(self, rule: int, other: int) -> Finding:
        answers = f"{self.outputs.text(rule)} and {self.outputs.text(other)}"
        return self.overlap(rule, other, f"ANY does not allow different outputs: {answers}")

    def undecided(self) -> Iterator[Finding]:
        """Rules that meet, whose outputs are computed."""
        met: dict[int, list[int]] = {}
        for rule, other in self._meeting_unlike(self.space.certain):
            if self.outputs.alike(rule, other) is None:
                met.setdefault(other if self.outputs.is_known(rule) else rule, []).append(
                    rule if self.outputs.is_known(rule) else other
                )
        for rule, others in met.items():
            message = (
                f"rule {rule + 1} overlaps {saying.named(others)}; whether ANY allows it can't be told, as outputs are "
                "computed"
            )
            advice = "see to it that they answer the same wherever they overlap"
            yield self.finding(Severity.HINT, Aspect.UNKNOWN, message, [rule, *others], advice)

    @cached_property
    def _same(self) -> dict[int, int]:
        """For each rule whose outputs are constant the rules that answer the same."""
        return {rule: rules for rules in self.outputs.kinds().values() for rule in bits(rules)}

    def _meeting_unlike(self, among: int) -> Iterator[tuple[int, int]]:
        """The pairs of rules that meet, and that may answer differently."""
        for rule in bits(among):
            self.budget.spend(2)
            for other in bits(self.relations.meeting(rule, among & (-2 << rule) & ~self._same.get(rule, 0))):
                self.budget.spend()
                yield rule, other

    # -- FIRST, PRIORITY ---------------------------------------------------------------------------------------------

    def masked(self) -> Iterator[Finding]:
        """Rules that never count, since wherever they match others come before them: one alone, then several."""
        before, unknown = self._order()
        certain = self.space.certain & self.distinct
        waiting = []
        for rule in bits(self.space.possible & self.distinct):
            self.budget.spend(2)
            whole = self.relations.containing(rule, before[rule] & certain)
            if whole:
                yield self._masked(rule, [next(bits(whole))])
            else:
                waiting.append(rule)
        for rule in waiting:
            covers = self._covering(rule, self.relations.meeting(rule, before[rule] & certain))
            if covers:
                yield self._masked(rule, covers)
        met = [rule for rule in bits(unknown) if self.relations.meeting(rule, self.space.possible & self.distinct)]
        if met:
            message = f"whether {saying.named(met)} counts or is masked can't be told, as outputs are computed"
            yield self.finding(Severity.HINT, Aspect.UNKNOWN, message, met, "write outputs that are values")

    def _masked(self, rule: int, covers: list[int]) -> Finding:
        one = len(covers) == 1
        message = (
            f"rule {rule + 1} is masked: wherever it matches {saying.named(covers)} {_does(covers)}, too, and under "
            f"{self.policy} {'comes' if one else 'come'} before it"
        )
        order = "move it up" if self.policy == "FIRST" else "mend the order of the output values"
        alike = all(self.outputs.alike(rule, other) for other in covers)
        severity = Severity.HINT if alike else Severity.WARNING
        return self.finding(severity, Aspect.MASKED, message, [rule, *covers], f"{order}, or remove it")

    def _order(self) -> tuple[list[int], int]:
        """For each rule those that come before it, and the rules of which that can't be told."""
        if self.policy == "FIRST":
            return [(1 << rule) - 1 for rule in range(self.space.count)], 0
        keys = self.outputs.precedence()
        before, state, unknown = [0] * len(keys), 0, 0
        for _, rule in sorted((key, rule) for rule, key in enumerate(keys) if key is not None):
            before[rule] = state
            state |= 1 << rule
        for rule, key in enumerate(keys):
            if key is None:
                unknown |= 1 << rule
        return before, unknown & self.space.possible

    # -- all the others ----------------------------------------------------------------------------------------------

    def subsumed(self) -> Iterator[Finding]:
        """Rules that lie within another one, which does no harm here."""
        certain = self.space.certain & self.distinct
        for rule in bits(self.space.possible & self.distinct):
            self.budget.spend(2)
            others = list(bits(self.relations.containing(rule, certain)))
            if self.policy == "ANY":
                others = [other for other in others if self.outputs.alike(rule, other)]
            if others:
                message = f"wherever rule {rule + 1} matches {saying.named(others)} {_does(others)}, too"
                advice = f"remove rule {rule + 1} if it is not meant to match beside the other"
                yield self.finding(Severity.HINT, Aspect.SUBSUMED, message, [rule, *others], advice)


def _does(rules: list[int]) -> str:
    return "does" if len(rules) == 1 else "do"
