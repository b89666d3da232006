"""A thread makes no further request once the activity that started it has ended."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.failures import lookup_deadline
from activities.heartbeats import Heartbeats
from activities.threads import begins, in_thread
from mlc.model.failure import Unavailable
from mlc.ticketing import waiting
from tests.fuzz import tickets as fuzz
from tests.fuzz.answering import Answer, Site, answering, said
from tests.fuzz.ticket_answers import LABEL, RECORD, Recipe, issue, row


@pytest.fixture
def site() -> Iterator[Site]:
    with answering() as running:
        yield running


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def held(site: Site, routes: list[tuple[str, Any]]) -> tuple[threading.Event, threading.Event]:
    """Have the site keep its first request waiting. Its searches don't end for long."""
    arrived, let_go = threading.Event(), threading.Event()

    def answer(method: str, path: str) -> Answer:
        number = len(site.requests)
        if number == 1:
            arrived.set()
            assert let_go.wait(60)
        if "/search" in path:
            found = issue({"id": "1", "name": "To Do", "statusCategory": {"key": "new"}}) | {"id": str(number)}
            return said({"issues": [found], "nextPageToken": f"T{number}", "isLast": False})
        if "table/change_request?" in path or "table/incident?" in path:
            return said({"result": [RECORD | row(sys_id=f"{number:032x}")]}, X_Total_Count="40000")
        return Recipe().answer(routes, method, path)

    site.answer = answer
    return arrived, let_go


async def idle(threads: ThreadPoolExecutor) -> None:
    """Wait until the only thread has ended what it did."""
    await asyncio.get_running_loop().run_in_executor(threads, lambda: None)


@pytest.mark.parametrize("call", ["find", "get_many", "changed", "get", "close", "comment", "attach"])
@pytest.mark.parametrize("system", sorted(fuzz.SYSTEMS))
async def test_a_cancelled_activity_leaves_no_thread_that_asks_further(
    site: Site, threads: ThreadPoolExecutor, system: str, call: str
) -> None:
    arrived, let_go = held(site, fuzz.SYSTEMS[system].routes)
    running = asyncio.create_task(in_thread(threads, fuzz.CALLS[call], fuzz.SYSTEMS[system], site.url))
    assert await asyncio.to_thread(arrived.wait, 60)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    let_go.set()
    await idle(threads)
    assert len(site.requests) == 1


async def test_a_thread_asks_nothing_further_once_the_server_has_given_its_activity_up(
    site: Site, threads: ThreadPoolExecutor
) -> None:
    """The worker is told seconds later."""
    arrived, let_go = held(site, fuzz.SYSTEMS["jira cloud"].routes)
    adapter = fuzz.SYSTEMS["jira cloud"].adapter(site.url)
    begins(timedelta(seconds=0.2))
    running = asyncio.create_task(in_thread(threads, adapter.find, LABEL))
    assert await asyncio.to_thread(arrived.wait, 60)
    over = time.monotonic() + 0.2
    while time.monotonic() < over:
        await asyncio.sleep(0.01)
    let_go.set()
    with pytest.raises(Unavailable, match="nobody waits for it any more"):
        await running
    assert len(site.requests) == 1
    begins(None)
    assert await in_thread(threads, adapter.properties, fuzz.SYSTEMS["jira cloud"].ref)


async def test_a_worker_knows_how_long_the_server_waits_for_each_activity(threads: ThreadPoolExecutor) -> None:
    limits = list[float]()

    async def act() -> None:
        limits.append(await in_thread(threads, lambda: waiting._left.get()[1] - time.monotonic()))  # type: ignore[index]

    class Inner:
        async def execute_activity(self, _: object) -> None:
            await act()

    environment = ActivityEnvironment()
    for limit in (timedelta(seconds=90), None):
        environment.info = replace(environment.info, start_to_close_timeout=limit, heartbeat_timeout=None)
        following = Heartbeats([]).intercept_activity(Inner())  # type: ignore[arg-type]
        await environment.run(following.execute_activity, SimpleNamespace(fn=act))
    assert 80 < limits[0] <= 90
    assert limits[1] == float("inf")


async def test_nothing_is_created_after_the_time_for_looking_is_over(site: Site, threads: ThreadPoolExecutor) -> None:
    arrived, let_go = held(site, fuzz.SYSTEMS["jira cloud"].routes)
    adapter = fuzz.SYSTEMS["jira cloud"].adapter(site.url)

    async def look_and_create() -> None:
        async with lookup_deadline(timedelta(seconds=0.2)):
            await in_thread(threads, lambda: (adapter.find(LABEL), adapter.create(fuzz.QUESTION)))

    environment = ActivityEnvironment()
    with pytest.raises(Exception, match="Nothing was created"):
        await environment.run(look_and_create)
    assert arrived.is_set()
    let_go.set()
    await idle(threads)
    assert len(site.requests) == 1


async def test_a_call_that_is_still_queued_is_never_made(site: Site, threads: ThreadPoolExecutor) -> None:
    arrived, let_go = held(site, fuzz.SYSTEMS["jira cloud"].routes)
    first = asyncio.create_task(in_thread(threads, fuzz.CALLS["properties"], fuzz.SYSTEMS["jira cloud"], site.url))
    assert await asyncio.to_thread(arrived.wait, 60)
    queued = asyncio.create_task(in_thread(threads, fuzz.CALLS["create"], fuzz.SYSTEMS["jira cloud"], site.url))
    await asyncio.sleep(0)
    queued.cancel()
    with suppress(asyncio.CancelledError):
        await queued
    let_go.set()
    await first
    await idle(threads)
    assert [line.partition("?")[0] for line in site.requests] == ["GET /rest/api/2/issue/10001/properties/gov.ticket"]


async def test_another_call_on_the_same_thread_is_not_stopped(site: Site, threads: ThreadPoolExecutor) -> None:
    arrived, let_go = held(site, fuzz.SYSTEMS["jira cloud"].routes)
    adapter = fuzz.SYSTEMS["jira cloud"].adapter(site.url)
    first = asyncio.create_task(in_thread(threads, adapter.find, LABEL))
    assert await asyncio.to_thread(arrived.wait, 60)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    let_go.set()
    assert await in_thread(threads, adapter.properties, fuzz.SYSTEMS["jira cloud"].ref)


def test_who_is_left_is_told_that_nothing_was_sent() -> None:
    left = threading.Event()
    waiting.until(left)
    try:
        waiting.make_sure("Jira", "create a ticket")
        left.set()
        with pytest.raises(Unavailable, match="was not asked to create a ticket") as caught:
            waiting.make_sure("Jira", "create a ticket")
        assert not caught.value.maybe_done
    finally:
        waiting.until(threading.Event())
