"""Values that no rule matches: as conditions that an author can write, and only where a gap matters."""

from __future__ import annotations

import random
import time

import pytest
from decision_tables import Column, file_of, found, found_in, kinds

from mlc.dmn import Kind
from mlc.dmn.analysis import Aspect, Severity, analyse

AUC = Column("auc", "number")
STAGE = Column("stage", "string", '"DEV","PROD"')


def test_a_gap_at_a_single_value_is_that_value() -> None:
    (finding,) = found([AUC], [["< 0.7", "false"], ["> 0.7", "true"]])
    assert finding.severity is Severity.WARNING
    assert finding.kind is Aspect.GAP
    assert finding.message == "auc = 0.7 lies in no rule"
    assert finding.values == (("auc", "0.7"),)
    assert finding.place.decision == "Verdict"
    assert finding.suggestion == "add a rule for it, or a default output"


def test_the_analysis_of_a_file_has_the_gaps_of_its_tables() -> None:
    findings = analyse(file_of([AUC], [["< 0.7", "false"], ["> 0.7", "true"]])).findings
    assert [finding.message for finding in findings if finding.kind is Aspect.GAP] == ["auc = 0.7 lies in no rule"]


def test_a_gap_in_several_columns_is_a_condition_on_each_that_matters() -> None:
    rows = [["< 0.7", "-", "-", "false"], ["[0.7..0.9)", '"DEV"', "-", "true"], [">= 0.9", "-", "-", "true"]]
    (finding,) = found([AUC, STAGE, "psi"], rows)
    assert finding.message == 'auc in [0.7..0.9) and stage = "PROD" lies in no rule'
    assert finding.values == (("auc", "[0.7..0.9)"), ("stage", '"PROD"'))


@pytest.mark.parametrize(
    ("column", "cells", "gap"),
    [
        (AUC, ["< 0.7"], ">= 0.7"),
        (AUC, [">= 0.7"], "< 0.7"),
        (AUC, ["[0..1]"], "< 0, > 1"),
        (AUC, ["< 1", "(1..2)", "> 2"], "1, 2"),
        (AUC, ["not(1)"], "1"),
        (AUC, ["? < 1"], ">= 1"),
        (Column("n", "integer"), ["<= 5", ">= 7"], "6"),
        (Column("n", "integer"), ["<= 5", ">= 9"], "[6..8]"),
        (Column("n", "integer"), ["<= 5.5", ">= 9.5"], "[6..9]"),
        (Column("ok", "boolean"), ["true"], "false"),
        (STAGE, ['"DEV"'], '"PROD"'),
        (Column("grade", "number", "[1..6]"), ["< 4"], "[4..6]"),
        (Column("grade", "integer", "1, 2, 5"), ["1"], "[2..5]"),
        (Column("day", "date"), ['< date("2026-01-01")', '> date("2026-01-03")'],
         '[date("2026-01-01")..date("2026-01-03")]'),
        (Column("day", "date"), ['<= date("2026-01-01")', '>= date("2026-01-03")'], 'date("2026-01-02")'),
        (Column("at", "time"), ['< time("12:00:00")'], '>= time("12:00:00")'),
        (Column("at", "dateTime"), ['> @"2026-01-01T12:00:00Z"'], '<= date and time("2026-01-01T12:00:00Z")'),
        (Column("age", "dayTimeDuration"), ['< @"P1D"', '> @"P1D"'], 'duration("P1D")'),
        (Column("age", "yearMonthDuration"), ['<= @"P1Y"', '>= @"P14M"'], 'duration("P1Y1M")'),
        (AUC, ["null", "< 1"], ">= 1"),
        (AUC, ["not(null)"], "null"),
        (AUC, ["? = null"], "not(null)"),
        (Column("x"), ["null"], "not(null)"),
        (Column("x"), ["< 1", '"a"'], '>= 1, < "a", > "a"'),
    ],
)  # fmt: skip
def test_a_gap_of_a_column_of_any_type_is_written_as_its_cell(column, cells, gap) -> None:
    findings = found([column], [[cell, "true"] for cell in cells])
    assert [finding.values for finding in findings] == [((column.text, gap),)]
    assert found([column], [[cell, "true"] for cell in [*cells, gap]]) == []


@pytest.mark.parametrize("policy", ["UNIQUE", "ANY", "FIRST", "PRIORITY"])
def test_a_gap_of_a_table_with_one_answer_is_told_whatever_its_rules_say(policy) -> None:
    priorities = '"low", "high"' if policy == "PRIORITY" else ""
    findings = found([AUC], [["< 0.7", '"low"']], policy, ["risk"], priorities=priorities)
    assert kinds(findings) == [("warning", "gap", ())]


@pytest.mark.parametrize("policy", ["UNIQUE", "ANY", "FIRST"])
def test_what_no_rule_matches_is_a_hint_where_all_rules_refuse(policy) -> None:
    (finding,) = found([AUC], [["< 0.7", "false"]], policy)
    assert (finding.severity, finding.kind) == (Severity.HINT, Aspect.GAP)
    assert finding.suggestion == "nothing, if all that the rules don't refuse is meant to pass"


@pytest.mark.parametrize("policy", ["COLLECT", "RULE ORDER", "OUTPUT ORDER"])
@pytest.mark.parametrize(
    ("answers", "told"),
    [(["false", "false"], 0), (['"no"', '"false"'], 0), (["false", "true"], 1), (['"true"', "false"], 1),
     (["auc > 0", "false"], 1)],
)  # fmt: skip
def test_a_list_of_failures_has_no_gaps_but_one_with_a_row_that_passes_has(policy, answers, told) -> None:
    priorities = 'false, true, "true", "no", "false"' if policy == "OUTPUT ORDER" else ""
    rows = [["< 0.5", answers[0]], ["[0.6..0.7]", answers[1]]]
    findings = [one for one in found([AUC], rows, policy, priorities=priorities) if one.kind is Aspect.GAP]
    assert kinds(findings) == [("warning", "gap", ())] * told


def test_a_list_without_a_verdict_has_no_gaps() -> None:
    assert found([AUC], [["< 0.5", '"low"']], "COLLECT", ["risk"]) == []


def test_a_default_output_fills_the_gaps() -> None:
    assert found([AUC], [["< 0.5", "true"]], default="false") == []


def test_null_is_a_gap_only_where_a_cell_names_it() -> None:
    assert found([AUC], [["< 0.5", "true"], [">= 0.5", "true"]]) == []
    assert found([Column("stage")], [['"null"', "true"], ['not("null")', "true"]]) == []
    (finding,) = found([AUC, "psi"], [["< 0.5", "-", "true"], [">= 0.5", "-", "true"], ["null", "< 1", "true"]])
    assert finding.values == (("auc", "null"), ("psi", ">= 1"))


def test_strings_that_nothing_names_are_a_hint_unless_the_column_says_which_there_are() -> None:
    rows = [['"DEV"', "true"], ['"PROD"', "true"]]
    assert found([STAGE], rows) == []
    (finding,) = found([Column("stage", "string")], rows)
    assert (finding.severity, finding.kind) == (Severity.HINT, Aspect.GAP)
    assert finding.message == 'stage is not("DEV", "PROD") lies in no rule'
    assert finding.suggestion == "list the allowed values of stage, or add a rule for every other string"
    assert found([Column("stage", "string")], [*rows, ['not("DEV", "PROD")', "true"]]) == []


def test_a_gap_for_a_string_that_a_column_names_comes_before_those_for_all_others() -> None:
    rows = [['"DEV"', "-", "true"], ['"PROD"', "< 0.7", "true"]]
    assert [(one.severity.value, one.values) for one in found([Column("stage", "string"), AUC], rows)] == [
        ("warning", (("stage", 'not("DEV")'), ("auc", ">= 0.7"))),
        ("hint", (("stage", 'not("DEV", "PROD")'),)),
    ]


def test_a_table_of_which_a_rule_matches_everything_has_no_gaps() -> None:
    assert found([AUC, STAGE], [["< 0.5", '"PROD"', "false"], ["-", "-", "true"]], "FIRST") == []


@pytest.mark.parametrize("rows", [[], [["[0.9..0.7]", "true"]]])
def test_a_table_of_which_no_rule_can_match_is_one_gap(rows) -> None:
    (finding,) = found([AUC], rows)
    assert finding.message == "every value lies in no rule"


def test_at_most_20_gaps_are_told_and_that_there_are_more_is_said() -> None:
    columns = [Column(f"x{n}", "boolean") for n in range(6)]
    rows = [[*("true" if number >> n & 1 else "false" for n in range(6)), "true"] for number in range(64)]
    even = [row for row in rows if row.count("true") % 2]
    findings = found(columns, even)
    assert len(findings) == 21
    assert [finding.kind for finding in findings] == [Aspect.GAP] * 20 + [Aspect.NOT_LISTED]
    assert "there are more gaps than these 20" in findings[-1].message
    assert len(found(columns, rows[:-20])) <= 20


@pytest.mark.parametrize(
    ("expression", "cells", "gaps"),
    [
        ("count(tags)", ["0", "> 0"], []),
        ("count(tags)", ["0", "1", "[2..3]", ">= 4"], []),
        ("count(tags)", ["0", "> 1"], ["count(tags) = 1 lies in no rule"]),
        ("count(tags[item > 0])", ["0", ">= 1"], []),
        ("string length(name)", ["< 3", "[4..9]"], ["string length(name) in (3, > 9) lies in no rule"]),
        ("abs(change)", ["0", ">= 0.5"], ["abs(change) in (0..0.5) lies in no rule"]),
        ("count(tags) - 1", [">= 0"], ["count(tags) - 1 < 0 lies in no rule"]),
        ("count(tags) - count(other)", [">= 0"], ["count(tags) - count(other) < 0 lies in no rule"]),
        ("(count(tags))", [">= 0"], ["(count(tags)) < 0 lies in no rule"]),
    ],
)
def test_what_a_function_that_counts_cannot_give_is_no_gap(expression, cells, gaps) -> None:
    findings = found([Column(expression, "number")], [[cell, "true"] for cell in cells])

    assert [one.message for one in findings if one.kind is Aspect.GAP] == gaps


def test_gaps_of_columns_that_depend_on_each_other_cannot_be_told() -> None:
    rows = [["< 5", "-", "true"], ["-", "> 10", "true"]]
    (finding,) = (one for one in found([AUC, Column("auc * 2", "number")], rows) if not one.rules)
    assert (finding.severity, finding.kind) == (Severity.HINT, Aspect.UNKNOWN)
    assert (
        "lies in no rule, as far as auc and auc * 2, which depend on each other, can be so at once" in finding.message
    )


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("? * 2 < 5", "it computes with the value"),
        ("modulo(?, 2) = 0", "it computes with the value"),
        ("< psi", "it depends on psi"),
        ("psi > 0.1 and f1 > 0.5", "it depends on f1, psi"),
        ("${auc < 0.7}", "it is a script"),
        ("> today()", "it depends on the clock"),
        ('> date("2026-01-01") + (now() - now())', "it depends on the clock"),
        ('? > 1 and today() > date("2026-01-01")', "it computes with the value"),
    ],
)
def test_a_cell_beyond_analysis_is_told_with_what_is_not_known_of_its_rule(cell, why) -> None:
    rows = [["< 0.7", "true"], [cell, "true"], [cell, "false"]]
    findings = found(
        [
            AUC,
        ],
        rows,
        "FIRST",
    )
    about = [one for one in findings if one.place.column]
    (finding,) = about
    assert (finding.severity, finding.kind, finding.rules) == (Severity.HINT, Aspect.UNKNOWN, (2, 3))
    assert (finding.place.rule, finding.place.column, finding.values) == (2, "auc", (("auc", cell),))
    assert finding.message.startswith(f"the cell {cell} is beyond analysis, since {why}")
    (gap,) = (one for one in findings if not one.place.rule)
    assert gap.message == "auc >= 0.7 may lie in no rule: only rules 2 and 3 may match there, which can't be told"
    assert (gap.severity, gap.kind) == (Severity.HINT, Aspect.UNKNOWN)


def test_a_cell_that_compares_the_value_with_constants_only_is_not_beyond_analysis() -> None:
    cells = ["? < 0.5", "? >= 0.5 and ? < 1 - 0.25", "not(? < 0.75) and ? <= 0.8", "if ? > 0.8 then true else false"]
    assert found([AUC], [[cell, "true"] for cell in cells]) == []


def test_a_column_of_lists_and_one_whose_allowed_values_are_computed_are_beyond_analysis() -> None:
    for column in (Column("tags", "list"), Column("name", "string", "string length(?) < 5")):
        findings = found([column], [['"a"', "true"], ['"b"', "true"]])
        assert [one for one in findings if one.kind is not Aspect.UNKNOWN] == []
        assert {one.rules for one in findings if one.place.rule} == {(1,), (2,)}


def test_a_gap_is_certain_where_no_rule_of_which_nothing_is_known_can_match() -> None:
    findings = found([AUC, STAGE], [["< 0.7", "-", "true"], ["? * 2 > 1", '"PROD"', "true"]])
    (gap,) = (one for one in findings if one.kind is Aspect.GAP)
    assert gap.values == (("auc", ">= 0.7"), ("stage", '"DEV"'))


def test_a_cell_that_does_not_compile_is_told_once() -> None:
    file = file_of([AUC], [["< 0.7", "true"], ["0.7 +", "true"]])
    (finding,) = found_in(file)
    assert "may lie in no rule" in finding.message
    assert [one.severity for one in analyse(file).findings if one.place.rule == 2 and one.kind is Kind.SYNTAX]


def random_table(rules: int, columns: int, tested: float, seed: int = 7) -> bytes:
    """Ranges of numbers in so large a part of the cells."""
    chance = random.Random(seed)

    def cell() -> str:
        if chance.random() >= tested:
            return "-"
        low, high = sorted(chance.sample(range(10_000), 2))
        return f"[{low}..{high})"

    rows = [[*(cell() for _ in range(columns)), chance.choice(["true", "false"])] for _ in range(rules)]
    return file_of([Column(f"x{n}", "number") for n in range(columns)], rows, "UNIQUE")


@pytest.mark.parametrize(
    ("rules", "columns", "tested"),
    [(1_000, 10, 1.0), (1_000, 10, 0.3), (1_000, 10, 0.1), (10_000, 3, 0.7), (20, 1_000, 1.0), (30, 1_000, 0.02)],
)
def test_a_large_table_is_analysed_soon(rules, columns, tested) -> None:
    file = random_table(rules, columns, tested)
    begin = time.process_time()
    findings = found_in(file)
    assert time.process_time() - begin < 20
    assert findings


def test_a_search_that_takes_too_many_steps_ends_early_and_says_so() -> None:
    """Whether such rules leave a gap is as hard as any question of logic: 60 columns, three tests a rule."""
    chance = random.Random(3)
    rows = []
    for _ in range(250):
        row = ["-"] * 60
        for n in chance.sample(range(60), 3):
            row[n] = chance.choice(["true", "false"])
        rows.append([*row, "true"])
    begin = time.process_time()
    findings = found([Column(f"x{n}", "boolean") for n in range(60)], rows, "FIRST")
    assert time.process_time() - begin < 20
    assert [one.message for one in findings if "ended early" in one.message]
    assert all(one.severity is Severity.HINT for one in findings if "ended early" in one.message)


@pytest.mark.parametrize(
    ("kind", "allowed", "cell"),
    [("number", "[2..1]", "> 1"), ("dateTime", "null", "? > 1"), ("string", "1, 2", '"a"'), ("date", '"a"', "not(1)")],
)
def test_a_column_that_no_value_can_have_is_told_and_has_no_gaps(kind: str, allowed: str, cell: str) -> None:
    rows = [["> 1", cell, "true"], ["< 1", cell, "false"]]
    findings = found(["auc", Column("stage", kind, allowed)], rows)
    assert [(one.kind, one.place.column) for one in findings] == [(Aspect.NEVER_MET, "stage")]
