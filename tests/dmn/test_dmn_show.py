"""`mlc dmn show`: tables in the terminal, in DMN's notation, and what matched in them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from case_files import run
from dmn_text import decision, dmn, function, input_data, item, knowledge_model, literal, service
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mlc.cli.dmn.grid import ASCII, UNICODE, Grid, drawn, wrapped

Table = Callable[..., bytes]


@pytest.fixture
def gate(tmp_path: Path, table: Table) -> Path:
    path = tmp_path / "t.dmn"
    rows = [["< 0.7", "-", "false", '"low"'], [">= 0.7", '"PROD"', "true", "null"], [">= 0.6", "-", "true", '"ok"']]
    inputs = [("auc", "number"), ("stage", "string")]
    path.write_bytes(table(inputs, [("passes", "boolean"), ("why", "string")], rows, "FIRST"))
    return path


def shown(path: Path, *options: object, code: int = 0, width: int = 100) -> list[str]:
    done = run("show", path, "--width", width, *options)
    assert done.exit_code == code, done.output
    return [line.rstrip() for line in done.stdout.splitlines()]


def test_a_table_has_its_policy_heads_with_types_and_numbered_rules(gate: Path) -> None:
    assert shown(gate) == [
        'decision "Verdict"',
        "F ║ auc    │ stage  ║ passes  │ why",
        "  ║ number │ string ║ boolean │ string",
        "──╫────────┼────────╫─────────┼───────",
        '1 ║ < 0.7  │ -      ║ false   │ "low"',
        '2 ║ >= 0.7 │ "PROD" ║ true    │ null',
        '3 ║ >= 0.6 │ -      ║ true    │ "ok"',
        "",
    ]


def test_inputs_mark_cell_by_cell_what_holds_and_the_result_stands_below(gate: Path) -> None:
    assert shown(gate, "--input", "auc=0.8", "--input", "stage=PROD") == [
        'decision "Verdict"',
        "F     ║ auc      │ stage    ║ passes  │ why",
        "      ║ number   │ string   ║ boolean │ string",
        '      ║ = 0.8    │ = "PROD" ║         │',
        "──────╫──────────┼──────────╫─────────┼───────",
        '1     ║ ✗ < 0.7  │ -        ║ false   │ "low"',
        '✓ 2   ║ ✓ >= 0.7 │ ✓ "PROD" ║ true    │ null',
        '(✓) 3 ║ ✓ >= 0.6 │ -        ║ true    │ "ok"',
        "",
        "✓ holds, ✗ does not, ? can't be told; (✓) a rule that holds and does not count",
        '"Verdict"',
        "  result: {passes: true, why: null}",
        "  matched rules",
        '    "Verdict" rule 2, because auc = 0.8 (>= 0.7), stage = "PROD" ("PROD"): passes true, why null',
    ]


def test_a_cell_that_cannot_be_told_and_the_problem_are_shown(gate: Path) -> None:
    lines = shown(gate, "--input", "stage=PROD", code=1)
    assert lines[3].startswith("  ║ = null   │")
    assert lines[5:8] == [
        '1 ║ ? < 0.7  │ -        ║ false   │ "low"',
        '2 ║ ? >= 0.7 │ ✓ "PROD" ║ true    │ null',
        '3 ║ ? >= 0.6 │ -        ║ true    │ "ok"',
    ]
    assert lines[-1] == '    missing_input: t.dmn, decision "Verdict", column "auc": the input "auc" is not given'


def test_inputs_come_from_a_file_or_stdin_as_for_eval(gate: Path, tmp_path: Path) -> None:
    (tmp_path / "inputs.json").write_text('{"auc": 0.8, "stage": "PROD"}')
    from_file = run("show", gate, "--json", tmp_path / "inputs.json")
    assert "✓ 2" in from_file.output
    assert run("show", gate, "--json", "-", stdin='{"auc": 0.8, "stage": "PROD"}').output == from_file.output
    assert run("show", gate, "--json", "-", stdin="[").exit_code == 2
    assert run("show", gate, "--input", "auc").exit_code == 2
    assert run("show", gate, "--now", "yesterday").exit_code == 2


@pytest.mark.parametrize(
    ("policy", "extra", "letter"),
    [
        ("UNIQUE", "", "U"),
        ("ANY", "", "A"),
        ("FIRST", "", "F"),
        ("RULE ORDER", "", "R"),
        ("COLLECT", "", "C"),
        ("COLLECT", ' aggregation="SUM"', "C+"),
        ("COLLECT", ' aggregation="MIN"', "C<"),
        ("COLLECT", ' aggregation="MAX"', "C>"),
        ("COLLECT", ' aggregation="COUNT"', "C#"),
        (None, "", "U"),
    ],
)
def test_the_policys_letter_stands_in_the_corner(
    tmp_path: Path, table: Table, policy: str | None, extra: str, letter: str
) -> None:
    path = tmp_path / "t.dmn"
    path.write_bytes(table(["a"], ["n"], [["1", "2"]], policy, extra))
    assert shown(path)[1].split("║")[0].strip() == letter


def test_heads_have_expressions_allowed_values_and_defaults(tmp_path: Path) -> None:
    risk = item("Risk", '<typeRef>string</typeRef><allowedValues><text>"low","high"</text></allowedValues>')
    box = (
        '<decisionTable><input label="Größe"><inputExpression typeRef="number"><text>1 - auc</text></inputExpression>'
        "<inputValues><text>[0..1]</text></inputValues></input>"
        '<input><inputExpression typeRef="Risk"><text>risk</text></inputExpression></input>'
        '<output name="o" label="answer"><outputValues><text>"x","y"</text></outputValues>'
        '<defaultOutputEntry><text>"y"</text></defaultOutputEntry></output><annotation name="n"/>'
        '<rule><inputEntry><text></text></inputEntry><inputEntry><text>"low"</text></inputEntry>'
        '<outputEntry><text>"x"</text></outputEntry><annotationEntry><text>why not</text></annotationEntry></rule>'
        "</decisionTable>"
    )
    path = tmp_path / "t.dmn"
    path.write_bytes(dmn(risk, input_data("auc"), input_data("risk", "Risk"), decision("x", box, ["auc", "risk"])))
    assert shown(path) == [
        'decision "x"',
        '  requires: input "auc", input "risk": Risk',
        "U ║ Größe     │ risk           ║ o            ║ annotation",
        "  ║ [1 - auc] │ Risk           ║ [answer]     ║",
        '  ║ number    │ {"low","high"} ║ {"x","y"}    ║',
        '  ║ {[0..1]}  │                ║ default: "y" ║',
        "──╫───────────┼────────────────╫──────────────╫───────────",
        '1 ║ -         │ "low"          ║ "x"          ║ why not',
        "",
    ]


def test_what_is_no_table_is_shown_as_text(tmp_path: Path) -> None:
    def entry(name: str, box: str) -> str:
        return f'<contextEntry><variable name="{name}"/>{box}</contextEntry>'

    relation = f'<relation><column name="k"/><row>{literal("1")}</row></relation>'
    loop = f'<for iteratorVariable="i"><in>{literal("[1]")}</in><return>{literal("i")}</return></for>'
    choice = f"<conditional><if>{literal('a')}</if><then>{literal('b')}</then><else>{literal('c')}</else></conditional>"
    sieve = f"<filter><in>{literal('[1]')}</in><match>{literal('item > 0')}</match></filter>"
    call = f'<invocation>{literal("f")}<binding><parameter name="n"/>{literal("1")}</binding></invocation>'
    boxes = {"r": relation, "l": loop, "c": choice, "s": sieve, "i": call, "e": f"<list>{literal('1')}</list>"}
    boxes["f"] = function([("n", "number")], "n", "functionDefinition")
    path = tmp_path / "t.dmn"
    path.write_bytes(
        dmn(
            input_data("auc", "number"),
            decision("Gap", "if auc = null\nthen 0\nelse 1 - auc", ["auc"], type_ref="number"),
            decision("all", f"<context>{''.join(entry(*pair) for pair in boxes.items())}</context>", knowledge=["f"]),
            decision("none", ""),
            knowledge_model("f", [("n", "number"), "m"], "n + m"),
            service("S", ["Gap"], ["auc"]),
        )
    )
    text = "\n".join(shown(path))
    assert (
        'decision "Gap": number\n  requires: input "auc": number\n  if auc = null\n  then 0\n  else 1 - auc\n' in text
    )
    assert 'decision "none"\n  (no expression)\n' in text
    assert 'function "f"\n  function(n: number, m)\n    n + m\n' in text
    assert 'decision service "S"\n  takes: input "auc": number\n  answers: decision "Gap"\n' in text
    for part in (
        "r =\n    row 1\n      k =\n        1\n",
        "l =\n    for i in\n      [1]\n    return\n      i\n",
        "c =\n    if\n      a\n    then\n      b\n    else\n      c\n",
        "s =\n    filter\n      [1]\n    match\n      item > 0\n",
        "i =\n    call\n      f\n    with n =\n      1\n",
        "e =\n    item\n      1\n",
        "f =\n    function(n: number)\n      n\n",
    ):
        assert part in text
    assert shown(path, "--decision", "Gap") == [*text.split("\n\n")[0].splitlines(), ""]
    assert shown(path, "--decision", "Gap", "--input", "auc=0.75")[-3:-1] == ['"Gap"', "  result: 0.25"]
    assert shown(path, "--decision", "S", "--input", "auc=0.75")[-2] == "  result: 0.25"
    done = run("show", path, "--decision", "Gapp")
    assert (done.exit_code, 'there is no decision "Gapp"; there are "Gap"' in done.stderr) == (1, True)


def test_tables_inside_of_functions_and_required_decisions_are_marked_too(tmp_path: Path) -> None:
    def box(rule: str) -> str:
        row = f"<rule><inputEntry><text>{rule}</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>"
        head = '<input><inputExpression><text>v</text></inputExpression></input><output name="o"/>'
        return f"<decisionTable>{head}{row}</decisionTable>"

    path = tmp_path / "t.dmn"
    path.write_bytes(
        dmn(
            input_data("v"),
            decision("x", "[f(1), f(2), y]", ["v"], ["y"], ["f"]),
            decision("y", box("&gt; 5"), ["v"]),
            decision("z", box("&gt; 6"), ["v"]),
            knowledge_model("f", ["v"], box("1")),
        )
    )
    text = "\n".join(shown(path, "--decision", "f", "--input", "v=1"))
    assert "✓ 1 ║ ✓ 1" in text
    text = "\n".join(shown(path, "--input", "v=6"))
    assert "✓ 1 ║ ✓ > 5 ║ 1" in text
    assert "1 ║ ✗ > 6 ║ 1" in text
    assert "✓ 1 ║ ✓ 1 ║ 1\n(evaluated 2 times: the first is shown)" in text
    assert "result: [1, null, 1]" in text


def test_a_file_with_problems_is_shown_as_far_as_it_goes(gate: Path) -> None:
    gate.write_bytes(gate.read_bytes().replace(b"&lt; 0.7", b"&lt; &lt;"))
    done = run("show", gate, "--input", "auc=1")
    assert (done.exit_code, "1 ║ < <" in done.stdout) == (1, True)
    assert f"1 problem: mlc dmn check {gate}" in done.stderr
    gate.write_text("<html/>")
    done = run("show", gate)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)


@pytest.mark.parametrize("width", [20, 24, 40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_no_value_is_parted(width: int) -> None:
    path = Path(__file__).parents[2] / "examples/breast_cancer/thresholds.dmn"
    options = [part for name in ("accuracy", "recall", "f1_score", "auc") for part in ("--input", f"{name}=0.875")]
    lines = shown(path, *options, width=width)
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    for value in ("0.875", "< 0.85", "< 0.80", "< 0.90", '"Performance"', "f1_score", "false"):
        assert value in text
    assert text.count("✓ < 0.90") == 1


def test_what_is_too_wide_stands_on_its_side_and_then_rule_by_rule(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "t.dmn"
    names = [f"column_{n}" for n in range(12)]
    path.write_bytes(table(names, ["n"], [["-"] * 11 + ["> 5", "1"], ["1"] + ["-"] * 11 + ["2"]]))
    lines = shown(path, width=40)
    assert lines[1] == "C         ║ 1   │ 2"
    assert lines[-2:] == ["n         ║ 1   │ 2", ""]
    assert "column_11 ║ > 5 │ -" in lines
    path.write_bytes(path.read_bytes().replace(b">2<", b">2000000<"))
    lines = shown(path, width=20)
    assert lines[1:4] == ["hit policy C", "  input column_0", "  input column_1"]
    assert "rule 1" in lines
    assert "    column_11: > 5" in lines
    assert "    -> n: 1" in lines


def test_wide_characters_take_two_columns(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "t.dmn"
    path.write_bytes(table(["中文"], [("結果", "string")], [['"你好"', '"x"'], ['"a"', '"世界🎉"']]))
    lines = [line for line in shown(path) if "║" in line]
    assert len({cell_len(line[: line.rindex("║")]) for line in lines}) == 1


def test_without_unicode_it_is_drawn_in_ascii(gate: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlc.cli", "dmn", "show", str(gate), "--input", "auc=0.8", "--input", "stage=PROD"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'+ 2   | + >= 0.7 | + "PROD" | true    | null' in done.stdout.decode("ascii").encode()


@pytest.mark.parametrize(("more", "bold"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_rules_that_count_are_bold_on_a_terminal_and_nowhere_else(gate: Path, more: dict[str, str], bold: bool) -> None:
    command = [sys.executable, "-m", "mlc.cli", "dmn", "show", str(gate), "--input", "auc=0.8", "--input", "stage=PROD"]
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    done = subprocess.run(command, env={**environment, **more}, stdout=slave, timeout=60, check=False)
    os.close(slave)
    text = b""
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:
            break
        if not read:
            break
        text += read
    os.close(master)
    assert (done.returncode, b"\x1b[1m" in text) == (0, bold)
    assert "\x1b" not in run("show", gate, "--input", "auc=0.8", "--input", "stage=PROD").output


def test_text_of_a_file_does_not_steer_the_terminal(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "t.dmn"
    path.write_bytes(table(["a\x9b31m\u202e"], ["n"], [['"\x9b2J"', "1"]]).replace(b"Verdict", "V\x85\u2066".encode()))
    output = run("show", path, "--input", "a=\x1b[2J").output
    assert not set(output) & {"\x1b", "\x9b", "\u202e", "\u2066", "\x85"}


@pytest.mark.parametrize(
    "cell",
    [
        '\\"' * 40_000,
        '"' * 80_001,
        "a" * 80_000,
        "a," * 40_000,
        "< " * 40_000,
        "x " * 40_000,
        "..",
        '"' + "a b " * 20_000,
    ],
)
def test_a_cell_of_any_length_is_drawn_soon(cell: str) -> None:
    began = time.process_time()
    grid = Grid([["1"], ["a"]], [[["1"], [cell]]], frozenset({1}))
    for whole in (24, 0):
        drawn(grid, 80, UNICODE, whole)
    assert "".join("".join(wrapped([cell], 80)).split()) == "".join(cell.split())
    assert time.process_time() - began < 10


def test_cells_that_take_for_ever_take_no_longer_than_one_evaluation(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "t.dmn"
    slow = "count(for i in 1..100000 return ?) > 0"
    path.write_bytes(table(["a"], ["n"], [[slow, "1"]] * 100, "FIRST"))
    began = time.process_time()
    lines = shown(path, "--input", "a=1", code=0, width=80)
    assert time.process_time() - began < 20
    assert any(line.startswith("✓ 1") for line in lines)
    assert any("? count" in line for line in lines)


CELLS = st.text(st.sampled_from('ab1"<>=.,[]() \\中é'), max_size=30)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5), st.integers(20, 90))
def test_any_grid_is_drawn_within_the_width_or_not_at_all(rows: list[list[str]], width: int) -> None:
    head, *rest = [[[cell] for cell in row] for row in rows]
    grid = Grid(head, rest, frozenset({1}))
    for one in (grid, grid.turned()):
        for lines in (UNICODE, ASCII):
            for whole in (24, 0):
                found = drawn(one, width, lines, whole)
                if found is not None:
                    assert max(cell_len(line) for line, _ in found) <= width


@given(CELLS, st.integers(8, 60))
def test_wrapping_keeps_every_character_that_is_no_space(text: str, width: int) -> None:
    lines = wrapped([text], width)
    assert max(map(cell_len, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(text.split())
