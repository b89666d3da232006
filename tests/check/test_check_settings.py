"""What `mlc check` says of settings' names: unknown, misspelt, old, twice, in a file that can't be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.cli_process import ROOT, environment, mlc

from mlc.check.settings import check_settings
from mlc.model.finding import Finding, Mark
from mlc.settings.reading import OTHER_VARIABLES, groups

SECRET = "kept-to-yourself"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """mlc.env of the home; conftest has taken all other settings away."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / "mlc.env"


async def found() -> list[Finding]:
    findings = [finding async for finding in check_settings()]
    assert SECRET not in repr(findings)
    return findings


async def texts() -> list[str]:
    return [f"{finding.mark} {finding.what}: {finding.remedy}" for finding in await found()]


async def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    (finding,) = await found()
    assert (finding.mark, str(file) in finding.what) == (Mark.GOOD, True)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MLC_JIRA_TOKN", "MLC_JIRA_TOKEN"),
        ("mlc_jira_tokn", "MLC_JIRA_TOKEN"),
        ("MLC_JIRATOKEN", "MLC_JIRA_TOKEN"),
        ("MLC_SERVICE_NOW_URL", "MLC_SERVICENOW_URL"),
        ("MLC_OUTAGE_BUGDET", "MLC_OUTAGE_BUDGET"),
        ("MLC_PATIENSE", "MLC_OUTAGE_BUDGET"),
    ],
)
async def test_a_misspelt_variable_is_an_error_with_the_nearest_name(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert await texts() == [f"✗ {name} (the environment) is no setting: did you mean {meant}?"]


async def test_a_misspelt_line_of_the_file_is_an_error_too(file: Path) -> None:
    file.write_text(f"MLC_JIRA_TOKN={SECRET}\nJIRA_TOKEN={SECRET}\nMCL_JIRA_URL={SECRET}\n\ufeffMLC_TRAIN_TAG=x\n")
    assert await texts() == [
        "✗ MLC_JIRA_TOKN (mlc.env) is no setting: did you mean MLC_JIRA_TOKEN?",
        "✗ JIRA_TOKEN (mlc.env) is no setting: did you mean MLC_JIRA_TOKEN?",
        "✗ MCL_JIRA_URL (mlc.env) is no setting: did you mean MLC_JIRA_URL?",
        "✗ \ufeffMLC_TRAIN_TAG (mlc.env) is no setting: did you mean MLC_TRAIN_TAG?",
    ]


async def test_a_name_that_is_like_none_is_an_error_with_where_all_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_", SECRET)
    monkeypatch.setenv("MLC_ZZZZQQQQXXXX", SECRET)
    assert await texts() == [
        f"✗ {name} (the environment) is no setting: docs/settings.md lists all that there are."
        for name in ("MLC_", "MLC_ZZZZQQQQXXXX")
    ]


async def test_what_other_programs_are_told_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("TEMPORAL_ADDRESS=x\nHTTPS_PROXY=x\nPOSTGRES_PASSWORD=x\n# MLC_NO=1\n")
    monkeypatch.setenv("MLCX", "x")
    monkeypatch.setenv("JIRA_TOKN", "x")
    assert [finding.mark for finding in await found()] == [Mark.GOOD]


async def test_every_setting_in_any_case_is_known_in_both_places(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        variable.name
        for group in groups()
        if group.__module__.startswith("mlc.")
        for variable in group.variables().values()
    ]
    assert len(names) > 150
    file.write_text("\n".join(f"export {name.lower()}=''" for name in names))
    for name in (*names, *OTHER_VARIABLES.keys() - {"MLC_HOME"}):
        monkeypatch.setenv(name, "")
    assert [finding.mark for finding in await found()] == [Mark.GOOD]


async def test_no_file_is_no_error() -> None:
    assert [finding.mark for finding in await found()] == [Mark.GOOD]


async def test_an_old_name_is_named_with_the_new_one_and_the_release_in_which_it_ends(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_PATIENCE", "PT1H")
    file.write_text("mlc_settle=3\nMLC_CENTER_SETTLE=4\nMLC_CENTER_INDEX_LAG=\n")
    assert await texts() == [
        "! MLC_PATIENCE (the environment) is now MLC_OUTAGE_BUDGET: rename it; the old name works until 0.3.",
        "! MLC_SETTLE (mlc.env) is now MLC_TICKET_INDEX_LAG: rename it; the old name works until 0.3.",
        "! MLC_CENTER_SETTLE (mlc.env) is now MLC_CENTER_INDEX_LAG: rename it; the old name works until 0.3.",
    ]


async def test_an_old_name_beside_the_new_one_is_said_not_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_PATIENCE", "PT1H")
    monkeypatch.setenv("MLC_OUTAGE_BUDGET", "PT2H")
    assert await texts() == [
        "! MLC_OUTAGE_BUDGET and its old name MLC_PATIENCE (the environment) are both set: "
        "MLC_OUTAGE_BUDGET counts: remove MLC_PATIENCE."
    ]


async def test_a_name_that_is_said_twice_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_TRAIN_TAG", "a")
    monkeypatch.setenv("mlc_train_tag", "b")
    file.write_text("MLC_RUN_TEST_TAG=a\nMLC_RUN_TEST_TAG=b\n")
    assert [text.partition(":")[0] for text in await texts()] == [
        "! MLC_TRAIN_TAG (the environment) is said 2 times",
        "! MLC_RUN_TEST_TAG (mlc.env) is said 2 times",
    ]


async def test_lines_that_can_not_be_read_are_errors_by_their_number(file: Path) -> None:
    file.write_text(f"MLC_TRAIN_TAG=x\nMLC_JIRA_TOKEN: {SECRET}\n\nMLC_JIRA_USER\n'{SECRET}\n")
    assert await texts() == [
        "✗ Line 2 of mlc.env can't be read: write NAME='value', or # before it.",
        "✗ MLC_JIRA_USER (mlc.env) has no value: write NAME='value'.",
        "✗ Line 5 of mlc.env can't be read: write NAME='value', or # before it.",
    ]


async def test_a_file_that_is_none_or_no_text_is_an_error(file: Path) -> None:
    file.write_bytes(b"MLC_TRAIN_TAG=\xff\xfe\n")
    assert [finding.mark for finding in await found()] == [Mark.WRONG]
    file.unlink()
    file.mkdir()
    [finding] = await found()
    assert (finding.mark, finding.what) == (Mark.WRONG, f"{file} can't be read")


async def test_ten_thousand_unknown_names_and_one_without_end_are_told_in_a_page(file: Path) -> None:
    file.write_text("\n".join(f"MLC_{'X' * 100_000 if not n else f'UNKNOWN_{n}'}=1" for n in range(10_000)))
    findings = await found()
    assert len(findings) == 21
    assert findings[-1].what == "9980 more names (mlc.env) are no settings"
    assert max(len(finding.what) for finding in findings) < 200


def test_the_command_fails_with_the_nearest_name_and_without_the_value(tmp_path: Path) -> None:
    settings = {"MLC_JIRA_TOKN": SECRET, "MLC_PATIENCE": "PT3H", "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    answer = mlc(tmp_path, "check", **settings)
    assert answer.returncode == 1
    assert "MLC_JIRA_TOKN (the environment) is no setting: did you mean MLC_JIRA_TOKEN?" in answer.stdout
    assert "MLC_PATIENCE (the environment) is now MLC_OUTAGE_BUDGET: rename it" in answer.stdout
    assert SECRET not in answer.stdout + answer.stderr


def test_the_check_knows_the_settings_of_every_module(tmp_path: Path) -> None:
    """Groups are found by being imported: one in a module that the check does not import would be unknown to it."""
    code = """
import importlib, pkgutil
import mlc, mlc.check.report
from mlc.settings.reading import groups
known = set(groups())
for module in pkgutil.walk_packages(mlc.__path__, "mlc."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*(group.__name__ for group in groups() if group not in known))
print(len(known))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, check=True
    )
    unknown, count = answer.stdout.split("\n")[:2]
    assert unknown == ""
    assert int(count) >= 9


def test_this_process_has_no_setting_left_from_outside() -> None:
    assert [name for name in os.environ if name.startswith("MLC_")] == ["MLC_HOME"]
