"""Rules that match the same values: told where the hit policy makes something of it, and nowhere else."""

from __future__ import annotations

import pytest
from decision_tables import Column, found, kinds
from dmn_text import input_data, item

from mlc.dmn.analysis import Aspect, Severity

AUC = Column("auc", "number")
STAGE = Column("stage", "string", '"DEV","PROD"')
LISTS = ["COLLECT", "RULE ORDER", "OUTPUT ORDER"]


def test_two_rules_that_share_an_end_overlap_under_unique_and_how_to_part_them_is_said() -> None:
    (finding,) = found([AUC], [["< 0.7", "false"], ["[0.7..0.9]", "false"], [">= 0.9", "true"]])
    assert finding.severity is Severity.WARNING
    assert finding.kind is Aspect.OVERLAP
    assert finding.rules == (2, 3)
    assert finding.values == (("auc", "0.9"),)
    assert finding.place.decision == "Verdict"
    assert finding.place.rule == 2
    assert finding.message == "rules 2 and 3 overlap, at auc = 0.9, and UNIQUE allows one rule only"
    assert finding.suggestion == "take auc = 0.9, which both accept, out of one of them"


def test_an_overlap_of_several_columns_names_a_point_of_each_that_counts() -> None:
    findings = found(
        [AUC, STAGE, "psi"],
        [["> 0.5", '"PROD"', "-", "true"], ["<= 0.8", "-", "-", "true"], ["> 0.8", '"DEV"', "-", "true"]],
    )
    (finding,) = (finding for finding in findings if finding.kind is Aspect.OVERLAP)
    assert finding.values == (("auc", "0.65"), ("stage", '"PROD"'))
    assert 'for example at auc = 0.65 and stage = "PROD"' in finding.message


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (AUC, ["< 0.7", "[0.7..0.9)", ">= 0.9"]),
        (Column("n", "integer"), ["<= 5", ">= 6"]),
        (Column("n", "long"), ["< 5", "(4..6)", "> 5"]),
        (STAGE, ['"DEV"', 'not("DEV")']),
        (Column("ok", "boolean"), ["true", "false"]),
        (Column("day", "date"), ['< date("2026-01-01")', '>= date("2026-01-01")']),
        (Column("day", "date"), ['<= date("2026-01-01")', '>= @"2026-01-02"']),
        (Column("at", "time"), ['< time("12:00:00")', '>= time("12:00:00")']),
        (Column("at", "dateTime"), ['< date and time("2026-01-01T00:00:00Z")', '>= @"2026-01-01T00:00:00Z"']),
        (Column("age", "dayTimeDuration"), ['< duration("P30D")', '>= duration("PT720H")']),
        (Column("age", "yearMonthDuration"), ['<= duration("P11M")', '>= duration("P1Y")']),
        (Column("auc", "number"), ["? < 0.5", "? >= 0.5 and ? < 0.7", "not(? < 0.7)"]),
        (Column("auc", "number"), ["null", "< 1", ">= 1"]),
        (Column("grade", "number", "[1..6]"), ["[1..4]", "(4..6]"]),
        (Column("grade", "number", "1, 2, 3"), ["1, 2", "3"]),
    ],
)  # fmt: skip
def test_rules_that_part_a_column_between_them_neither_overlap_nor_leave_a_gap(column, cells) -> None:
    assert found([column], [[cell, "true"] for cell in cells]) == []


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (AUC, ["<= 0.7", ">= 0.7"]),
        (Column("n", "integer"), ["<= 6", "(5..9)"]),
        (STAGE, ['"DEV","PROD"', '"PROD"']),
        (STAGE, ["-", '"PROD"']),
        (Column("ok", "boolean"), ["true", "not(false)"]),
        (Column("day", "date"), ['<= date("2026-01-01")', '["2025-01-01".."2026-01-01"], @"2026-01-01"']),
        (Column("at", "dateTime"), ['<= @"2026-01-01T01:00:00+01:00"', '>= @"2026-01-01T00:00:00Z"']),
        (Column("age", "dayTimeDuration"), ['<= duration("P1D")', '>= duration("PT24H")']),
        (AUC, ["? <= 0.7", "[0.7..0.9]"]),
        (AUC, ["null", "not(0.7)"]),
        (Column("x"), ["1", "not(2)"]),
        (Column("x"), ['"a"', '>= "a"']),
    ],
)  # fmt: skip
def test_rules_of_a_column_of_any_type_that_share_a_value_overlap(column, cells) -> None:
    aspects = {finding.kind for finding in found([column], [[cell, "true"] for cell in cells])}
    assert aspects & {Aspect.OVERLAP, Aspect.DUPLICATE_RULE}


def test_a_rule_that_lies_within_another_is_an_error_under_unique() -> None:
    findings = found([AUC], [["< 0.7", "false"], [">= 0.7", "true"], ["> 0.9", "true"]])
    assert kinds(findings) == [("error", "overlap", (2, 3))]
    assert findings[0].place.rule == 3
    assert "all that rule 3 matches rule 2 matches, too" in findings[0].message


def test_a_rule_that_several_others_cover_is_an_error_under_unique_beside_their_overlaps() -> None:
    findings = found([AUC], [["< 0.7", "false"], [">= 0.7", "true"], ["[0.6..0.8]", "true"]])
    assert kinds(findings) == [
        ("error", "overlap", (1, 2, 3)), ("warning", "overlap", (1, 3)), ("warning", "overlap", (2, 3))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "answers", "severity"),
    [
        ("UNIQUE", ("true", "true"), "error"),
        ("ANY", ("true", "false"), "error"),
        ("ANY", ("true", "true"), "hint"),
        ("ANY", ("true", "auc > 1"), "hint"),
        ("FIRST", ("true", "false"), "warning"),
        ("FIRST", ("true", "true"), "hint"),
        ("FIRST", ("true", "auc > 1"), "warning"),
        ("PRIORITY", ("false", "true"), "warning"),
        ("PRIORITY", ("auc > 1", "true"), "hint"),
        *((policy, ("true", "false"), "hint") for policy in LISTS),
    ],
)
def test_rules_with_the_same_conditions_are_told_under_every_hit_policy(policy, answers, severity) -> None:
    rows = [["< 0.7", answers[0]], [">=0.7", "false"], ["? < 0.70", answers[1]]]
    findings = [
        finding
        for finding in found(
            [AUC], rows, policy, priorities="true, false" if policy in ("PRIORITY", "OUTPUT ORDER") else ""
        )
        if finding.kind is Aspect.DUPLICATE_RULE
    ]
    assert kinds(findings) == [(severity, "duplicate_rule", (1, 3))]
    assert ("if it is not meant to answer beside rule 1" in findings[0].suggestion) == (policy in LISTS)


def test_which_of_two_rules_with_the_same_conditions_never_counts_is_said() -> None:
    (finding,) = found([AUC], [["-", "false"], ["-", "true"]], "PRIORITY", priorities="true, false")
    assert "under PRIORITY rule 1 never counts" in finding.message
    (finding,) = found([AUC], [["-", "false"], ["-", "true"]], "FIRST")
    assert "under FIRST rule 2 never counts" in finding.message


def test_under_any_rules_overlap_only_where_they_answer_differently() -> None:
    rows = [["<= 0.7", '"a"', "1"], ["[0.5..0.8]", '"a"', "1.0"], ["> 0.6", '"b"', "1"]]
    findings = found([AUC], rows, "ANY", ["reason", "score"])
    assert kinds(findings) == [("warning", "overlap", (1, 3)), ("warning", "overlap", (2, 3))]
    assert 'ANY does not allow different outputs: "a", 1 and "b", 1' in findings[0].message


def test_under_any_whether_computed_outputs_differ_cannot_be_told_unless_constant_ones_do() -> None:
    rows = [["<= 0.7", "auc", "1"], ["(0.5..0.9)", "0.6", "1"], ["> 0.6", "auc * 1", "2"]]
    assert kinds(found([AUC], rows, "ANY", ["score", "group"])) == [
        ("warning", "overlap", (1, 3)), ("warning", "overlap", (2, 3)), ("hint", "cannot_tell", (1, 2))
    ]  # fmt: skip


def test_a_rule_behind_one_that_matches_all_of_it_is_masked_under_first() -> None:
    findings = found([AUC, STAGE], [["-", '"PROD"', "false"], ["< 0.7", '"PROD"', "true"], ["-", "-", "true"]], "FIRST")
    assert kinds(findings) == [("warning", "masked", (1, 2))]
    assert findings[0].place.rule == 2
    assert "rule 2 is masked: wherever it matches rule 1 does, too" in findings[0].message
    assert findings[0].suggestion == "move it up, or remove it"


def test_a_rule_behind_several_that_match_all_of_it_together_is_masked_under_first() -> None:
    rows = [["< 0.7", "-", "false"], [">= 0.7", '"PROD"', "false"], ["-", '"PROD"', "true"], ["-", "-", "true"]]
    assert kinds(found([AUC, STAGE], rows, "FIRST")) == [("warning", "masked", (1, 2, 3))]


def test_a_masked_rule_that_answers_the_same_is_a_hint() -> None:
    assert kinds(found([AUC], [["-", "true"], ["> 0.7", "true"]], "FIRST")) == [("hint", "masked", (1, 2))]


def test_an_exception_in_front_of_the_rule_is_what_first_is_for() -> None:
    assert found([AUC], [["< 0.7", "false"], ["< 0.9", "true"], ["-", "true"]], "FIRST") == []


def test_priority_masks_by_the_order_of_the_output_values_wherever_the_rules_stand() -> None:
    rows = [["< 0.5", '"accept"'], ["< 0.7", '"refuse"'], ["-", '"accept"']]
    (finding,) = found([AUC], rows, "PRIORITY", ["action"], priorities='"refuse","accept"')
    assert kinds([finding]) == [("warning", "masked", (1, 2))]
    assert finding.place.rule == 1
    assert found([AUC], rows, "PRIORITY", ["action"], priorities='"accept","refuse"') == [
        finding for finding in found([AUC], rows, "PRIORITY", ["action"], priorities='"accept","refuse"')
        if finding.rules == (2, 3)
    ]  # fmt: skip


def test_what_priority_makes_of_computed_outputs_cannot_be_told() -> None:
    rows = [["< 0.5", 'if auc < 0.1 then "refuse" else "accept"'], ["-", '"accept"']]
    findings = found([AUC], rows, "PRIORITY", ["action"], priorities='"refuse","accept"')
    assert kinds(findings) == [("hint", "cannot_tell", (1,))]


@pytest.mark.parametrize("policy", LISTS)
def test_overlaps_are_by_design_where_all_rules_that_match_are_listed_and_subsumption_is_a_hint(policy) -> None:
    priorities = "false, true" if policy == "OUTPUT ORDER" else ""
    assert found([AUC], [["<= 0.7", "false"], ["> 0.6", "false"]], policy, priorities=priorities) == []
    findings = found([AUC], [["<= 0.7", "false"], ["< 0.5", "false"]], policy, priorities=priorities)
    assert kinds(findings) == [("hint", "subsumed", (1, 2))]
    assert findings[0].place.rule == 2


def test_a_rule_that_nothing_meets_is_in_no_finding_about_rules() -> None:
    """`[0.9..0.7]` overlaps nothing and fills no gap, whatever else is said of it."""
    findings = found([AUC], [["[0.9..0.7]", "true"], ["-", "true"], ["[0.9..0.7]", "true"]])
    assert [finding for finding in findings if finding.kind in (Aspect.OVERLAP, Aspect.DUPLICATE_RULE)] == []


def test_two_columns_with_one_expression_are_one_value() -> None:
    columns = [Column("auc", "number", label="low"), Column("auc", "number", label="high")]
    assert found(columns, [[">= 0", "< 0.7", "true"], [">= 0.7", "-", "true"], ["< 0", "-", "true"]]) == []


def test_columns_that_depend_on_each_other_are_not_taken_for_independent() -> None:
    rows = [["< 5", "> 10", "true"], ["-", "<= 10", "true"], [">= 5", "> 10", "true"], ["< 2", "> 12", "true"]]
    findings = found([Column("auc", "number"), Column("auc * 2", "number")], rows[:3])
    assert findings == []
    findings = found([Column("auc", "number"), Column("auc * 2", "number")], [*rows[1:3], ["> 4", "> 9", "true"]])
    (finding,) = (finding for finding in findings if finding.rules == (1, 3))
    assert finding.severity is Severity.HINT
    assert finding.kind is Aspect.UNKNOWN
    assert "as far as auc and auc * 2, which depend on each other, can be so at once" in finding.message


def test_parts_of_one_context_are_independent_of_each_other_but_not_of_the_whole() -> None:
    rows = [["< 5", "< 5", "true"], [">= 5", "-", "true"], ["< 6", "> 4", "true"]]
    aspects = {finding.kind for finding in found(["loan.amount", "loan.term"], rows)}
    assert aspects == {Aspect.OVERLAP}


@pytest.mark.parametrize("reference", ["Stage", "Kind of stage"])
def test_the_values_that_the_type_of_an_input_allows_are_its_domain(reference) -> None:
    types = [
        item("Stage", '<typeRef>string</typeRef><allowedValues><text>"DEV","PROD"</text></allowedValues>'),
        item("Kind of stage", "Stage"),
    ]
    rows = [['"DEV"', "true"], ['not("DEV")', "true"]]
    assert found([Column("stage", reference)], rows, elements=types) == []
    (finding,) = found([Column("stage", reference)], rows[:1], elements=types)
    assert finding.values == (("stage", '"PROD"'),)
    assert finding.severity is Severity.WARNING
    declared = [*types, input_data("stage", reference)]
    (finding,) = found(["stage"], [['"DEV"', "true"], ['not("DEV", "PROD")', "false"]], elements=declared)
    assert finding.values == (("stage", '"PROD"'),)


def test_at_most_20_findings_of_a_kind_are_listed_and_that_there_are_more_is_said() -> None:
    findings = found([AUC], [[f"[{n}..100]", "true"] for n in range(10)], "UNIQUE")
    assert len(findings) == 22
    assert [finding.kind for finding in findings if finding.kind is not Aspect.OVERLAP] == [
        Aspect.GAP,
        Aspect.NOT_LISTED,
    ]


def _many(rows: int) -> list[list[str]]:
    """Rules of which each overlaps the next one, without lying in it, and answers differently."""
    return [[f"[{number}..{number + 1}]", '"a"' if number % 2 else '"b"'] for number in range(rows)]


def test_an_error_is_told_behind_any_number_of_warnings_of_its_kind() -> None:
    rows = [*_many(60), ["[500..600]", '"a"'], ["[510..520]", '"b"']]
    findings = found([AUC], rows, "ANY", outputs=("answer",))
    assert [finding.rules for finding in findings if finding.severity is Severity.ERROR] == [(61, 62)]
    overlaps = [finding for finding in findings if finding.kind is Aspect.OVERLAP]
    assert [finding.severity for finding in overlaps] == [Severity.ERROR] + [Severity.WARNING] * 20
    assert Aspect.NOT_LISTED in [finding.kind for finding in findings]


@pytest.mark.parametrize(
    ("policy", "worse"), [("ANY", Severity.ERROR), ("FIRST", Severity.WARNING), ("PRIORITY", Severity.WARNING)]
)
def test_a_duplicate_with_another_answer_is_told_behind_any_number_with_the_same(policy: str, worse: Severity) -> None:
    rows = [[str(number), '"a"'] for number in range(30) for _ in range(2)] + [["99", '"a"'], ["99", '"b"']]
    findings = found([AUC], rows, policy, outputs=("answer",), priorities='"a", "b"')
    assert [finding.rules for finding in findings if finding.severity is worse and len(finding.rules) > 1] == [(61, 62)]


def test_a_masked_rule_with_another_answer_is_told_behind_any_number_with_the_same() -> None:
    rows = [["< 100", '"a"'], *([f"[{number}..{number + 1}]", '"a"'] for number in range(30)), ["50", '"b"']]
    findings = found([AUC], rows, "FIRST", outputs=("answer",))
    assert (Severity.WARNING, (1, 32)) in [(finding.severity, finding.rules) for finding in findings]
