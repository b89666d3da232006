"""`mlc dmn test`: which rules and cells the cases reach, by the engine's own answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from case_files import Cases
from dmn_text import decision, dmn, input_data, knowledge_model
from hypothesis import given
from hypothesis import strategies as st

import mlc.dmn
from mlc.dmn.observation import Observation

ROWS = [["< 0.5", "-", "1"], ["< 0.8", "> 0", "2"], ["-", "> 5", "3"]]


@pytest.fixture
def model(tmp_path: Path, table: Callable[..., bytes]) -> Callable[..., Cases]:
    def make(policy: str, rows: list[list[str]] = ROWS, extra: str = "") -> Cases:
        (tmp_path / "t.dmn").unlink(missing_ok=True)
        return Cases(tmp_path, table([("a", "number"), ("b", "number")], ["n"], rows, policy, extra))

    return make


def cases(*pairs: tuple[float, float]) -> list[dict[str, Any]]:
    """Cases that are not meant to pass: what they reach counts all the same."""
    return [{"inputs": {"a": a, "b": b}, "expected": "nothing"} for a, b in pairs]


def covered(record: Any) -> Any:
    return record["coverage"]["tables"][0]


def test_a_rule_that_matches_and_does_not_count_is_told_from_one_that_never_matches(
    model: Callable[..., Cases],
) -> None:
    table = covered(model("FIRST").record(cases((0.1, 1))))
    assert (table["never_matched"], table["never_counted"]) == ([3], [2])
    assert table["rules"] == {"covered": 1, "total": 3, "percent": 33.3}
    table = covered(model("COLLECT").record(cases((0.1, 1))))
    assert (table["never_matched"], table["never_counted"]) == ([3], [])
    assert table["rules"]["covered"] == 2


def test_under_priority_the_rule_with_the_highest_output_counts(tmp_path: Path, definitions: Any) -> None:
    body = (
        '<decision id="x" name="x"><decisionTable hitPolicy="PRIORITY"><input label="a"><inputExpression '
        'typeRef="number"><text>a</text></inputExpression></input><output name="n" typeRef="string"><outputValues>'
        '<text>"high","low"</text></outputValues></output>'
        '<rule><inputEntry><text>&lt; 5</text></inputEntry><outputEntry><text>"low"</text></outputEntry></rule>'
        '<rule><inputEntry><text>&lt; 9</text></inputEntry><outputEntry><text>"high"</text></outputEntry></rule>'
        "</decisionTable></decision>"
    )
    model = Cases(tmp_path, definitions(body))
    record = model.record([{"inputs": {"a": 1}, "expected": "high"}])
    assert record["passed"] is True
    assert (covered(record)["never_matched"], covered(record)["never_counted"]) == ([], [1])


def test_a_cell_is_covered_when_it_was_once_true_and_once_not(model: Callable[..., Cases]) -> None:
    table = covered(model("COLLECT").record(cases((0.1, 1))))
    assert table["cells"] == {"covered": 0, "total": 4, "percent": 0.0}
    a, b = table["columns"]
    assert (a["label"], a["never_true"], a["never_false"]) == ("a", [], [1, 2])
    assert (b["label"], b["never_true"], b["never_false"]) == ("b", [3], [2])
    table = covered(model("COLLECT").record(cases((0.1, 1), (0.9, 6))))
    a, b = table["columns"]
    assert (a["cells"]["covered"], a["never_true"], a["never_false"]) == (2, [], [])
    assert (b["cells"]["covered"], b["never_true"], b["never_false"]) == (1, [], [2])


def test_every_cell_is_asked_also_behind_one_that_does_not_hold(model: Callable[..., Cases]) -> None:
    b = covered(model("FIRST").record(cases((0.9, 1), (0.9, 0))))["columns"][1]
    assert (b["never_true"], b["never_false"]) == ([3], [])


def test_what_is_not_reached_is_told_with_rule_numbers(model: Callable[..., Cases]) -> None:
    output = model("FIRST").run(cases((0.1, 1))).output
    assert "coverage: rules 1 of 3 (33.3%), cells seen both true and false 0 of 4 (0%)" in output
    assert '  "Verdict" (FIRST): rules 1 of 3 (33.3%), cells 0 of 4 (0%)\n    matched by no case: rule 3\n' in output
    assert "    matched, but never led to the result, since another rule won: rule 2\n" in output
    assert '    column "a": never false in rules 1-2\n' in output
    many = [["> 1", "-", str(n)] for n in range(1_000)]
    assert "matched by no case: rules 1-1000\n" in model("COLLECT", many).run(cases((0, 0))).output


def test_the_least_coverage_is_kept_exactly(model: Callable[..., Cases]) -> None:
    some = model("COLLECT")
    passing = [{"inputs": {"a": 0.1, "b": 1}, "expected": [1, 2]}]
    for least, code in (("0", 0), ("66", 0), ("66.6", 0), ("66.7", 1), ("67", 1), ("100", 1)):
        assert some.run(passing, "--min-coverage", least).exit_code == code
    told = some.told(passing, "--min-coverage", "80")
    assert "ERROR rules that led to a result: 2 of 3 (66.6%), and --min-coverage asks for 80%" in told
    told = some.told(passing, "--min-cell-coverage", "1")
    assert "ERROR cells seen both true and false: 0 of 4 (0%), and --min-cell-coverage asks for 1%" in told
    record = some.record(passing, "--min-coverage", "80")
    assert (record["passed"], len(record["errors"])) == (False, 1)


def test_where_there_is_nothing_to_cover_nothing_is_covered(tmp_path: Path) -> None:
    model = Cases(tmp_path, dmn(input_data("v"), decision("x", "v", ["v"])))
    passing = [{"inputs": {"v": 1}, "expected": 1}]
    done = model.run(passing)
    assert (done.exit_code, "the file has no decision table" in done.output) == (0, True)
    assert model.run(passing, "--min-coverage", "1").exit_code == 1


def test_tables_of_functions_and_of_other_decisions_are_covered_and_named(tmp_path: Path) -> None:
    def box(*rules: str) -> str:
        rows = "".join(
            f"<rule><inputEntry><text>{rule}</text></inputEntry><outputEntry><text>{n}</text></outputEntry></rule>"
            for n, rule in enumerate(rules)
        )
        head = "<input><inputExpression><text>v</text></inputExpression></input><output/>"
        return f'<decisionTable hitPolicy="COLLECT">{head}{rows}</decisionTable>'

    context = (
        f'<context><contextEntry><variable name="one"/>{box("1")}</contextEntry>'
        f'<contextEntry><variable name="two"/>{box("2")}</contextEntry></context>'
    )
    model = Cases(
        tmp_path,
        dmn(
            input_data("v"),
            decision("x", "f(v)", ["v"], knowledge=["f"]),
            decision("both", context, ["v"]),
            decision("unasked", box("-"), ["v"]),
            knowledge_model("f", ["v"], box("&gt; 1", "&lt; 1")),
        ),
    )
    record = model.record(
        [
            {"decision": "x", "inputs": {"v": 2}, "expected": [0]},
            {"decision": "both", "inputs": {"v": 2}, "expected": {"one": [], "two": [0]}},
        ]
    )
    assert record["passed"] is True
    tables = {
        table["name"]: (table["evaluations"], table["rules"]["covered"]) for table in record["coverage"]["tables"]
    }
    assert tables == {"f": (1, 1), "both, table 1": (1, 0), "both, table 2": (1, 1), "unasked": (0, 0)}
    assert '"unasked" (COLLECT): rules 0 of 1 (0%), cells none\n    no case asks it' in model.run([]).output


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[list[str]], dict[str, Any]]:
    cells = st.sampled_from(["-", "< 1", "> 0", "[0..1]", "1, 2", "not(1)", "null", "? > a", "b", '"x"', "a + 1"])
    rows = draw(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
    policy = draw(st.sampled_from(["UNIQUE", "ANY", "FIRST", "COLLECT", "RULE ORDER"]))
    values = st.sampled_from([None, -1, 0, 1, 2, "x"])
    return policy, [[*row, str(n % 2)] for n, row in enumerate(rows)], {"a": draw(values), "b": draw(values)}


@given(tables())
def test_an_observer_changes_nothing_and_its_answers_are_the_engines(drawn: tuple[str, list[list[str]], Any]) -> None:
    policy, rows, inputs = drawn
    model = mlc.dmn.load(_table(policy, rows))
    seen: list[Observation] = []
    evaluation = model.evaluate(inputs, observer=seen.append)
    assert evaluation == model.evaluate(inputs)
    (observation,) = seen
    holding = [
        rule.index
        for rule in observation.table.rules
        if all(answer is True for answer in observation.answers(rule).values())
    ]
    matched = [rule.index for rule in observation.matched]
    assert matched == (holding[:1] if policy == "FIRST" else holding)
    assert [rule.index for rule in observation.counted] == [rule.index for rule in evaluation.matched_rules]


def _table(policy: str, rows: list[list[str]]) -> bytes:
    def entry(tag: str, text: str) -> str:
        return f"<{tag}><text>{text.replace('<', '&lt;')}</text></{tag}>"

    head = "".join(f"<input><inputExpression><text>{name}</text></inputExpression></input>" for name in "ab")
    body = "".join(
        f"<rule>{entry('inputEntry', one)}{entry('inputEntry', other)}{entry('outputEntry', answer)}</rule>"
        for one, other, answer in rows
    )
    return dmn(decision("x", f'<decisionTable hitPolicy="{policy}">{head}<output name="n"/>{body}</decisionTable>'))
