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
        place = copies("center", lambda url: Store(url, files).close()), files
    pair = Store(*place), Store(*place)
    yield pair
    for store in pair:
        store.close()
