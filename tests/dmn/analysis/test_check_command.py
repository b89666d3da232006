"""`mlc dmn check`: what it says of files, to people and to programs, and which exit code it ends with."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest
from click.testing import Result
from dmn_text import decision, dmn, imported, input_data, knowledge_model, service
from typer.testing import CliRunner

import mlc.dmn.analysis
from mlc.cli.dmn import dmn as app
from mlc.dmn.analysis import Aspect, Finding, Severity
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.errors import Place
from mlc.dmn.model import DecisionModel

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/dmn-analysis.md").read_text()
MODEL = dmn(
    input_data("auc", "number"),
    decision("Gap", "1 - auc", ["auc"]),
    decision("x", "Gap < limit", decisions=["Gap"]),
    service("Distance", ["Gap"], ["auc"]),
    knowledge_model("f", ["n"], "n"),
)


def check(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], input=stdin)


def shell(*arguments: object, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "mlc.cli", "dmn", "check", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, timeout=120, check=False)


@pytest.fixture(autouse=True)
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings are those of loading, and those that a test makes; the checks have tests of their own."""
    for checks in ("CHECKS", "MODEL_CHECKS"):
        monkeypatch.setattr(mlc.dmn.analysis, checks, (), raising=False)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.dmn"
    path.write_bytes(MODEL)
    return path


@pytest.fixture
def good(tmp_path: Path, table: Callable[..., bytes]) -> Path:
    path = tmp_path / "good.dmn"
    path.write_bytes(table([("auc", "double")], [("passes", "boolean")], [["< 0.7", "false"]]))
    return path


@pytest.fixture
def broken(tmp_path: Path, table: Callable[..., bytes]) -> Path:
    path = tmp_path / "broken.dmn"
    rows = [["< <", "-", "false"], ["-", "tru e", "1"], ["-", "-", ")"]]
    path.write_bytes(table([("auc", "double"), "f1"], ["passes"], rows))
    return path


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets every table have findings of these severities, the n-th in rule n and on line 10 + n."""

    def every_table_has(*severities: Severity, message: str = "it is odd") -> None:
        def odd(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
            for number, severity in enumerate(severities, 1):
                place = table.table.place.at(rule=number, column="auc", line=10 + number)
                values = (("auc", "[0.7..0.9]"), ("psi", "null"))
                yield Finding(severity, Aspect.GAP, message, place, (number, number + 1), values, "write another rule")

        monkeypatch.setattr(mlc.dmn.analysis, "CHECKS", (odd,))

    return every_table_has


def test_decisions_services_functions_and_inputs_with_their_types_are_listed(model) -> None:
    done = check(model)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        f"{model}: no problems",
        "decisions",
        '  "Gap": no table (required by another decision)',
        '  "x": no table',
        "decision services",
        '  "Distance"',
        "functions",
        '  "f"',
        "inputs",
        "  auc: number",
        "  limit: Any",
        "",
        "1 file checked: no problems",
    ]


def test_every_problem_of_loading_is_an_error_with_its_place_and_a_suggestion(broken) -> None:
    done = check(broken)
    head, *said = done.output.splitlines()
    assert (done.exit_code, head) == (1, f"{broken}: 3 errors")
    for number, column in enumerate(("auc", "f1", "passes"), 1):
        place = rf'{re.escape(str(broken))}(:\d+)?: error: decision "Verdict", rule {number}, column "{column}": '
        assert re.match(place, said[2 * number - 2])
        assert said[2 * number - 2].endswith(" [syntax]")
        assert said[2 * number - 1].startswith("    suggestion: ")
    assert said[-5:] == ["inputs", "  auc: double", "  f1: Any", "", "1 file checked: 3 errors"]


def test_a_finding_has_a_line_that_editors_jump_to_its_rules_its_values_and_a_suggestion(good, findings) -> None:
    findings(Severity.HINT, Severity.WARNING)
    done = check("-q", good)
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        [
            f"{good}: 1 warning, 1 hint",
            f'{good}:12: warning: decision "Verdict", rule 2, column "auc": it is odd [gap]',
            "    rules: 2, 3",
            "    values: auc: [0.7..0.9]; psi: null",
            "    suggestion: write another rule",
            f'{good}:11: hint: decision "Verdict", rule 1, column "auc": it is odd [gap]',
            "    rules: 1, 2",
            "    values: auc: [0.7..0.9]; psi: null",
            "    suggestion: write another rule",
            "",
            "1 file checked: 1 warning, 1 hint",
        ],
    )


@pytest.mark.parametrize("there", [None, *Severity])
@pytest.mark.parametrize("fail_on", [None, *Severity])
def test_the_exit_code_says_whether_something_as_bad_as_fail_on_was_found(good, findings, there, fail_on) -> None:
    findings(*filter(None, [there]))
    order = [None, Severity.HINT, Severity.WARNING, Severity.ERROR]
    options = ["--fail-on", fail_on.value] if fail_on else []
    fails = there is not None and order.index(there) >= order.index(fail_on or Severity.ERROR)
    assert check(good, *options).exit_code == fails
    found = check(good, "--json", *options)
    assert (found.exit_code, json.loads(found.stdout)["passed"]) == (fails, not fails)


def test_what_fails_is_no_other_word(good) -> None:
    assert check(good, "--fail-on", "info").exit_code == 2
    assert check().exit_code == 2


def test_several_files_are_grouped_and_one_that_is_wrong_is_enough(tmp_path, broken, model) -> None:
    no_dmn = tmp_path / "no.dmn"
    no_dmn.write_text("<html/>")
    done = check(model, broken, no_dmn)
    heads = [line for line in done.output.splitlines() if re.match(r"\S+: (no problems|\d+ error)", line)]
    assert heads == [f"{model}: no problems", f"{broken}: 3 errors", f"{no_dmn}: 1 error"]
    assert (done.exit_code, done.output.splitlines()[-1]) == (1, "3 files checked: 4 errors")


def test_a_file_that_is_given_twice_is_checked_once(tmp_path, broken, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.dmn").symlink_to(broken)
    done = check("broken.dmn", broken, "./broken.dmn", "link.dmn", ".")
    assert done.output.splitlines()[-1] == "1 file checked: 3 errors"
    assert check("-", "-", stdin=broken.read_bytes()).output.splitlines()[-1] == "1 file checked: 3 errors"


def test_of_a_folder_its_files_are_checked_in_order_without_hidden_folders_and_circles(tmp_path, good) -> None:
    for name in ("b/z.DMN", "b/a/x.dmn", ".git/no.dmn", "a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(good.read_bytes())
    (tmp_path / "b/loop").symlink_to(tmp_path)
    files = [file["file"] for file in json.loads(check("--json", tmp_path).stdout)["files"]]
    assert files == [str(tmp_path / name) for name in ("good.dmn", "b/z.DMN", "b/a/x.dmn")]


def test_a_link_in_a_circle_cannot_be_read_and_the_other_files_of_its_folder_are_checked(tmp_path, broken) -> None:
    (tmp_path / "a.dmn").symlink_to(tmp_path / "a.dmn")
    os.mkfifo(tmp_path / "pipe.dmn")
    done = check(tmp_path)
    assert (done.exit_code, f"{broken}: 3 errors" in done.stdout) == (2, True)
    assert "a.dmn: Too many levels of symbolic links" in done.stderr
    assert done.stdout.splitlines()[-1] == "1 file checked: 3 errors; 1 file could not be read"


def test_a_folder_without_tables_or_with_very_many_is_a_usage_error(tmp_path) -> None:
    done = check(tmp_path)
    assert (done.exit_code, "holds no .dmn file" in " ".join(done.stderr.split())) == (2, True)
    for number in range(1_001):
        (tmp_path / f"{number}.dmn").touch()
    done = check(tmp_path)
    assert (done.exit_code, "more than 1,000" in " ".join(done.stderr.split())) == (2, True)


def test_a_file_that_cant_be_read_is_said_and_the_others_are_checked_all_the_same(tmp_path, broken) -> None:
    (tmp_path / "dead.dmn").symlink_to(tmp_path / "nowhere")
    gone = tmp_path / "gone.dmn"
    done = check(gone, broken, tmp_path / "dead.dmn")
    assert done.exit_code == 2
    assert f"{gone}: No such file or directory" in done.stderr.splitlines()
    assert f"{broken}: 3 errors" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 file checked: 3 errors; 2 files could not be read"
    found = json.loads(check("--json", gone).stdout)
    assert (found["passed"], found["files"][0]["read"]) == (False, False)
    assert found["files"][0]["unread"] == "No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_nobody_may_read_is_said(good) -> None:
    good.chmod(0)
    done = check(good)
    assert (done.exit_code, "Permission denied" in done.stderr) == (2, True)


def test_a_table_comes_from_stdin(broken, good) -> None:
    done = check("-", stdin=broken.read_bytes())
    assert (done.exit_code, done.output.splitlines()[0]) == (1, "<stdin>: 3 errors")
    assert re.match(r'<stdin>(:\d+)?: error: decision "Verdict", rule 1', done.output.splitlines()[1])
    assert check("-", stdin=good.read_bytes()).exit_code == 0
    assert check("-", stdin=b"").exit_code == 1


def test_a_table_comes_through_a_pipe(tmp_path, broken) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = subprocess.Popen(["cp", str(broken), str(pipe)])
    done = check(pipe)
    assert writing.wait(timeout=60) == 0
    assert (done.exit_code, done.output.splitlines()[0]) == (1, f"{pipe}: 3 errors")


def test_imports_are_found_beside_the_file_and_their_findings_name_their_own_file(
    tmp_path, good, table, findings
) -> None:
    library = good.read_bytes().replace(b'namespace="http://camunda.org/schema/1.0/dmn">', b'namespace="urn:lib">')
    (tmp_path / "lib.dmn").write_bytes(library)
    main = tmp_path / "main.dmn"
    body = decision("y", "lib.Verdict", decisions=["urn:lib#verdict"]).replace("#_verdict", "#verdict")
    main.write_bytes(dmn(imported("urn:lib", "lib", "lib.dmn"), body))
    assert check(main).output.splitlines()[:2] == [f"{main}: no problems", "decisions"]
    findings(Severity.WARNING)
    for named in (main, os.path.relpath(main)):
        said = check("-q", named).output.splitlines()
        beside = Path(named).with_name("lib.dmn")
        assert said[1].startswith(f'{beside}:11: warning: decision "Verdict", rule 1')
        (found,) = json.loads(check("--json", named).stdout)["files"][0]["findings"]
        assert found["file"] == str(beside)
    (tmp_path / "lib.dmn").write_bytes(library.replace(b"&lt; 0.7", b"&lt; &lt;"))
    done = check("-q", main)
    assert done.exit_code == 1
    assert re.match(rf'{tmp_path}/lib.dmn(:\d+)?: error: decision "Verdict", rule 1', done.output.splitlines()[1])
    (tmp_path / "lib.dmn").unlink()
    assert 'the import "lib" of lib.dmn is not beside the file' in check(main).output


def test_what_is_written_for_programs_is_as_documented(model, broken, good, findings) -> None:
    (schema,) = re.findall(r"^```json\n(\{\n  \"\$schema\".*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    schema = json.loads(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    findings(*Severity)
    done = check("--json", "--fail-on", "hint", model, broken, good, broken.with_name("gone.dmn"))
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema)
    assert found["summary"] == {"files": 4, "errors": 5, "warnings": 2, "hints": 2}
    assert [file["errors"] for file in found["files"]] == [0, 4, 1, 0]
    assert found["files"][2]["findings"][1] == {
        "severity": "warning",
        "kind": "gap",
        "message": "it is odd",
        "file": str(good),
        "line": 12,
        "decision": "Verdict",
        "rule": 2,
        "rules": [2, 3],
        "column": "auc",
        "type": None,
        "values": [{"column": "auc", "value": "[0.7..0.9]"}, {"column": "psi", "value": "null"}],
        "suggestion": "write another rule",
    }
    assert found["files"][0]["decisions"][0] == {"name": "Gap", "hit_policy": None, "outputs": [], "required": True}
    assert (found["files"][0]["services"], found["files"][0]["functions"]) == (["Distance"], ["f"])
    assert found["files"][2]["inputs"] == [{"name": "auc", "type": "double"}]


def test_thousands_of_findings_are_counted_and_not_all_shown(good, findings) -> None:
    findings(*[Severity.HINT] * 1_500, *[Severity.WARNING] * 1_500, Severity.ERROR, message="x" * 10_000)
    done = check(good)
    assert len(done.stdout) < 200_000
    assert done.stdout.splitlines()[-1] == "1 file checked: 1 error, 1,500 warnings, 1,500 hints"
    assert f"{good}: 2,901 more; --json lists up to 1,000 of each severity" in done.stdout.splitlines()
    (file,) = json.loads(check("--json", good).stdout)["files"]
    assert (len(file["findings"]), file["omitted"]) == (2_001, 1_000)
    assert file["findings"][0]["severity"] == "error"
    assert max(len(finding["message"]) for finding in file["findings"]) == 4_000


def test_a_thousand_rules_that_do_not_parse_are_bounded(tmp_path, table) -> None:
    path = tmp_path / "many.dmn"
    path.write_bytes(table(["auc"], ["passes"], [["< <", "false"]] * 3_000))
    done = shell(path)
    assert (done.returncode, done.stderr) == (1, b"")
    assert len(done.stdout) < 50_000
    assert b"more; --json lists" in done.stdout


def test_a_check_that_comes_to_grief_is_told_and_the_others_look_on(good, monkeypatch) -> None:
    def odd(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
        yield Finding(Severity.HINT, Aspect.GAP, "seen", table.table.place)
        raise ZeroDivisionError("it is divided")

    def fine(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
        yield Finding(Severity.HINT, Aspect.OVERLAP, "also seen", Place("good.dmn"))

    monkeypatch.setattr(mlc.dmn.analysis, "CHECKS", (odd, fine))
    done = check("-q", good)
    assert "could not be analysed to the end: ZeroDivisionError in odd [cannot_tell]" in done.output
    assert "1 warning, 2 hints" in done.output.splitlines()[-1]
    assert check("--fail-on", "warning", good).exit_code == 1


def test_names_in_any_script_are_printed_and_none_steers_the_terminal(tmp_path, table) -> None:
    path = tmp_path / "Schwellen größer 日本.dmn"
    content = table([("Güte ≥ \u202eλ", "double")], [("passes", "boolean")], [["< <", "false"]])
    path.write_bytes(content.replace(b'name="Verdict"', 'name="Urteil &#133;[31m 判定"'.encode()))
    for encoding in ("utf-8", "ascii", "latin-1"):
        done = shell(path, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (1, b""), encoding
        assert b"\x1b" not in done.stdout
        assert "\u202e".encode() not in done.stdout
        assert json.loads(shell("--json", path, PYTHONIOENCODING=encoding).stdout)["files"][0]["file"] == str(path)
    assert "Urteil [31m 判定" in shell(path, PYTHONIOENCODING="utf-8").stdout.decode()
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.dmn"
    Path(os.fsdecode(odd)).write_bytes(MODEL)
    for arguments in ([os.fsdecode(odd)], ["--json", tmp_path]):
        done = shell(*arguments)
        assert b"Traceback" not in done.stderr
        json.loads(done.stdout) if "--json" in arguments else done.stdout.decode()


def test_colours_are_for_terminals_that_want_them(broken) -> None:
    import pty

    def seen(**more: str) -> bytes:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "mlc.cli", "dmn", "check", str(broken)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **more}
        subprocess.run(command, env=environment, stdout=theirs, stdin=theirs, timeout=120, check=False)
        os.close(theirs)
        said = os.read(ours, 100_000)
        os.close(ours)
        return said

    assert b"\x1b[31m\x1b[1merror\x1b[0m: decision" in seen()
    assert b"\x1b" not in seen(NO_COLOR="1")
    assert b"\x1b" not in shell(broken).stdout


HOSTILE = {
    "nothing": b"",
    "a doctype": b'<!DOCTYPE d [<!ENTITY a "b">]><definitions/>',
    "no xml": b"\x00\xff\xfe\x00",
    "half of a file": MODEL[: len(MODEL) // 2],
    "deep": b"<a>" * 50_000,
    "deep and whole": b"<a>" * 20_000 + b"</a>" * 20_000,
    "large": b" " * (1024 * 1024 + 1),
    "a process": b'<bpmn:definitions xmlns:bpmn="urn:bpmn"/>',
    "an archive": b"PK\x03\x04" + bytes(1_000),
    "parentheses": dmn(decision("x", "(" * 50_000)),
    "many decisions": dmn(*[decision("x", "1")] * 3_000),
    "an unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><definitions/>',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_under_a_second(tmp_path, content, monkeypatch) -> None:
    monkeypatch.undo()  # with all checks
    path = tmp_path / "hostile.dmn"
    path.write_bytes(content)
    check(path)  # what is loaded once
    before = resource.getrusage(resource.RUSAGE_SELF)
    done = check(path)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert done.exit_code == 1
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert ": error: " in done.output
    assert len(done.output) < 200_000


@pytest.mark.parametrize("arguments", [["\0"], ["x" * 5_000], ["/dev/null"], ["/dev/zero"]])
def test_odd_names_end_without_a_traceback(arguments) -> None:
    done = check(*arguments)
    assert done.exit_code in {1, 2}
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("cell", ["< 0.7", "a & b", "&nbsp;0.7", "zu früh"])
def test_a_text_that_breaks_the_xml_is_told_with_how_it_is_written(tmp_path, cell) -> None:
    path = tmp_path / "by_hand.dmn"
    text = MODEL.decode().replace("1 - auc", cell)
    path.write_bytes(text.encode("latin-1"))

    found = check(path)

    assert found.exit_code == 1
    assert "suggestion: write &lt; for < and &amp; for & in texts, and save the file as UTF-8" in found.output
