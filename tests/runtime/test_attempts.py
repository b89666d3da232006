"""What one attempt at a job leaves for the next one, in its heartbeats."""

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from listening_server import ListeningServer
from temporalio.client import AsyncActivityCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from mlc.model.job import RunJobInput
from mlc.runtime import attempts
from mlc.runtime.activities import MOST_FAULTS, JobActivities
from mlc.runtime.attempts import MOST_STOPS, Attempt, Attempts, Past, StoppedProcesses, past_of
from mlc.runtime.isolation.levels import Process
from mlc.settings import RuntimeSettings

HERE, THERE = "this process", "another process"


@pytest.mark.parametrize(
    ("details", "past"),
    [
        ([], Past()),
        ([None], Past()),
        (["running"], Past()),
        ([[{"running": True}]], Past()),
        ([{}], Past()),
        # an older release's
        ([{"records": 41_000}], Past()),
        ([{"records": 41_000, "doing": "installing 3 packages"}], Past()),
        # one whose model was alive, and one whose was not
        ([{"running": True, "process": THERE}], Past(losses=1)),
        ([{"losses": 1, "running": True, "process": THERE}], Past(losses=2)),
        ([{"losses": 1, "running": True}], Past(losses=2)),
        ([{"losses": 1, "running": True, "process": 7}], Past(losses=2)),
        ([{"losses": 2, "doing": "waiting"}], Past(losses=2)),
        ([{"losses": 1, "running": False, "process": THERE}], Past(losses=1)),
        ([{"losses": 1, "faults": 3, "running": True, "process": THERE}, "more"], Past(losses=2, faults=3)),
        ([{"stops": 2}], Past(stops=2)),
        ([{"stops": True, "losses": 1}], Past(losses=1)),
        # this very process was not lost
        ([{"losses": 1, "running": True, "process": HERE}], Past(losses=1)),
        # misspelt, or forged
        ([{"lost": 5, "Running": True}], Past()),
        ([{"losses": True, "faults": True}], Past()),
        ([{"losses": -5, "faults": -1, "running": True, "process": THERE}], Past(losses=1)),
        ([{"losses": "2", "faults": 2.0, "running": "true"}], Past()),
        ([{"losses": None, "running": 1}], Past()),
        ([{"losses": [3], "running": {"a": True}}], Past()),
    ],
)
def test_a_loss_counts_only_if_the_last_heartbeat_says_that_the_model_was_alive_elsewhere(
    details: list[Any], past: Past
) -> None:
    assert past_of(details, HERE) == past


def attempt_at(server: ListeningServer, past: Past = Past()) -> Attempt:  # noqa: B008 - it is frozen
    return Attempt("job-1", past, HERE, server)  # type: ignore[arg-type]


async def test_a_model_is_not_started_before_temporal_knows_that_it_will_be_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0)
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    server = ListeningServer(away, away)
    server.there.clear()
    attempt = attempt_at(server, Past(losses=1))
    started = asyncio.create_task(attempt.model_alive(True))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not started.done()
    server.there.set()
    await started
    assert server.heard == [[{"losses": 1, "running": True, "process": HERE}]]


@pytest.mark.parametrize(
    "news",
    [
        RPCError("no such task", RPCStatusCode.NOT_FOUND, b""),
        AsyncActivityCancelledError(None),  # type: ignore[arg-type]
    ],
)
async def test_an_attempt_that_is_given_up_or_cancelled_does_not_wait_until_it_is_heard(news: Exception) -> None:
    async with asyncio.timeout(60):
        await attempt_at(ListeningServer(news)).model_alive(True)


async def test_temporal_hears_that_a_model_has_ended_and_that_a_runtime_is_stopped() -> None:
    server = ListeningServer()
    attempt = attempt_at(server)
    await attempt.model_alive(True)
    await attempt.model_alive(False)
    await attempt.model_alive(False)
    await attempt.model_alive(True)
    await attempt.stop()
    alive = [{"running": True, "process": HERE}]
    assert server.heard == [alive, [], alive, [{"stops": 1}]]
    await attempt.model_alive(True)  # it is about to be ended
    assert server.heard[-1] == [{"stops": 1}]


async def test_a_runtime_that_is_stopped_long_after_a_models_start_or_without_one_was_not_stopped_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ListeningServer()
    without = attempt_at(server)
    await without.stop()
    assert server.heard == []
    monkeypatch.setattr(attempts, "JUST_STARTED", 0)
    attempt = attempt_at(server)
    await attempt.model_alive(True)
    await attempt.stop()
    assert server.heard[-1] == []


@pytest.mark.parametrize(
    ("past", "alone"),
    [
        (Past(), False),
        (Past(losses=1), True),
        (Past(faults=5, stops=MOST_STOPS - 1), False),
        (Past(stops=MOST_STOPS), True),
    ],
)
def test_a_job_runs_alone_that_may_be_what_its_runtime_ended_of(past: Past, alone: bool) -> None:
    assert attempt_at(ListeningServer(), past).alone is alone


async def test_a_server_that_is_away_holds_up_no_runtime_that_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "LAST_WORDS", 0.05)
    server = ListeningServer()
    attempt = attempt_at(server)
    await attempt.model_alive(True)
    server.there.clear()
    async with asyncio.timeout(60):
        await attempt.stop()
    assert attempt.details() == [{"stops": 1}]


async def test_a_model_that_is_waited_for_is_withdrawn_when_the_runtime_stops_meanwhile() -> None:
    server = ListeningServer()
    server.there.clear()
    attempt = attempt_at(server)
    starting = asyncio.create_task(attempt.model_alive(True))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(attempt.stop())
    for _ in range(10):
        await asyncio.sleep(0)
    server.there.set()
    await asyncio.gather(starting, stopping)
    assert server.heard[-1] == [{"stops": 1}]


class Broken:
    """A ledger in whose adapter there is a mistake."""

    def open_job(self, _: str) -> Any:
        raise ZeroDivisionError("a mistake in the runtime")


@pytest.mark.parametrize("earlier", range(MOST_FAULTS))
async def test_a_runtime_that_fails_itself_gives_the_job_up_after_so_many_times(earlier: int, tmp_path: Path) -> None:
    server = ListeningServer()
    environment = ActivityEnvironment(client=server)  # type: ignore[arg-type]
    environment.info = dataclasses.replace(environment.info, heartbeat_details=[{"faults": earlier}])
    settings = RuntimeSettings(name="r", work_dir=tmp_path)
    jobs = JobActivities(Broken(), settings, Process(), tmp_path, text_limit=1024)  # type: ignore[arg-type]
    last = earlier + 1 == MOST_FAULTS
    with pytest.raises(ApplicationError if last else ZeroDivisionError, match="a mistake in the runtime") as failure:
        await environment.run(jobs.execute_job, RunJobInput(job_id="job-1"))
    assert server.heard[-1] == [{"faults": earlier + 1}]
    if isinstance(failure.value, ApplicationError):
        assert (failure.value.type, failure.value.non_retryable) == ("ZeroDivisionError", True)


async def test_a_runtime_that_is_stopped_while_temporal_is_away_was_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "LAST_WORDS", 0.05)
    server, stopped = ListeningServer(), StoppedProcesses(tmp_path / "stopped")
    first = Attempts(stopped)

    async def run(runtime: Attempts, *, stop: bool) -> int:
        async with runtime.begin("job-1") as attempt:
            await attempt.model_alive(True)
            server.there.clear()
            if stop:
                await runtime.stop()
            return attempt.losses

    environment = ActivityEnvironment(client=server)  # type: ignore[arg-type]
    await environment.run(run, first, stop=True)
    (told,) = server.heard[-1]
    assert told["running"] is True
    assert past_of([told], HERE, stopped) == Past()
    environment.info = dataclasses.replace(environment.info, heartbeat_details=[told])
    server.there.set()
    assert await environment.run(run, Attempts(stopped), stop=False) == 0
    server.there.set()
    assert await environment.run(run, Attempts(StoppedProcesses(tmp_path / "elsewhere")), stop=False) == 1


def test_only_a_process_is_looked_for_among_those_that_were_stopped(tmp_path: Path) -> None:
    stopped, process = StoppedProcesses(tmp_path / "stopped"), "0123456789abcdef" * 2
    assert process not in stopped
    stopped.add(process)
    assert process in stopped
    assert all(other not in stopped for other in ("", ".", "..", "../stopped", f"./{process}", None, 7, "\0"))


def test_what_was_stopped_is_forgotten_after_a_month(tmp_path: Path) -> None:
    stopped, old, new = StoppedProcesses(tmp_path), "a" * 32, "b" * 32
    stopped.add(old)
    os.utime(tmp_path / old, (0, 0))
    stopped.add(new)
    assert (old in stopped, new in stopped) == (False, True)


def test_a_folder_that_cannot_be_written_stops_no_runtime_from_stopping(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    stopped = StoppedProcesses(tmp_path / "file" / "stopped")
    stopped.add("a" * 32)
    assert "a" * 32 not in stopped
