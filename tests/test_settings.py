"""Settings: said in one place, and read from the environment."""

import runpy
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from mlc.settings import ProcessSettings, what_is_wrong
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

ROOT = Path(__file__).parent.parent


def test_the_page_of_settings_says_what_the_code_says() -> None:
    document = runpy.run_path(str(ROOT / "docs" / "settings_table.py"))["document"]
    assert (ROOT / "docs" / "settings.md").read_text() == document() + "\n", "run: python docs/settings_table.py"


@pytest.mark.parametrize("written", ["3600", "PT1H"])
def test_a_duration_is_seconds_or_iso_8601(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_PATIENCE", written)
    assert ProcessSettings().patience == timedelta(hours=1)


def test_the_environment_wins_over_the_file_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlc.env").write_text("MLC_TRAIN_TAG=from_file\nMLC_RUN_TEST_TAG=from_file\n")
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    monkeypatch.setenv("MLC_TRAIN_TAG", "from_environment")
    settings = ProcessSettings()
    assert (settings.train_tag, settings.run_test_tag) == ("from_environment", "from_file")


def test_a_secret_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_JIRA_TOKEN", "very-secret")
    assert "very-secret" not in repr(JiraSettings())


FORMER = {
    "MLC_GATEWAY_WEBHOOK_PROJECTS": (JiraSettings, "webhook_projects"),
    "MLC_GATEWAY_WEBHOOK_TABLES": (ServiceNowSettings, "webhook_tables"),
}


@pytest.mark.parametrize("former", FORMER)
def test_a_former_name_of_a_setting_still_works_and_the_present_one_wins(
    former: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, field = FORMER[former]
    present, *others = group.variables(field)
    assert others == [former]
    (tmp_path / "mlc.env").write_text(f'{former}=["FILE"]\n')
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    assert getattr(group(), field) == ["FILE"]
    monkeypatch.setenv(former, '["OLD"]')
    assert getattr(group(), field) == ["OLD"]
    monkeypatch.setenv(present, '["NEW"]')
    assert getattr(group(), field) == ["NEW"]
    assert getattr(group(**{field: ["CODE"]}), field) == ["CODE"]


@pytest.mark.parametrize("variable", ["MLC_JIRA_WEBHOOK_PROJECTS", "MLC_GATEWAY_WEBHOOK_PROJECTS"])
def test_a_renamed_setting_that_is_wrong_is_named_by_either_name(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, '[{"key": "secret-value"}]')
    with pytest.raises(ValidationError) as caught:
        JiraSettings()
    assert what_is_wrong(caught.value) == (
        "MLC_JIRA_WEBHOOK_PROJECTS.0 (or MLC_GATEWAY_WEBHOOK_PROJECTS): Input should be a valid string."
    )


def test_the_review_tags_are_read_from_the_variables_that_they_always_had(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (ProcessSettings().review_tag, ServiceNowSettings().review_tag) == ("jira", "servicenow")
    monkeypatch.setenv("MLC_REVIEW_TAG", "review")
    monkeypatch.setenv("MLC_SERVICENOW_REVIEW_TAG", "review-there")
    assert (ProcessSettings().review_tag, ServiceNowSettings().review_tag) == ("review", "review-there")


def test_every_setting_has_a_variable_of_its_own() -> None:
    groups = runpy.run_path(str(ROOT / "docs" / "settings_table.py"))["GROUPS"]
    names = [name for group in groups for field in group.model_fields for name in group.variables(field)]
    assert len(set(names)) == len(names) > 150
    assert all(name.startswith("MLC_") for name in names)
