"""The saved histories: a folder for each release that saved some, with the files' hashes in ``SHA256SUMS``."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.compatibility.releases import ROOT, Version

WHERE = Path("tests/histories")
SUMS = "SHA256SUMS"
PATCH_MARKER = "core_patch"
"""The marker that ``workflow.patched`` leaves in a history."""
LOCAL_MARKER = "core_local_activity"
"""The marker of a call within the workflow's worker."""

_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\0]+)", re.ASCII)


@dataclass(frozen=True)
class History:
    """One saved run. ``version`` is the release whose code it ran on (or the one to come)."""

    file: Path
    version: Version

    @property
    def name(self) -> str:
        """What tests show: ``0.1.0/a_run-1``."""
        return f"{self.version}/{self.file.stem}"

    @cached_property
    def document(self) -> dict[str, Any]:
        """The history as Temporal's JSON."""
        document: dict[str, Any] = json.loads(self.file.read_text())
        return document

    @property
    def workflow(self) -> str:
        """The workflow's type."""
        name: str = self.document["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"]
        return name

    @property
    def patches(self) -> set[str]:
        """The ids of the patches whose markers the run holds."""
        return set(patches(self.document))


def folders(root: Path = ROOT) -> list[tuple[Version, Path]]:
    """The folders of saved histories, the oldest release first.

    Raises:
        ValueError: a folder is not named as a version.
    """
    found = [(Version.read(path.name), path) for path in (root / WHERE).iterdir() if path.is_dir()]
    return sorted(found)


def histories(root: Path = ROOT) -> list[History]:
    """Every saved history, the oldest release first."""
    return [History(file, version) for version, folder in folders(root) for file in sorted(folder.glob("*.json"))]


def patches(document: dict[str, Any]) -> Iterator[str]:
    """The ids of the patches whose markers a history holds."""
    for event in document["events"]:
        marker = event.get("markerRecordedEventAttributes", {})
        if marker.get("markerName") == PATCH_MARKER:
            (payload,) = marker["details"]["patch-data"]["payloads"]
            yield json.loads(base64.b64decode(payload["data"]))["id"]


def course(document: dict[str, Any]) -> list[str]:
    """What a run did, in order: the commands that a replay has to give again, and how each ended."""
    steps = []
    for event in document["events"]:
        kind = event["eventType"].removeprefix("EVENT_TYPE_")
        if not kind.startswith("WORKFLOW_TASK") and kind != "ACTIVITY_TASK_STARTED":
            scheduled = event.get("activityTaskScheduledEventAttributes", {})
            steps.append(f"{kind} {scheduled.get('activityType', {}).get('name', '')}")
    return [*steps, *(f"patch {id_}" for id_ in patches(document))]


def read_sums(folder: Path) -> dict[str, str]:
    """The hash of each file that a folder's ``SHA256SUMS`` lists.

    Raises:
        ValueError: there is none, a line of it can't be read, or a file stands in it twice.
    """
    file = folder / SUMS
    if not file.is_file():
        raise ValueError(f"{folder.name}/{SUMS} is missing")
    sums: dict[str, str] = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{folder.name}/{SUMS}, line {number}: a hash, two spaces and a file's name are expected")
        if match[2] in sums:
            raise ValueError(f"{folder.name}/{SUMS}, line {number}: {match[2]} stands there twice")
        sums[match[2]] = match[1]
    return sums


def list_new_files(folder: Path) -> list[str]:
    """Add the files that ``SHA256SUMS`` doesn't list yet; what it lists is left as it is.

    Returns:
        The names that were added.
    """
    known = read_sums(folder) if (folder / SUMS).exists() else {}
    new = sorted(file.name for file in folder.glob("*.json") if file.name not in known)
    sums = known | {name: sha256(folder / name) for name in new}
    (folder / SUMS).write_text("".join(f"{hash_}  {name}\n" for name, hash_ in sorted(sums.items())))
    return new


def sha256(file: Path) -> str:
    """A file's SHA-256, as ``sha256sum`` prints it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
