"""One centre for all tests of activities: what a test finds there, it has made itself."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from backroom import Backroom, backroom
from outside import Board


@pytest.fixture(scope="session")
async def _room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backroom]:
    async with backroom(tmp_path_factory.mktemp("centre")) as opened:
        yield opened


@pytest.fixture
def room(_room: Backroom) -> Backroom:
    """With the activities as the worker has them."""
    return Backroom(_room.port, _room.http)


@pytest.fixture
async def own_room(tmp_path: Path) -> AsyncIterator[Backroom]:
    """A centre of the test's own: what it says of all runtimes is of the test's."""
    async with backroom(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def board() -> Board:
    return Board()
