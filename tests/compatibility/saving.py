"""``pytest --save-histories VERSION``: keep the histories of the processes' tests for the replays of later releases."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compatibility.histories import WHERE, course, histories, list_new_files
from tests.compatibility.releases import ROOT, Version, releases

LARGEST = 85_000
"""Characters: what is longer holds the same again and again."""

OPTION = "--save-histories"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION,
        metavar="VERSION",
        help="save the histories of the processes' runs into tests/histories/VERSION, a release to come",
    )


def pytest_configure(config: pytest.Config) -> None:
    if (version := config.getoption(OPTION)) is not None:
        try:
            folder_for(version)
        except ValueError as error:
            raise pytest.UsageError(f"{OPTION}: {error}") from None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The sums are written once, when the last worker of a parallel run has finished."""
    folder = saving(session.config)
    if folder is not None and not hasattr(session.config, "workerinput"):
        new = list_new_files(folder) if folder.is_dir() else []
        session.config.get_terminal_writer().line(f"\n{len(new)} histories were saved in {folder.relative_to(ROOT)}.")


def saving(config: pytest.Config) -> Path | None:
    """Where histories are saved, if this run of pytest was told to save them."""
    version = config.getoption(OPTION)
    return None if version is None else folder_for(version)


def folder_for(version: str, root: Path = ROOT) -> Path:
    """The folder of a release that is to come.

    Raises:
        ValueError: that is no version, or that release is out: its histories are what its own code made.
    """
    wanted, newest = Version.read(version), releases(root)[-1].version
    if wanted <= newest:
        raise ValueError(f"{newest} is out, its histories stay as they are: name a version that comes after it")
    return root / WHERE / version


def save(document: dict[str, Any], name: str, folder: Path) -> Path | None:
    """Keep a run's history, unless it is a large one or one with the same course is there, of whatever release.

    Returns:
        Its file; None if it wasn't kept. A file that is there is never replaced: the new one gets another name.
    """
    document = without_traces(document)
    text = json.dumps(document, separators=(",", ":")) + "\n"
    root = folder.parent.parent.parent
    known = (course(saved.document) for saved in histories(root)) if folder.parent.is_dir() else ()
    if len(text) > LARGEST or course(document) in known:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        file = folder / f"{name}{suffix}.json"
        try:
            with file.open("x") as written:
                written.write(text)
        except FileExistsError:
            continue
        return file
    raise FileExistsError(f"{folder / name}.json and 98 more of that name are there")


def without_traces(part: Any) -> Any:
    """Stack traces say where this was run, and no replay reads them."""
    if isinstance(part, dict):
        return {name: without_traces(value) for name, value in part.items() if name != "stackTrace"}
    return [without_traces(value) for value in part] if isinstance(part, list) else part
