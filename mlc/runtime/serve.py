"""The runtime as a process: registered in the centre, taking jobs from Temporal, serving online deployments."""

import asyncio
import fcntl
import itertools
import logging
import platform
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic
from temporalio.client import Client
from temporalio.worker import Worker

from mlc.center import Capability, Center, Ledger, require
from mlc.center.configured import configured_center
from mlc.connections import ConnectionSettings
from mlc.model.deployment import Runtime
from mlc.model.failure import ExternalError, Refused
from mlc.model.job import runtime_task_queue, slots_task_queue
from mlc.runtime import addresses
from mlc.runtime.activities import JobActivities
from mlc.runtime.arena import share_arena
from mlc.runtime.contents.fetching import cache_of
from mlc.runtime.isolation import Level, adoption, cgroup, level_for
from mlc.runtime.isolation.container import Container
from mlc.runtime.online import OnlineModels
from mlc.runtime.outages import patiently
from mlc.runtime.removal import remove
from mlc.runtime.request_keeper import RequestKeeper
from mlc.settings import RuntimeSettings
from mlc.temporal import build_id, connect_for_jobs
from workflows.run_job import RunJob
from workflows.sandbox import sandboxed

if TYPE_CHECKING:
    from uvicorn import Server

HEARTBEAT_INTERVAL = 5.0
GRACE = 5
"""Seconds that online requests in flight have when the runtime stops."""
log = logging.getLogger(__name__)


async def run_runtime(settings: RuntimeSettings, stop: asyncio.Event | None = None) -> None:
    """Run until SIGTERM, SIGINT or ``stop``; a job that is under way is then left to the next runtime of this name.

    Raises:
        CannotIsolate: the level of isolation that the settings name can't be had.
        OSError: online, and the port is in use.
        NoNamespace: Temporal lacks the namespace in which jobs are run.
        SettingsError: a connection can't be used.
        Unsupported: online requests are to be kept, and the centre has no place for them.
    """
    share_arena()
    ConnectionSettings().by_name()  # what is wrong with one is said now, and not by a job
    stop = stop or _stopped_by_signal()
    await asyncio.to_thread(cgroup.remove_left)
    level = await tried_level(settings)
    listener = _listen(settings) if settings.online else None
    try:
        with own_workspace(settings.folder) as workspace:
            async with AsyncExitStack() as running:
                center = await running.enter_async_context(configured_center())
                if settings.keep_requests:
                    require_keeping(center)
                client = await connect_for_jobs()
                await running.enter_async_context(_background(cache_of(settings).keep_tidy(), stop))
                await running.enter_async_context(_background(adoption.keep_clean(), stop))
                runtime = await patiently(lambda: center.register_runtime(describe(settings)))
                await running.enter_async_context(_background(_heartbeat(center, settings), stop))
                if listener is not None:
                    # What a web server is made of takes long to import, and a runtime of batch jobs has none.
                    from mlc.runtime.http import new_server

                    keeper = RequestKeeper(center, grace=GRACE) if settings.keep_requests else None
                    if keeper is not None:
                        await running.enter_async_context(_background(keeper.run(), stop))
                    models = OnlineModels(center, settings, level, workspace, center.text_limit, keeper=keeper)
                    await running.enter_async_context(_background(models.run(runtime.id), stop))
                    server = new_server(models, settings, grace=GRACE)
                    await running.enter_async_context(_serving(server, listener, stop))
                jobs = JobActivities(center, settings, level, workspace, center.text_limit)
                for worker in new_workers(client, jobs):
                    await running.enter_async_context(worker)
                running.push_async_callback(jobs.attempts.stop)  # before the workers end, and whatever ends them
                log.info(
                    "Runtime %s of stage %s, Temporal's namespace %s at %s%s",
                    *(settings.name, settings.stage, client.namespace, client.service_client.config.target_host),
                    f"; online at {runtime.endpoint}" if runtime.endpoint else "",
                )
                await stop.wait()
    finally:
        if listener is not None:
            listener.close()


def require_keeping(center: Center) -> None:
    """Make sure that the centre keeps online requests.

    Raises:
        Unsupported: it doesn't.
    """
    instead = "Leave MLC_RUNTIME_KEEP_REQUESTS out, and let monitors read batch jobs or assets."
    require("model centre", center.capabilities, Capability.KEEPS_REQUESTS, instead)


async def tried_level(settings: RuntimeSettings) -> Level:
    """The level of isolation that the settings name; what was run to try it is gone, but for what an engine keeps.

    Raises:
        CannotIsolate: it can't be had.
    """
    level = await asyncio.to_thread(level_for, settings)
    log.info("Models are isolated by %s.", level.name)
    if isinstance(level, Container):
        await asyncio.to_thread(level.remove_left)
        adoption.keep_present()
    else:  # bwrap ends before the first process in its namespace does
        await adoption.end_adopted(of_models=False)
    return level


def new_workers(client: Client, jobs: JobActivities) -> list[Worker]:
    """The workers of a runtime: one runs RunJob and closes jobs, the other executes jobs, as many as there are slots.

    With one worker for both, a job to be closed would wait until a slot is free, which can take days.
    """
    runs = Worker(
        client,
        task_queue=runtime_task_queue(jobs.settings.name),
        build_id=build_id(),
        workflows=[RunJob],
        activities=[jobs.close_job],
        workflow_runner=sandboxed(),
        workflow_failure_exception_types=[pydantic.ValidationError],
        # After a runtime was killed, its runs wait this long for it before another of its name takes them over.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=timedelta(0),
    )
    slots = Worker(
        client,
        task_queue=slots_task_queue(runtime_task_queue(jobs.settings.name)),
        build_id=build_id(),
        activities=[jobs.execute_job],
        max_concurrent_activities=jobs.settings.max_parallel_jobs,
        # A heartbeat brings the news that a job is cancelled, and takes that of a model that is alive or has ended: by
        # default those that come within 8 s of another are held back. There is one every three seconds, and with news.
        max_heartbeat_throttle_interval=timedelta(milliseconds=100),
        default_heartbeat_throttle_interval=timedelta(milliseconds=100),
        graceful_shutdown_timeout=timedelta(0),
    )
    return [runs, slots]


def describe(settings: RuntimeSettings) -> Runtime:
    """The runtime as the centre lists it (ModelOp: engine)."""
    return Runtime(
        name=settings.name,
        stage=settings.stage,
        tags=settings.tags,
        platforms={"python": platform.python_version()},
        endpoint=addresses.only_model(settings) if settings.online else None,
        heartbeat=datetime.now(UTC),
    )


async def _heartbeat(center: Ledger, settings: RuntimeSettings) -> None:
    told = False
    while True:
        await asyncio.sleep(HEARTBEAT_INTERVAL)
        try:
            await center.register_runtime(describe(settings))
            told = False
        except Refused as error:  # its token was revoked, say: it gets no jobs, and nobody else would say why
            if not told:
                log.error("The runtime %s is refused by its model centre: %s", settings.name, error)
            told = True
        except ExternalError:
            pass  # the next one comes soon


@asynccontextmanager
async def _serving(server: "Server", listener: socket.socket, stop: asyncio.Event) -> AsyncIterator[None]:
    """Serve; in the end, requests in flight are finished."""
    async with _background(server.serve(sockets=[listener]), stop) as task:
        yield
        server.should_exit = True
        await asyncio.wait_for(task, 2 * GRACE)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> AsyncIterator[asyncio.Task[None]]:
    """Work beside the rest. A fault in it ends the runtime, and is raised in the end."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda _: stop.set())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _listen(settings: RuntimeSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    # Asyncio does so for sockets of its own only. Without it an answer's body may wait 40 ms for the client's word
    # that it has the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def own_workspace(folder: Path) -> Iterator[Path]:
    """An empty folder that no other process of this runtime uses; it is removed in the end.

    Several processes may run the same runtime on one machine. A lock tells which folders are in use, so that what a
    killed process left behind is cleared away by the next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        workspace = folder / f"process-{number}"
        with workspace.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if not remove(workspace):
                continue  # it says so in the log; another folder does as well
            workspace.mkdir()
            try:
                yield workspace
            finally:
                remove(workspace)
            return


def _stopped_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
