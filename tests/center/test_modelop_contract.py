"""ModelOp's adapter keeps the contract of a centre: with the usual words, and with others for what is not proven."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from center_harness import TOKEN, no_temporal, served, settings_for
from dialect import Dialect
from other_words import OTHER_WORDS, left_open
from pydantic import SecretStr

from mlc.center import Center
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app
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


@dataclass
class Site:
    """A centre, the settings that fit it, and what was said to it in words that it doesn't know."""

    address: str
    settings: CenterSettings
    misspoken: list[str]


@pytest.fixture(params=["usual words", "other words", "files by reference", "standalone mode"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    app = create_app(
        StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN)), connect=no_temporal
    )
    if request.param != "other words":
        standalone = request.param == "standalone mode"
        contents = "reference" if standalone or request.param == "files by reference" else "embedded"
        with served(app) as base:
            yield Site(base, settings_for(base, page_size=3, contents=contents, standalone=standalone), [])
        return
    dialect = Dialect(app, CenterSettings(**OTHER_WORDS))
    with served(dialect) as base:
        yield Site(base, settings_for(base, page_size=3, **OTHER_WORDS), dialect.misspoken)
    assert dialect.misspoken == [], "the adapter used words that this centre doesn't know"


@pytest.fixture
async def center(site: Site) -> AsyncIterator[Center]:
    adapter = ModelOpCenter(site.settings)
    yield adapter
    await adapter.aclose()


@pytest.fixture
def monitored(site: Site) -> Monitored:
    async def write(snapshot_id: str) -> None:
        names = site.settings
        result = {
            names.result_snapshot_field: snapshot_id,
            names.result_job_field: str(uuid.uuid4()),
            names.result_monitor_field: {"id": str(uuid.uuid4())},
            "testResults": {"drift": 0.1},
        }
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(headers=headers) as http:
            (await http.post(f"{names.url}/{names.test_results}", json=result)).raise_for_status()

    return write


class TestCatalogue(CatalogueContract): ...


class TestJobs(JobContract): ...


class TestLedger(LedgerContract): ...


class TestOnlineRequests(OnlineRequestContract): ...


class TestPolicies(PolicyContract): ...


class TestSurroundings(SurroundingsContract): ...


class TestTruth(TruthContract): ...


def test_all_that_is_not_proven_has_another_word() -> None:
    usual = CenterSettings()
    other = CenterSettings(**OTHER_WORDS)
    assert set(left_open()) <= set(OTHER_WORDS)
    assert len(left_open()) > 30
    for name in OTHER_WORDS:
        assert getattr(other, name) != getattr(usual, name), name


async def test_the_usual_words_are_noticed(tmp_path: Path) -> None:
    """The second run above can fail: an adapter with the usual settings is found out."""
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    dialect = Dialect(create_app(settings, connect=no_temporal), CenterSettings(**OTHER_WORDS))
    with served(dialect) as base:
        adapter = ModelOpCenter(settings_for(base))
        assert await adapter.find_models("x") == []
        await adapter.aclose()
    assert dialect.misspoken == ["GET /model-manage/api/storedModels/search/findAllByModelMetaData_Name"]
