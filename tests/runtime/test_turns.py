"""Whose turn it is on a runtime, in schedules that are made and not hoped for."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.runtime.turns import Turns


class Jobs:
    """Jobs that run until they are told to end; ``log`` says what happened."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.running: list[str] = []
        self.waiting: dict[str, list[str]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, name: str, *, alone: bool = False) -> None:
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._run(name, alone))
        await settled()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self._tasks.pop(name)
        await settled()

    async def cancel(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await settled()

    async def _run(self, name: str, alone: bool) -> None:
        async def waits_for(jobs: list[str]) -> None:
            self.waiting[name] = jobs

        async with self.turns.take(name, alone=alone, waits_for=waits_for):
            self.running.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.running.remove(name)


async def settled() -> None:
    """Everything that could go on has done so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_jobs_run_beside_each_other_and_wait_for_nobody() -> None:
    jobs = Jobs()
    for name in "abc":
        await jobs.start(name)
    assert (jobs.running, jobs.waiting) == (["a", "b", "c"], {})
    for name in "abc":
        await jobs.end(name)


async def test_one_that_runs_alone_waits_for_all_that_run_and_all_that_come_wait_for_it() -> None:
    jobs = Jobs()
    await jobs.start("a")
    await jobs.start("b")
    await jobs.start("killer", alone=True)
    await jobs.start("late")
    await jobs.start("later")
    first = ["a", "b", "killer"]
    assert (jobs.running, jobs.waiting) == (first[:2], {"killer": first[:2], "late": first, "later": [*first, "late"]})
    await jobs.end("a")
    assert jobs.running == ["b"]
    await jobs.end("b")
    assert jobs.running == ["killer"]
    await jobs.end("killer")
    assert jobs.running == ["late", "later"]
    await jobs.end("late")
    await jobs.end("later")


async def test_two_that_run_alone_have_their_turns_one_after_the_other() -> None:
    jobs = Jobs()
    await jobs.start("first", alone=True)
    await jobs.start("second", alone=True)
    assert jobs.running == ["first"]
    await jobs.end("first")
    assert jobs.running == ["second"]
    await jobs.end("second")


async def test_two_that_run_alone_and_come_while_another_runs_do_not_wait_for_each_other_for_ever() -> None:
    jobs = Jobs()
    await jobs.start("other")
    await jobs.start("first", alone=True)
    await jobs.start("second", alone=True)
    assert jobs.running == ["other"]
    for ended, next_one in (("other", "first"), ("first", "second")):
        await jobs.end(ended)
        assert jobs.running == [next_one]
    await jobs.end("second")


async def test_one_that_is_cancelled_while_it_waits_lets_the_others_go_on() -> None:
    jobs = Jobs()
    await jobs.start("a")
    await jobs.start("killer", alone=True)
    await jobs.start("b")
    assert jobs.running == ["a"]
    await jobs.cancel("killer")
    assert jobs.running == ["a", "b"]
    await jobs.cancel("a")
    await jobs.end("b")
    await jobs.start("next", alone=True)
    assert jobs.running == ["next"]
    await jobs.end("next")


async def test_one_that_is_cancelled_at_the_moment_of_its_turn_gives_it_back() -> None:
    turns = Turns()
    told = asyncio.Event()

    async def waits_for(_jobs: list[str]) -> None:
        told.set()

    async def take(name: str) -> None:
        async with turns.take(name, alone=True, waits_for=waits_for):
            await asyncio.sleep(3600)

    holder, cancelled = asyncio.create_task(take("holder")), asyncio.create_task(take("cancelled"))
    await told.wait()
    await settled()
    holder.cancel()
    while not holder.done():  # its turn is called, but it hasn't gone on yet
        await asyncio.sleep(0)
        cancelled.cancel()
    await asyncio.gather(holder, cancelled, return_exceptions=True)
    async with asyncio.timeout(60), turns.take("next", alone=True, waits_for=waits_for):
        pass


async def test_one_that_fails_to_say_that_it_waits_gives_its_place_back() -> None:
    turns = Turns()

    async def fails(_jobs: list[str]) -> None:
        raise RuntimeError("the centre is away")

    async def nobody(_jobs: list[str]) -> None:
        raise AssertionError("there is nobody to wait for")

    async with turns.take("a", alone=False, waits_for=nobody):
        with pytest.raises(RuntimeError):
            async with turns.take("killer", alone=True, waits_for=fails):
                pass
        async with turns.take("b", alone=False, waits_for=nobody):
            pass


@given(
    st.lists(st.booleans(), min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from(("start", "end", "cancel")), st.integers(0, 7)), max_size=40),
)
async def test_whatever_the_schedule_who_runs_alone_is_alone_and_everybody_gets_a_turn(
    alone: list[bool], schedule: list[tuple[str, int]]
) -> None:
    jobs = Jobs()
    names = [f"{number}{'!' * wish}" for number, wish in enumerate(alone)]
    coming: Iterator[str] = iter(names)
    there: list[str] = []
    for what, number in [*schedule, *(("start", 0) for _ in names), *(("end", n) for n in range(8) for _ in names)]:
        if what == "start" and (name := next(coming, "")):
            there.append(name)
            await jobs.start(name, alone=name.endswith("!"))
        elif what == "end" and jobs.running:
            name = jobs.running[number % len(jobs.running)]
            there.remove(name)
            await jobs.end(name)
        elif what == "cancel" and there:
            name = there.pop(number % len(there))
            await jobs.cancel(name)
        assert len(jobs.running) <= 1 or not any(name.endswith("!") for name in jobs.running)
        assert bool(jobs.running) == bool(there)
    assert there == []
