"""Overlaps, masked and duplicate rules, and gaps of random tables, against the same found by brute force: a copy of the
table that collects the numbers of all rules that match is evaluated at every point.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple

import pytest
from decision_tables import Column, file_of, found_in
from dmn_text import decision, dmn
from hypothesis import given
from hypothesis import strategies as st
from property_settings import examples

import mlc.dmn
from mlc.dmn.analysis import Aspect, Finding, Severity
from mlc.dmn.analysis.rules import relations, space

ABOUT_RULES = {Aspect.OVERLAP, Aspect.MASKED, Aspect.DUPLICATE_RULE, Aspect.SUBSUMED}


class Kind(NamedTuple):
    """A kind of column: how it is declared, the cells that it may have, and all points that matter to these."""

    column: Column
    cells: list[str]
    points: list[Any]
    others: list[Any] = []  # strings that no cell names


def _column(name: str, kind: Kind) -> Column:
    return kind.column._replace(text=name)


NUMERIC = ["< 2", "<= 2", "> 3", ">= 4", "[1..3]", "(1..3)", "[2..2]", "]3..5]", "(5..3)", "4", "1, 3", "not(2)",
           "not([1..3], 5)", "< 1, > 4", "? < 3", "? >= 1 and ? < 3", "? in [2..4]", "(< 2)", "[1, 2]",
           "1 + 1"]  # fmt: skip
WORDS = ['"a"', '"b"', '"a", "b"', 'not("a")', 'not("a", "b")', '? = "b"', '"c"', '? != "a"']
ORDERED_WORDS = [*WORDS, '> "a"', '<= "b"', '["a".."c")']
KINDS = [
    Kind(Column("", "integer"), NUMERIC, list(range(7))),
    Kind(Column("", "number"), NUMERIC, [Decimal(n) / 2 for n in range(1, 12)]),
    Kind(Column("", "double", "[1..4]"), NUMERIC, [Decimal(n) / 2 for n in range(2, 9)]),
    Kind(Column("", "integer", "0, 2, 3"), NUMERIC, [0, 2, 3]),
    Kind(Column("", "number"), [*NUMERIC, "null", "not(null)", "null, 3"], [Decimal(n) / 2 for n in range(1, 12)]),
    Kind(Column(""), NUMERIC, [Decimal(n) / 2 for n in range(1, 12)]),
    Kind(Column("", "boolean"), ["true", "false", "not(true)", "true, false", "? = true"], [True, False]),
    Kind(Column("", "boolean"), ["true", "null", "not(null)"], [True, False]),
    Kind(Column("", "string", '"a","b","c"'), WORDS, ["a", "b", "c"]),
    Kind(Column("", "string"), ORDERED_WORDS, ["a", "b", "c"], ["", "aa", "bb", "cc", "zzz"]),
    Kind(Column("", "string"), [*WORDS, "null", "not(null)"], ["a", "b", "c"], ["", "aa", "bb", "cc", "zzz"]),
    Kind(Column("", "date"),
         ['< date("2026-01-02")', '[date("2026-01-02")..date("2026-01-04"))', 'date("2026-01-03")', '> @"2026-01-04"'],
         [f"2026-01-0{day}" for day in range(1, 8)]),
    Kind(Column("", "time"),
         ['< time("10:00:00")', '[time("10:00:00")..time("12:00:00"))', '> time("10:00:00")'],
         ["00:00:00", "09:59:59", "10:00:00", "11:00:00", "12:00:00", "23:00:00"]),
    Kind(Column("", "years and months duration"),
         ['< duration("P1Y")', '[duration("P1Y")..duration("P14M"))', '>= duration("P14M")', '> duration("P13M")'],
         ["P11M", "P1Y", "P13M", "P14M", "P20M"]),
]  # fmt: skip
#: Columns with cells that are beyond analysis; x0 is the first column of the table.
BEYOND = [
    Kind(Column("", "integer"), [*NUMERIC, "? * 2 < 5", "< x0", "x0 > 2", "[1..x0]"], list(range(7))),
    Kind(Column("", "number", "[1..4]"), [*NUMERIC, "? - 1 > 2", "modulo(?, 2) = 0"],
         [Decimal(n) / 2 for n in range(2, 9)]),
    Kind(Column("", "string"), [*WORDS, "string length(?) > 1", 'starts with(?, "b")'],
         ["a", "b", "c"], ["", "aa", "bb", "cc", "zzz"]),
    Kind(Column("", "string", 'string length(?) < 2'), WORDS, ["a", "b", "c", ""]),
]  # fmt: skip
POLICIES = ["UNIQUE", "ANY", "FIRST", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER"]


class Table(NamedTuple):
    """A random table; the output of each row is one of three."""

    kinds: list[Kind]
    rows: list[list[str]]
    answers: list[str]
    policy: str

    def names(self) -> list[str]:
        return [f"x{index}" for index in range(len(self.kinds))]

    def file(self, policy: str, outputs: Sequence[str], rows: Sequence[Sequence[str]] | None = None) -> bytes:
        columns = [_column(name, kind) for name, kind in zip(self.names(), self.kinds, strict=True)]
        rows = self.rows if rows is None else rows
        lines = [[*row, output] for row, output in zip(rows, outputs, strict=True)]
        ordered = '"true", "false", "maybe"' if policy in ("PRIORITY", "OUTPUT ORDER") else ""
        return file_of(columns, lines, policy, priorities=ordered)

    def values(self, index: int) -> list[Any]:
        """The values that a column can have: null where one of its cells names it."""
        kind = self.kinds[index]
        null = [None] if any("null" in row[index] for row in self.rows) else []
        return [*kind.points, *kind.others, *null]

    def names_text(self, index: int, value: str) -> bool:
        return any(f'"{value}"' in row[index] for row in self.rows)

    def points(self) -> list[tuple[Any, ...]]:
        return list(product(*(self.values(index) for index in range(len(self.kinds)))))

    def matched(self, rows: Sequence[Sequence[str]] | None = None) -> list[set[tuple[Any, ...]]]:
        """For each rule the points that it matches, as the engine says."""
        rows = self.rows if rows is None else rows
        model = mlc.dmn.load(self.file("COLLECT", [str(number) for number in range(len(rows))], rows))
        found: list[set[tuple[Any, ...]]] = [set() for _ in rows]
        for point in self.points():
            evaluation = model.evaluate(dict(zip(self.names(), point, strict=True)))
            for rule in evaluation.matched_rules:
                found[rule.index - 1].add(point)
        return found


def tables(policies: Sequence[str], kinds: Sequence[Kind] = KINDS, most: int = 5) -> st.SearchStrategy[Table]:
    def of(kinds: list[Kind]) -> st.SearchStrategy[Table]:
        row = st.tuples(*(st.one_of(st.just("-"), st.sampled_from(kind.cells)) for kind in kinds)).map(list)
        answers = st.sampled_from(['"true"', '"false"', '"maybe"'])
        rules = st.lists(st.tuples(row, answers), min_size=1, max_size=most)
        return st.builds(
            lambda rules, policy: Table(kinds, [r for r, _ in rules], [a for _, a in rules], policy),
            rules,
            st.sampled_from(policies),
        )

    return st.lists(st.sampled_from(kinds), min_size=1, max_size=3).flatmap(of)


def told(table: Table, aspects: set[Aspect]) -> list[Finding]:
    findings = found_in(table.file(table.policy, table.answers))
    assert not [finding for finding in findings if finding.kind is Aspect.UNKNOWN]
    return [finding for finding in findings if finding.kind in aspects]


def expected(table: Table, sets: list[set[Any]]) -> set[tuple[str, str, tuple[int, ...]]]:
    """Severity, aspect and rules of the findings about rules that brute force gives; of MASKED by several rules, and of
    what several cover together, the rule alone.
    """
    answers, wanted = table.answers, set()
    first = [next(n for n, other in enumerate(sets) if other == one) for one in sets]
    alive = [n for n, one in enumerate(sets) if one]
    distinct = [n for n in alive if first[n] == n]
    order = {"PRIORITY": lambda n: (['"true"', '"false"', '"maybe"'].index(answers[n]), n)}.get(
        table.policy, lambda n: n
    )

    def add(severity: str, aspect: Aspect, *rules: int) -> None:
        wanted.add((severity, aspect.value, tuple(sorted(rule + 1 for rule in rules))))

    for n in alive:
        if first[n] != n:
            same = answers[n] == answers[first[n]]
            severity = {"UNIQUE": "error", "ANY": "hint" if same else "error"}.get(table.policy, "hint")
            if table.policy in ("FIRST", "PRIORITY") and not same:
                severity = "warning"
            add(severity, Aspect.DUPLICATE_RULE, n, first[n])
    for n in alive:
        for m in alive:
            if n >= m or first[n] == first[m] or not sets[n] & sets[m]:
                continue
            inside = sets[n] <= sets[m] or sets[m] <= sets[n]
            if (table.policy == "UNIQUE" and n in distinct and m in distinct) or (
                table.policy == "ANY" and answers[n] != answers[m]
            ):
                add("error" if inside else "warning", Aspect.OVERLAP, n, m)
    for n in distinct:
        around = [m for m in distinct if m != n and sets[n] <= sets[m]]
        if table.policy == "ANY":
            around = [m for m in around if answers[m] == answers[n]]
        if table.policy in ("ANY", "COLLECT", "RULE ORDER", "OUTPUT ORDER") and around:
            add("hint", Aspect.SUBSUMED, n, *around)
        if table.policy == "UNIQUE" and not around:
            others = set().union(*(sets[m] for m in distinct if m != n))
            if sets[n] <= others:
                add("error", Aspect.OVERLAP, n)
        if table.policy in ("FIRST", "PRIORITY"):
            before = [m for m in distinct if order(m) < order(n)]
            if sets[n] <= set().union(*(sets[m] for m in before)):
                add("", Aspect.MASKED, n)
    return wanted


@examples(250)
@given(tables(POLICIES))
def test_what_is_told_about_rules_is_what_brute_force_finds(table) -> None:
    sets = table.matched()
    wanted = expected(table, sets)
    heard = set()
    for finding in told(table, ABOUT_RULES):
        rules = finding.rules
        covers = [rule for rule in rules if finding.place.rule != rule]
        if finding.kind is Aspect.MASKED or (finding.kind is Aspect.OVERLAP and len(rules) > 2):
            assert sets[finding.place.rule - 1] <= set().union(*(sets[rule - 1] for rule in covers))
            rules = (finding.place.rule,)
        severity = finding.severity.value
        if finding.kind is Aspect.MASKED:
            alike = {table.answers[rule - 1] for rule in covers} == {table.answers[finding.place.rule - 1]}
            assert severity == ("hint" if alike else "warning")
            severity = ""
        heard.add((severity, finding.kind.value, rules))
    assert heard == wanted


@examples(150)
@given(tables(["UNIQUE", "ANY"]))
def test_the_values_of_an_overlap_lie_in_both_rules(table) -> None:
    numbered = [str(number) for number in range(1, len(table.rows) + 1)]
    model = mlc.dmn.load(table.file("COLLECT", numbered))
    for finding in told(table, {Aspect.OVERLAP}):
        if len(finding.rules) == 2:
            point = {name: table.values(index)[0] for index, name in enumerate(table.names())}
            for index, (name, kind) in enumerate(zip(table.names(), table.kinds, strict=True)):
                text = dict(finding.values).get(name)
                if text is None:
                    continue
                if kind.others and not text.startswith('"'):  # no string is named, but strings that are not
                    (region,) = table.matched([["-"] * index + [text] + ["-"] * (len(table.kinds) - index - 1)])
                    point[name] = next(iter(region))[index]
                else:
                    point[name] = mlc.dmn.load(dmn(decision("V", text))).evaluate({}).result
            matched = [rule.index for rule in model.evaluate(point).matched_rules]
            assert set(finding.rules) <= set(matched), (finding, point)


def region_of(table: Table, finding: Finding) -> set[Any]:
    """The points that lie in the values of a finding."""
    cells = dict(finding.values)
    (region,) = table.matched([[cells.get(name, "-") for name in table.names()]])
    return region


def check_gaps(table: Table) -> None:
    matched = set().union(*table.matched())
    free = set(table.points()) - matched
    covered: set[Any] = set()
    findings = told(table, {Aspect.GAP, Aspect.NOT_LISTED})
    gaps = [finding for finding in findings if finding.kind is Aspect.GAP]
    assert len(gaps) <= 20
    for finding in gaps:
        region = region_of(table, finding)
        assert region, finding
        assert region <= free, finding
        sides = [{point[index] for point in region} for index in range(len(table.kinds))]
        for index in range(len(sides)):
            for value in set(table.values(index)) - sides[index]:
                wider = [*sides]
                wider[index] = {value}
                assert set(product(*wider)) & matched, f"{finding} is not maximal in {table.names()[index]}"
        unnamed = any(
            sides[n] <= {value for value in table.values(n) if value and not table.names_text(n, value)} | {""}
            for n, kind in enumerate(table.kinds)
            if kind.others and any(row[n] != "-" for row in table.rows)
        )
        assert finding.severity is (Severity.HINT if unnamed else Severity.WARNING)
        covered |= region
    assert (len(gaps) == len(findings)) == (covered == free)


@examples(250)
@given(tables(["FIRST"]).filter(lambda table: '"true"' in table.answers))
def test_the_gaps_that_are_told_are_maximal_and_are_all_that_no_rule_matches(table) -> None:
    check_gaps(table)


@examples(60)
@given(tables(["COLLECT", "RULE ORDER", "OUTPUT ORDER"]))
def test_a_table_that_lists_rules_has_gaps_only_if_one_of_them_passes(table) -> None:
    if '"true"' in table.answers:
        check_gaps(table)
    else:
        assert not told(table, {Aspect.GAP})


@examples(200)
@given(tables(POLICIES, [*BEYOND, *BEYOND, KINDS[1], KINDS[7]]))
def test_nothing_wrong_is_told_where_cells_are_beyond_analysis(table) -> None:
    sets = table.matched()
    matched = set().union(*sets)
    findings = found_in(table.file(table.policy, table.answers))
    possible = set()
    for finding in findings:
        here = sets[finding.place.rule - 1] if finding.place.rule else set()
        others = [sets[rule - 1] for rule in finding.rules if rule != finding.place.rule]
        match finding.kind:
            case Aspect.GAP:
                assert not region_of(table, finding) & matched
                possible |= region_of(table, finding)
            case Aspect.OVERLAP if len(others) == 1 and finding.severity is Severity.WARNING:
                assert here & others[0], finding
            case Aspect.OVERLAP | Aspect.MASKED:
                assert here <= set().union(*others), finding
            case Aspect.DUPLICATE_RULE:
                assert here == others[0], finding
            case Aspect.SUBSUMED:
                assert all(here <= other for other in others), finding
            case Aspect.UNKNOWN if not finding.place.rule:
                assert "may lie in no rule" in finding.message
                possible |= region_of(table, finding)
    unknown = {rule for finding in findings if finding.kind is Aspect.UNKNOWN for rule in finding.rules}
    strange = {text for kind in BEYOND for text in kind.cells if text not in (*NUMERIC, *WORDS)}
    for number, row in enumerate(table.rows, 1):
        assert number in unknown or not strange & set(row)
    several = [finding for finding in findings if "may lie in no rule" in finding.message]
    listed = not [finding for finding in findings if finding.kind is Aspect.NOT_LISTED] and len(several) < 5
    if listed and (table.policy not in ("COLLECT", "RULE ORDER", "OUTPUT ORDER") or '"true"' in table.answers):
        assert set(table.points()) - matched <= possible


@examples(150)
@given(tables(POLICIES, most=8))
def test_tables_with_many_values_are_searched_in_another_way_with_the_same_result(table) -> None:
    file = table.file(table.policy, table.answers)
    wanted = found_in(file)
    with pytest.MonkeyPatch.context() as patch:  # the bounds above which a table counts as one with many
        patch.setattr(relations, "_FEW", 0)
        patch.setattr(space, "_BITS", 0)
        heard = found_in(file)
    about_rules = [finding for finding in wanted if finding.kind is not Aspect.GAP]
    assert [finding for finding in heard if finding.kind is not Aspect.GAP] == about_rules
    gaps = [finding for finding in heard if finding.kind is Aspect.GAP]
    assert bool(gaps) == any(finding.kind is Aspect.GAP for finding in wanted)
    if gaps:
        matched = set().union(*table.matched())
        assert not any(region_of(table, finding) & matched for finding in gaps)
