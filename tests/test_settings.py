"""Settings: said in one place, and read from the environment."""

import runpy
from datetime import timedelta
from pathlib import Path

import pytest

from mlc.settings import ProcessSettings
from mlc.ticketing.jira.settings import JiraSettings

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
