"""Settings: said in one place, and read from the environment."""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from mlc.settings import ProcessSettings
from mlc.settings.reading import OTHER_VARIABLES, Group, groups, what_is_wrong
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

ROOT = Path(__file__).parent.parent
NAMED_OTHERWISE = {
    "MLC_CENTER_FILES": "MLC_STANDALONE_CENTER_FILES",
    "MLC_CENTER_FILE_LIMIT_MB": "MLC_STANDALONE_CENTER_FILE_LIMIT_MB",
    "MLC_CENTER_REQUEST_DAYS": "MLC_STANDALONE_CENTER_REQUEST_DAYS",
}
"""Settings whose variables don't begin as their group's do."""


def test_the_page_of_settings_says_what_the_code_says() -> None:
    document = runpy.run_path(str(ROOT / "docs" / "settings_table.py"))["document"]
    assert (ROOT / "docs" / "settings.md").read_text() == document() + "\n", "run: python docs/settings_table.py"


@pytest.mark.parametrize("written", ["3600", "PT1H"])
def test_a_duration_is_seconds_or_iso_8601(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_OUTAGE_BUDGET", written)
    assert ProcessSettings().outage_budget == timedelta(hours=1)


def test_the_environment_wins_over_the_file_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlc.env").write_text("MLC_TRAIN_TAG=from_file\nMLC_RUN_TEST_TAG=from_file\n")
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    monkeypatch.setenv("MLC_TRAIN_TAG", "from_environment")
    settings = ProcessSettings()
    assert (settings.train_tag, settings.run_test_tag) == ("from_environment", "from_file")


def test_another_settings_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlc.env").write_text("MLC_TRAIN_TAG=from_home\n")
    (tmp_path / "mine").write_text("MLC_TRAIN_TAG=from_mine\n")
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    for named, tag in {str(tmp_path / "mine"): "from_mine", "/dev/null": "train", "": "from_home"}.items():
        monkeypatch.setenv("MLC_SETTINGS_FILE", named)
        assert ProcessSettings().train_tag == tag


def test_a_settings_file_in_the_checkout_changes_nothing_for_the_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make demo` leaves one there. By default it is found from the folder in which the tests are started."""
    (tmp_path / ".mlc").mkdir()
    (tmp_path / ".mlc" / "mlc.env").write_text("MLC_TRAIN_TAG=from_checkout\n")
    monkeypatch.chdir(tmp_path)
    assert ProcessSettings().train_tag == "train"
    shown = [sys.executable, "-c", "from mlc.settings import ProcessSettings; print(ProcessSettings().train_tag)"]
    program = subprocess.run(shown, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True)
    assert program.stdout == "train\n", "nor for what they start"
    monkeypatch.delenv("MLC_HOME")
    assert ProcessSettings().train_tag == "from_checkout", "so would it be"


def test_a_settings_file_that_is_named_and_not_there_is_no_file_without_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_SETTINGS_FILE", str(tmp_path / "misspelt"))
    with pytest.raises(SettingsError, match=r"MLC_SETTINGS_FILE names .*/misspelt, which is not there: make it, or"):
        ProcessSettings()


def test_a_secret_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_JIRA_TOKEN", "very-secret")
    assert "very-secret" not in repr(JiraSettings())


OUTAGE_BUDGETS = [
    ({}, "", 24),
    ({"MLC_PATIENCE": "PT1H"}, "", 1),
    ({"mlc_patience": "PT1H"}, "", 1),
    ({}, "MLC_PATIENCE=PT1H", 1),
    ({"MLC_PATIENCE": "PT1H", "MLC_OUTAGE_BUDGET": "PT2H"}, "", 2),
    ({"MLC_PATIENCE": "PT1H", "MLC_OUTAGE_BUDGET": ""}, "", 1),
    ({}, "MLC_OUTAGE_BUDGET=PT2H\nMLC_PATIENCE=PT1H", 2),
    ({"MLC_PATIENCE": "PT1H"}, "MLC_OUTAGE_BUDGET=PT2H", 1),  # the environment wins, by whatever name
    ({"MLC_OUTAGE_BUDGET": "PT2H"}, "MLC_PATIENCE=PT1H", 2),
    ({"OUTAGE_BUDGET": "PT2H", "PATIENCE": "PT2H"}, "", 24),
]


@pytest.mark.parametrize(("environment", "file", "hours"), OUTAGE_BUDGETS)
def test_an_old_name_still_works_and_the_new_one_wins_over_it(
    environment: dict[str, str], file: str, hours: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    (tmp_path / "mlc.env").write_text(file)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ProcessSettings().outage_budget == timedelta(hours=hours)
    assert ProcessSettings(outage_budget=timedelta(hours=3)).outage_budget == timedelta(hours=3)


@pytest.mark.parametrize("name", ["MLC_OUTAGE_BUDGET", "MLC_PATIENCE"])
def test_a_wrong_value_is_told_by_both_names_and_without_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "for-ever")
    with pytest.raises(ValidationError) as refused:
        ProcessSettings()
    told = what_is_wrong(refused.value)
    assert told.startswith("MLC_OUTAGE_BUDGET (once MLC_PATIENCE): write a duration in seconds or in ISO 8601, such as")
    assert "for-ever" not in told


@pytest.mark.parametrize("written", ["abc", "PT", "30 s", "nan", "9" * 400, "\u00b2", "P1H", "[]"])
def test_a_duration_that_is_none_is_told_with_two_that_are(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_JOB_POLL", written)
    with pytest.raises(ValidationError) as refused:
        ProcessSettings()
    said = "MLC_JOB_POLL: write a duration in seconds or in ISO 8601, such as 30 or PT30S."
    assert what_is_wrong(refused.value) == said
    for right in ("30", "PT30S"):
        assert right in said
        monkeypatch.setenv("MLC_JOB_POLL", right)
        assert ProcessSettings().job_poll == timedelta(seconds=30)


NAMED_OTHERWISE = {
    "MLC_CENTER_DATABASE": "MLC_STANDALONE_CENTER_DATABASE",
    "MLC_CENTER_FILES": "MLC_STANDALONE_CENTER_FILES",
    "MLC_CENTER_FILE_LIMIT_MB": "MLC_STANDALONE_CENTER_FILE_LIMIT_MB",
    "MLC_CENTER_REQUEST_DAYS": "MLC_STANDALONE_CENTER_REQUEST_DAYS",
}
"""Settings that are named after what they are of, not after their group, and what that would have named them."""


def test_a_renamed_setting_has_the_name_that_its_group_would_give_it() -> None:
    for group in groups():
        names = [f"{group.model_config['env_prefix']}{field}".upper() for field in group.model_fields]
        told = [NAMED_OTHERWISE.get(variable.name, variable.name) for variable in group.variables().values()]
        assert told == names


def test_no_two_settings_have_one_name() -> None:
    ours = [group for group in groups() if group.__module__.startswith("mlc.")]
    names = [name for group in ours for each in group.variables().values() for name in (each.name, each.old) if name]
    assert sorted({*names, *OTHER_VARIABLES}) == sorted([*names, *OTHER_VARIABLES])


def test_no_old_name_outlives_the_release_in_which_it_ends() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def release(text: str) -> list[int]:
        return [int(part) for part in text.split(".")]

    old = [variable for group in groups() for variable in group.variables().values() if variable.old]
    assert old
    assert [each.old for each in old if release(each.until) <= release(project["version"])] == []


def test_every_variable_that_is_read_by_itself_is_listed() -> None:
    folders = ("mlc", "workflows", "activities", "tests", "bench", "docs", "examples")
    sources = [file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")]
    reading = re.compile(r"""(?:environ(?:\.get|\.pop|\.setdefault)?|getenv)[\[(]\s*["'](MLC_\w*)["']""")
    assert {name for source in sources for name in reading.findall(source)} == OTHER_VARIABLES.keys()


FORMER = {
    "MLC_GATEWAY_WEBHOOK_PROJECTS": (JiraSettings, "webhook_projects"),
    "MLC_GATEWAY_WEBHOOK_TABLES": (ServiceNowSettings, "webhook_tables"),
}


@pytest.mark.parametrize("former", FORMER)
def test_a_setting_that_moved_to_its_ticket_system_is_read_by_its_old_name(
    former: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, field = FORMER[former]
    assert group.variables()[field].old == former
    monkeypatch.setenv(former, '["OLD"]')
    assert getattr(group(), field) == ["OLD"]
    monkeypatch.setenv(group.variable(field), '["NEW"]')
    assert getattr(group(), field) == ["NEW"]
    assert getattr(group(**{field: ["CODE"]}), field) == ["CODE"]


def test_the_review_tags_are_read_from_the_variables_that_they_always_had(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (ProcessSettings().review_tag, ServiceNowSettings().review_tag) == ("jira", "servicenow")
    monkeypatch.setenv("MLC_REVIEW_TAG", "review")
    monkeypatch.setenv("MLC_SERVICENOW_REVIEW_TAG", "review-there")
    assert (ProcessSettings().review_tag, ServiceNowSettings().review_tag) == ("review", "review-there")


TAGS = ("MLC_TRAIN_TAG", "MLC_RUN_TEST_TAG", "MLC_REVIEW_TAG")


@pytest.mark.parametrize("second", TAGS)
@pytest.mark.parametrize("first", TAGS)
def test_the_tags_of_two_steps_differ(first: str, second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(first, "same")
    monkeypatch.setenv(second, " same ")
    if first == second:
        assert "same" in ProcessSettings().control_tags
        return
    with pytest.raises(ValidationError) as refused:
        ProcessSettings()
    one, other = sorted((first, second), key=TAGS.index)
    said = f"{one} and {other} are the same tag ('same'): set one of them to another."
    assert what_is_wrong(refused.value) == said


@pytest.mark.parametrize(
    ("variable", "group"),
    [*((tag, ProcessSettings) for tag in TAGS), ("MLC_SERVICENOW_REVIEW_TAG", ServiceNowSettings)],
)
def test_a_tag_of_blanks_alone_is_refused(variable: str, group: type[Group], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, " \t")
    with pytest.raises(ValidationError) as refused:
        group()
    assert what_is_wrong(refused.value).startswith(f"{variable}: a tag can't be of blanks alone")


def test_blanks_around_a_tag_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*TAGS, "MLC_JIRA_REVIEW_TAG", "MLC_SERVICENOW_REVIEW_TAG"):
        monkeypatch.setenv(variable, f" {variable} x ")
    assert list(ProcessSettings().control_tags) == [f"{variable} x" for variable in TAGS]
    assert JiraSettings().review_tag == "MLC_JIRA_REVIEW_TAG x"
    assert ServiceNowSettings().review_tag == "MLC_SERVICENOW_REVIEW_TAG x"


def test_what_becomes_of_a_missing_monitor_is_one_of_three_and_nothing_misspelt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ProcessSettings().on_missing_monitor == "warn"
    monkeypatch.setenv("MLC_ON_MISSING_MONITOR", "wran")
    with pytest.raises(ValidationError) as raised:
        ProcessSettings()
    assert what_is_wrong(raised.value) == "MLC_ON_MISSING_MONITOR: Input should be 'warn', 'ask' or 'fail'."


def test_when_monitors_run_is_a_cron_expression_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ProcessSettings().monitor_schedule == ""
    for written, meant in ((" 0 0 2 * * ? ", "0 0 2 * * ?"), ("None", ""), (" ", "")):
        monkeypatch.setenv("MLC_MONITOR_SCHEDULE", written)
        assert ProcessSettings().monitor_schedule == meant
    monkeypatch.setenv("MLC_MONITOR_SCHEDULE", "nightly")
    with pytest.raises(ValidationError) as raised:
        ProcessSettings()
    assert what_is_wrong(raised.value).startswith("MLC_MONITOR_SCHEDULE: ")
    assert "A cron expression has six or seven fields" in what_is_wrong(raised.value)


def test_a_list_that_is_no_json_is_said_by_its_variable_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_JIRA_APPROVED_STATUSES", "Done,hush")
    with pytest.raises(SettingsError) as caught:
        JiraSettings()
    assert str(caught.value) == "MLC_JIRA_APPROVED_STATUSES can't be read: write lists and objects as JSON"
    monkeypatch.delenv("MLC_JIRA_APPROVED_STATUSES")
    monkeypatch.setenv("MLC_GATEWAY_WEBHOOK_PROJECTS", "MLR")
    with pytest.raises(SettingsError, match=r"^MLC_JIRA_WEBHOOK_PROJECTS can't be read: write lists"):
        JiraSettings()
