"""Two centres on one PostgreSQL keep the contract of a centre, whichever of them a request comes to."""

import itertools
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from center.center_harness import TOKEN, CenterProcess, settings_for
from postgres_server import PASSWORD, PostgresServer

from mlc.center import Center
from mlc.center.modelop import check as modelop_check
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.finding import Mark
from mlc.standalone.database import CENTER
from mlc.standalone.database.migration import head
from mlc.testing.center import (
    CatalogueContract,
    JobContract,
    LedgerContract,
    Monitored,
    OnlineRequestContract,
    PolicyContract,
    SurroundingsContract,
    TruthContract,
)

KEPT = ("entity", "entity_count")


@dataclass
class InTurn(httpx.AsyncBaseTransport):
    """Each request goes to the next one of several addresses."""

    ports: list[int]
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.ports)
        self._there = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        port = next(self._turn)
        self.asked.append(port)
        request.url = request.url.copy_with(port=port)
        return await self._there.handle_async_request(request)

    async def aclose(self) -> None:
        await self._there.aclose()


@dataclass(frozen=True)
class Site:
    server: PostgresServer
    database: str
    ports: list[int]

    def as_it_was_at_first(self) -> None:
        """As both centres made it when they started."""
        for table in KEPT:
            self.server.run(f"TRUNCATE {table}", self.database)
            self.server.run(f"INSERT INTO {table} SELECT * FROM kept_{table}", self.database)


@pytest.fixture(scope="module")
def site(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two processes that start at once on an empty database."""
    folder, database = tmp_path_factory.mktemp("centres"), postgres_server.create()
    centres = [a_centre(folder / name, postgres_server.url(database)) for name in ("one", "other")]
    for centre in centres:
        centre.launch()
    for centre in centres:
        centre.wait()
    for table in KEPT:
        postgres_server.run(f"CREATE TABLE kept_{table} AS TABLE {table}", database)
    yield Site(postgres_server, database, [centre.port for centre in centres])
    for centre in centres:
        centre.kill()
    postgres_server.drop(database)


def a_centre(home: Path, url: str) -> CenterProcess:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return CenterProcess(home, port, {"MLC_CENTER_DATABASE": url, "MLC_CENTER_FILES": str(home.with_name("files"))})


@pytest.fixture
def in_turn(site: Site) -> InTurn:
    site.as_it_was_at_first()
    return InTurn(site.ports)


@pytest.fixture
async def center(in_turn: InTurn) -> AsyncIterator[Center]:
    async with httpx.AsyncClient(transport=in_turn, timeout=60) as http:
        adapter = ModelOpCenter(settings_for("http://127.0.0.1", page_size=3), http=http)
        yield adapter
    if len(in_turn.asked) > 1:
        assert set(in_turn.asked) == set(in_turn.ports)


@pytest.fixture
def monitored(in_turn: InTurn) -> Monitored:
    async def write(snapshot_id: str) -> None:
        result = {
            "deployableModelId": snapshot_id,
            "jobId": "5b0b2ad4-0000-4000-8000-000000000001",
            "associatedModel": {"id": "5b0b2ad4-0000-4000-8000-000000000002"},
            "testResults": {"drift": 0.1},
        }
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(headers=headers) as http:
            url = f"http://127.0.0.1:{in_turn.ports[0]}/model-manage/api/modelTestResults"
            (await http.post(url, json=result)).raise_for_status()

    return write


class TestCatalogue(CatalogueContract): ...


class TestJobs(JobContract): ...


class TestLedger(LedgerContract): ...


class TestOnlineRequests(OnlineRequestContract): ...


class TestPolicies(PolicyContract): ...


class TestSurroundings(SurroundingsContract): ...


class TestTruth(TruthContract): ...


async def test_a_centre_tells_its_operator_which_database_it_has_and_in_which_form(site: Site) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(headers=headers) as http:
        told = (await http.get(f"http://127.0.0.1:{site.ports[0]}/model-manage/api")).json()["mlcDatabase"]
    where = f"database {site.database} at 127.0.0.1:{site.server.port}"
    version = site.server.run("SHOW server_version")[0][0].split()[0]
    assert told == {"database": f"PostgreSQL {version} {where}", "revision": head(CENTER), "newest": head(CENTER)}
    known = modelop_check._database(told)
    assert known.mark is Mark.GOOD
    later = modelop_check._database(told | {"revision": "r9999_future"})
    assert (later.mark, "start the release that changed the database" in later.remedy) == (Mark.WARNING, True)


def test_no_password_is_told_by_a_centre_that_cannot_get_in(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.url("there_is_none")
    environment = os.environ | {
        "MLC_HOME": str(tmp_path),
        "MLC_CENTER_DATABASE": url,
        "MLC_STANDALONE_CENTER_TOKEN": TOKEN,
    }
    done = subprocess.run(
        [sys.executable, "-m", "mlc.cli", "center"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("MLC_CENTER_DATABASE: PostgreSQL database there_is_none at 127.0.0.1:")
    assert "has no database of this name" in sentence
    assert PASSWORD not in sentence
    assert quote(PASSWORD, safe="") not in sentence
