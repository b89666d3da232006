"""``monitors`` of ``metadata.json``: when monitors run, or what is wrong with it, where, and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlc.center.modelop.folder import examine
from mlc.model.schedule import Timing

DRIFT = "Data Drift Monitor: Comprehensive Analysis"
RIGHT = {"schedule": "0 0 3 * * ?"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text("# modelop.score\ndef score(x):\n    yield x\n")
    return tmp_path


def said(folder: Path, monitors: Any, **more: Any) -> list[str]:
    """The problems."""
    text = {"modelMethodology": "Classification", "monitors": monitors, **more}
    (folder / "metadata.json").write_text(json.dumps(text))
    return examine(folder).problems


def test_when_monitors_run_is_read(folder: Path) -> None:
    zone = {"schedule": "30 6 * * MON-FRI", "timeZone": "Europe/Vienna"}
    assert said(folder, {DRIFT: RIGHT, "Stability Monitor: PSI/CSI": zone}) == []
    found = examine(folder).folder
    assert found is not None
    assert found.model.monitor_timings == {
        DRIFT: Timing(cron="0 0 3 * * ?"),
        "Stability Monitor: PSI/CSI": Timing(cron="30 6 * * MON-FRI", time_zone="Europe/Vienna"),
    }
    assert said(folder, {}) == []
    assert said(folder, None) == []


@pytest.mark.parametrize(
    ("monitors", "problem"),
    [
        ([DRIFT], "metadata.json: monitors: must map names of monitors to schedules"),
        ("nightly", "must map names of monitors to schedules"),
        ({"Data Drift Monitor": RIGHT}, f"Data Drift Monitor: did you mean {DRIFT}?"),
        ({"Mine": RIGHT}, "Mine: The model gets no monitor of this name, but Performance Monitor: Classification, "),
        ({"Performance Monitor: Regression": RIGHT}, "did you mean Performance Monitor: Classification?"),
        ({"x" * 5_000: RIGHT}, "The model gets no monitor of this name"),
        ({DRIFT: "0 0 3 * * ?"}, f'{DRIFT}: must say when it runs, {{"schedule": "0 0 3 * * ?"'),
        ({DRIFT: None}, "must say when it runs"),
        ({DRIFT: {}}, f"{DRIFT}: has no schedule: write"),
        ({DRIFT: {"timeZone": "UTC"}}, "has no schedule"),
        ({DRIFT: {"shedule": "0 0 3 * * ?"}}, "shedule is not known; did you mean schedule?"),
        ({DRIFT: RIGHT | {"timezone": "UTC"}}, "timezone is not known; did you mean timeZone?"),
        ({DRIFT: RIGHT | {"x": 1}}, "x is not known; known are schedule and timeZone."),
        ({DRIFT: {"schedule": 3}}, "schedule must be a text, as in"),
        ({DRIFT: {"schedule": " "}}, "schedule must be a text"),
        ({DRIFT: {"schedule": None}}, "schedule must be a text"),
        ({DRIFT: RIGHT | {"timeZone": []}}, "timeZone must be a text"),
        ({DRIFT: {"schedule": "nightly"}}, "A cron expression has six or seven fields"),
        ({DRIFT: {"schedule": "0 0 25 * * ?"}}, "25 is not between 0 and 23"),
        ({DRIFT: {"schedule": "0 0 3 30 2 ?"}}, "the months that are named have no such day"),
        ({DRIFT: {"schedule": "0 0 3 * * ? " * 1_000}}, "may have 500 characters"),
        ({DRIFT: RIGHT | {"timeZone": "Mars/Olympus"}}, "time zone 'Mars/Olympus' is not known. Example:"),
        ({DRIFT: RIGHT | {"timeZone": "../../etc/passwd"}}, "is not known"),
        ({DRIFT: RIGHT | {"timeZone": "Europe"}}, "is not known"),
        ({DRIFT: RIGHT | {"timeZone": "\u0000"}}, "is not known"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(folder: Path, monitors: Any, problem: str) -> None:
    found = said(folder, monitors)
    assert len(found) == 1 or "no schedule" in found[-1]
    assert any(problem in each for each in found)
    assert all(each.startswith("metadata.json: monitors: ") and len(each) < 1_000 for each in found)


def test_all_that_is_wrong_is_said_at_once(folder: Path) -> None:
    found = said(folder, {DRIFT: {"schedule": "x", "timezone": "UTC"}, "Mine": 1})
    assert len(found) == 4


def test_a_monitor_has_no_monitors_and_a_misspelt_key_is_noticed(folder: Path) -> None:
    (problem,) = said(folder, {DRIFT: RIGHT}, modelCategory="MODEL_MONITORING_MODEL")
    assert "a monitor has none that watch it; leave it out" in problem
    (folder / "metadata.json").write_text(json.dumps({"monitor": {}}))
    assert "metadata.json: monitor is not known; did you mean monitors?" in examine(folder).notices
