"""``--save-histories``: what is kept where, and what is never touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compatibility.histories import SUMS, list_new_files, read_sums
from tests.compatibility.saving import LARGEST, folder_for, save


def run_of(*activities: str, note: str = "") -> dict[str, Any]:
    events: list[dict[str, Any]] = [{"eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED", "note": note}]
    for name in activities:
        scheduled = {"activityType": {"name": name}}
        events.append(
            {"eventType": "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED", "activityTaskScheduledEventAttributes": scheduled}
        )
    return {"events": events}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose release 0.2.0 is out, with one history from 0.1.0."""
    (tmp_path / "RELEASES").write_text(f"0.1.0 {'0' * 40}\n0.2.0 {'1' * 40}\n")
    old = tmp_path / "tests" / "histories" / "0.1.0"
    old.mkdir(parents=True)
    (old / "one-1.json").write_text(json.dumps(run_of("one")))
    list_new_files(old)
    return tmp_path


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "0.1.9"])
def test_a_release_that_is_out_gets_no_more_histories(root: Path, version: str) -> None:
    with pytest.raises(ValueError, match=r"0\.2\.0 is out"):
        folder_for(version, root)


@pytest.mark.parametrize("version", ["", "next", "0.3", "../0.3.0", "0.3.0/", "0.3.0rc1", "00.3.0"])
def test_a_folder_is_named_as_a_version(root: Path, version: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        folder_for(version, root)


def test_a_run_is_kept_in_the_folder_of_the_release_to_come(root: Path) -> None:
    folder = folder_for("0.3.0", root)
    file = save(run_of("two"), "two-1", folder)
    assert file == root / "tests" / "histories" / "0.3.0" / "two-1.json"
    assert json.loads(file.read_text()) == run_of("two")
    assert list_new_files(folder) == ["two-1.json"]
    assert list_new_files(folder) == []
    assert read_sums(folder).keys() == {"two-1.json"}


def test_a_run_with_a_course_that_any_release_has_saved_is_not_kept(root: Path) -> None:
    folder = folder_for("0.3.0", root)
    assert save(run_of("one", note="another text, the same course"), "one-2", folder) is None
    assert save(run_of("one", "two"), "two-1", folder) is not None
    assert save(run_of("one", "two"), "two-2", folder) is None


def test_a_large_run_is_not_kept(root: Path) -> None:
    assert save(run_of("two", note="x" * LARGEST), "two-1", folder_for("0.3.0", root)) is None


def test_a_file_that_is_there_is_never_replaced(root: Path) -> None:
    folder = folder_for("0.3.0", root)
    first = save(run_of("two"), "two-1", folder)
    second = save(run_of("three"), "two-1", folder)
    assert (first, second) == (folder / "two-1.json", folder / "two-1-2.json")
    assert json.loads((folder / "two-1.json").read_text()) == run_of("two")


def test_sums_that_are_listed_stay_as_they_are(root: Path) -> None:
    """So that a file that somebody changed is still found out."""
    folder = folder_for("0.3.0", root)
    save(run_of("two"), "two-1", folder)
    list_new_files(folder)
    before = (folder / SUMS).read_text()
    (folder / "two-1.json").write_text("{}")
    list_new_files(folder)
    assert (folder / SUMS).read_text() == before


def test_traces_are_left_out(root: Path) -> None:
    document = run_of("two")
    document["events"][0]["failure"] = {"message": "no", "stackTrace": "/home/somebody/project.py, line 1"}
    file = save(document, "two-1", folder_for("0.3.0", root))
    assert file is not None
    assert "somebody" not in file.read_text()
