import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlc.standalone.center.store import Store


@pytest.fixture(scope="module", autouse=True)
def databases_are_migrated_once() -> None:
    """How a database comes to this release's form is what is tested here: each is brought there by itself."""


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One place for all: the databases on PostgreSQL are copies of one, whose files are there."""
    return str(tmp_path_factory.mktemp("files"))


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def stores(request: pytest.FixtureRequest, tmp_path: Path, files: str) -> Iterator[tuple[Store, Store]]:
    """Two centres on one database."""
    place: tuple[str | Path, str] = tmp_path / "center.db", ""
    if request.param == "PostgreSQL":
        copies = request.getfixturevalue("postgres_copies")
        address = copies("center", lambda url: Store(url, files).close())
        # Files that a test leaves must be no other test's: each has a copy of the place, with the mark of the database.
        place = address, str(shutil.copytree(files, tmp_path / "files"))
    pair = Store(*place), Store(*place)
    yield pair
    for store in pair:
        store.close()
