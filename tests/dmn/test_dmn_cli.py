"""`mlc dmn eval`, run inside of this process; tests/cli runs it from a shell. `check` is in tests/dmn/analysis."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from dmn_text import decision, dmn, input_data, knowledge_model, service
from typer.testing import CliRunner

from mlc.cli.dmn import MAX_BYTES as USUAL_BYTES
from mlc.cli.dmn import dmn as app
from mlc.dmn.model import MAX_BYTES

MODEL = dmn(
    input_data("auc", "number"),
    decision("Gap", "1 - auc", ["auc"]),
    decision("x", "Gap < limit", decisions=["Gap"]),
    service("Distance", ["Gap"], ["auc"]),
    knowledge_model("f", ["n"], "n"),
)


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.dmn"
    path.write_bytes(MODEL)
    return path


def broken(folder: Path, table: Callable[..., bytes]) -> Path:
    path = folder / "broken.dmn"
    path.write_bytes(
        table([("auc", "double"), "f1"], ["passes"], [["< <", "-", "false"], ["-", "tru e", "1"], ["-", "-", ")"]])
    )
    return path


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--input", "auc=0.9", "--input", "limit=0.2"], None),
        (["--json", "-"], '{"auc": 0.9, "limit": 0.2}'),
        (["--json", "-", "--input", "auc=0.9"], '{"auc": 0.1, "limit": 0.2}'),
        (["--json", "inputs.json"], None),
    ],
)
def test_eval_takes_inputs_as_pairs_from_a_file_and_from_stdin(tmp_path, model, monkeypatch, arguments, stdin) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inputs.json").write_text('{"auc": 0.9, "limit": 0.2}')
    done = run("eval", model, "--decision", "x", *arguments, stdin=stdin)
    assert (done.exit_code, done.output.splitlines()) == (0, ["result: true", "no rule matched"])


def test_eval_keeps_every_digit_of_a_number(model) -> None:
    done = run("eval", model, "--decision", "Gap", "--json", "-", stdin='{"auc": 0.1234567890123456789}')
    assert done.output.splitlines()[0] == "result: 0.8765432109876543211"


@pytest.mark.parametrize(("name", "result"), [("Gap", "0.25"), ("Distance", "0.25"), ("f", "7")])
def test_eval_takes_the_name_of_a_decision_a_service_or_a_function(model, name, result) -> None:
    done = run("eval", model, "--decision", name, "--input", "auc=0.75", "--input", "n=7")
    assert (done.exit_code, done.output.splitlines()[0]) == (0, f"result: {result}")


def test_eval_prints_the_rules_that_matched_and_the_problems(tmp_path, table) -> None:
    path = tmp_path / "t.dmn"
    path.write_bytes(
        table(["auc", "f1"], ["passes", "reason"], [["< 0.7", "-", "false", '"low"'], ["-", "< 1", "true", ""]])
    )
    done = run("eval", path, "--input", "auc=0.5")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        'result: [{passes: false, reason: "low"}]',
        "matched rules",
        '  "Verdict" rule 1, because auc = 0.5 (< 0.7): passes false, reason "low"',
        "problems",
        '  missing_input: t.dmn, decision "Verdict", column "f1": the input "f1" is not given',
    ]


def test_a_file_that_cannot_be_used_is_one_sentence_of_eval(tmp_path, table) -> None:
    path = broken(tmp_path, table)
    done = run("eval", path)
    (sentence,) = done.stderr.splitlines()
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence.startswith('broken.dmn, decision "Verdict", rule 1, column "auc": ')
    assert sentence.endswith(f"(2 more: mlc dmn check {path})")


def test_an_unknown_decision_is_one_sentence_that_lists_the_known_ones(model) -> None:
    done = run("eval", model, "--decision", "y")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert 'there are "Gap", "x", "Distance", "f"' in done.stderr


@pytest.mark.parametrize("content", ["{", "[1]", "1", '{"a": ' * 100_000, "\udcff"])
def test_inputs_that_are_no_json_object_are_a_usage_error(tmp_path, model, content) -> None:
    path = tmp_path / "inputs.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    done = run("eval", model, "--json", path)
    assert done.exit_code == 2
    assert "JSON" in done.stderr
    assert "Traceback" not in done.output


def test_a_file_of_inputs_that_is_not_there_is_a_usage_error(model) -> None:
    done = run("eval", model, "--json", "nowhere.json")
    assert done.exit_code == 2
    assert "nowhere.json" in done.stderr


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e99999", json.dumps([[]])])
def test_an_input_that_cannot_be_used_is_a_problem(model, value) -> None:
    done = run("eval", model, "--decision", "Gap", "--input", f"auc={value}")
    assert done.exit_code == 1
    assert 'the input "auc"' in done.output


def test_eval_goes_by_the_time_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "clock.dmn"
    path.write_bytes(dmn(decision("x", 'if today() < date("2026-08-01") then "early" else "late"')))
    for now, said in (
        ("2026-07-31T23:59:59Z", "early"),
        ("2026-08-01T00:00Z", "late"),
        ("2026-08-01T01:59+02:00", "early"),
        ("2026-07-31T22:00-02:00", "late"),
    ):
        done = run("eval", path, "--now", now)
        assert (done.exit_code, done.output.splitlines()[0]) == (0, f'result: "{said}"'), now


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("2026-07-31T10:00:00", "no time zone"),
        ("2026-07-31", "no time zone"),
        ("yesterday", "write a date and time"),
        ("", "write a date and time"),
        ("2026-02-30T10:00Z", "write a date and time"),
        ("0001-01-01T00:00+01:00", "no time in UTC"),
    ],
)
def test_eval_refuses_a_time_that_is_none(model: Path, now: str, says: str) -> None:
    done = run("eval", model, "--input", "auc=0.9", "--now", now)
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())


def test_the_dialect_is_declared_on_the_command_line_or_by_the_file(tmp_path) -> None:
    path = tmp_path / "camunda.dmn"
    path.write_bytes(dmn(decision("x", "get or else(auc, 1)")))
    for command in ("check", "eval"):
        done = run(command, path)
        assert done.exit_code == 1
        assert "--dialect camunda" in done.output
        done = run(command, path, "--dialect", "camunda")
        assert done.exit_code == 0
        assert ("in Camunda's FEEL" if command == "check" else "result: 1") in done.output
        done = run(command, path, "--dialect", "zeebe")
        assert done.exit_code == 2
        assert "feel or camunda" in done.output
    path.write_bytes(path.read_bytes().replace(b"<definitions ", b'<definitions executionPlatform="Camunda Cloud" '))
    assert run("check", path).exit_code == 0
    assert run("check", path, "--dialect", "feel").exit_code == 1


def test_a_file_larger_than_usual_is_read_when_the_caller_says_how_large(tmp_path) -> None:
    path = tmp_path / "large.dmn"
    path.write_bytes(MODEL + b"<!--" + b" " * MAX_BYTES + b"-->")
    for command in (["check", path], ["eval", path, "--decision", "Gap", "--input", "auc=0.5"]):
        refused = run(*command)
        assert refused.exit_code == 1
        assert "more than the 1,048,576 bytes" in refused.output + refused.stderr
        assert "--max-bytes" in refused.output + refused.stderr
        assert run(*command, "--max-bytes", 2 * MAX_BYTES).exit_code == 0


@pytest.mark.parametrize("size", ["0", "-1", "1MB", "1.5", ""])
def test_a_size_that_is_none_is_refused_as_an_argument(model, size) -> None:
    for command in (["check", model], ["eval", model, "--decision", "Gap"]):
        assert run(*command, "--max-bytes", size).exit_code == 2


def test_the_usual_size_of_a_file_is_that_of_the_engine() -> None:
    assert USUAL_BYTES == MAX_BYTES
