"""Temporal: reachable, and everything in the namespace that the processes need."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest, GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from mlc.model.attribute import Attribute
from mlc.model.finding import TIME_LIMIT, Finding, Mark, good, listed, unchecked, warning, wrong
from mlc.model.processes import TASK_QUEUE
from mlc.model.schedule import MIRROR_SCHEDULE
from mlc.model.ticket import ticket_queue
from mlc.namespace import SWEEP_SCHEDULE, TYPES
from mlc.settings import ProcessSettings, RunJobSettings
from mlc.temporal import USUAL_ADDRESS, configured_address, connect

SILENT = timedelta(minutes=2)
"""A worker that lives asks for work at least once a minute; Temporal remembers one that died for five."""
FAIR_SINCE = (1, 29)
"""The first release of Temporal's server that takes turns between fairness keys."""
_LIMIT = timedelta(seconds=TIME_LIMIT)
_WORKFLOWS, _ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


async def check_temporal() -> AsyncIterator[Finding]:
    """Findings about the Temporal that the environment names."""
    try:
        address = configured_address() or USUAL_ADDRESS
    except Exception:  # whatever the file holds must not be shown: it may be a key
        yield wrong("The connection to Temporal", "its settings can't be read: correct TEMPORAL_* or temporal.toml.")
        return
    try:
        async with asyncio.timeout(TIME_LIMIT):
            client = await connect()
    except (RuntimeError, TimeoutError, RPCError):
        yield wrong(
            f"Temporal can't be reached at {address}",
            "start it (`mlc dev` does), or set TEMPORAL_ADDRESS, and TEMPORAL_API_KEY or TEMPORAL_TLS_* if it asks "
            "for them.",
        )
        return
    yield good(f"Temporal answers at {address}")
    there = await _namespace(client)
    yield there
    if there.mark is Mark.WRONG:
        return
    for look in (_attributes, _sweep, _mirror, _workers, _fairness, _jobs):
        try:
            async for finding in look(client):
                yield finding
        except RPCError as error:
            yield wrong(look.__doc__ or "", f"can't be seen ({_said(error)}): give the account the right to read it.")


async def _namespace(client: Client) -> Finding:
    name = client.namespace
    try:
        answer = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=name), timeout=_LIMIT
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            create = f"create it (`temporal operator namespace create -n {name}`), or set TEMPORAL_NAMESPACE."
            return wrong(f"There is no namespace {name}", create)
        return wrong(f"Namespace {name} can't be seen ({_said(error)})", "give the account the right to use it.")
    kept, wanted = answer.config.workflow_execution_retention_ttl.ToTimedelta(), ProcessSettings().retention
    if kept < wanted:
        return warning(f"Namespace {name} keeps closed runs for {_days(kept)}, not {_days(wanted)}", "run `mlc setup`.")
    return good(f"Namespace {name} is there; it keeps closed runs for {_days(kept)}")


async def _attributes(client: Client) -> AsyncIterator[Finding]:
    """Search attributes"""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request, timeout=_LIMIT)).custom_attributes
    missing = [name.value for name in Attribute if name not in known]
    if missing:
        yield wrong(f"Search attributes are missing: {listed(missing)}", "run `mlc setup`; a run would hang.")
    mistyped = [name for name in Attribute if name in known and known[name] != TYPES[name]]
    for name in mistyped:
        yield wrong(
            f"Search attribute {name} is a {_kind(known[name])}, not a {_kind(TYPES[name])}",
            f"remove it (`temporal operator search-attribute remove --name {name}`), then run `mlc setup`.",
        )
    if not missing and not mistyped:
        yield good("Search attributes: " + ", ".join(f"{name} ({_kind(TYPES[name])})" for name in Attribute))


async def _sweep(client: Client) -> AsyncIterator[Finding]:
    """The schedule of the sweep"""
    wanted = ProcessSettings().sweep_interval
    lost = "a lost webhook would never be noticed"
    yield await _schedule(client, SWEEP_SCHEDULE, wanted, "MLC_SWEEP_INTERVAL", without=lost)


async def _mirror(client: Client) -> AsyncIterator[Finding]:
    """The schedule of the mirror"""
    settings = ProcessSettings()
    if settings.mirror_schedules:
        lost = "the model centre's schedules would not be followed"
        yield await _schedule(client, MIRROR_SCHEDULE, settings.mirror_interval, "MLC_MIRROR_INTERVAL", without=lost)


async def _schedule(client: Client, id_: str, wanted: timedelta, setting: str, *, without: str) -> Finding:
    """Whether one of our own schedules is there, and runs at its pace; ``without`` it: what would be."""
    try:
        found = await client.get_schedule_handle(id_).describe(rpc_timeout=_LIMIT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return wrong(f"There is no schedule {id_}", f"run `mlc setup`; {without}.")
    every = [interval.every for interval in found.schedule.spec.intervals]
    if found.schedule.state.paused:
        toggle = f"`temporal schedule toggle --schedule-id {id_} --unpause`"
        return wrong(f"The schedule {id_} is paused", f"{toggle}; {without}.")
    if every != [wanted]:
        runs = listed([str(interval) for interval in every])
        remedy = f"run `mlc setup`, or set {setting} here as where that ran."
        return warning(f"The schedule {id_} runs every {runs}, not every {wanted}", remedy)
    return good(f"The schedule {id_} runs every {wanted}")


async def _workers(client: Client) -> AsyncIterator[Finding]:
    """Workers"""
    # Release 0.1 asked for ticket activities on the processes' queue: beside its workers one of today's is needed.
    without = "start `mlc worker`; no run goes on without one."
    yield await _pollers(client, TASK_QUEUE, without, _WORKFLOWS, _ACTIVITIES)
    yield await _pollers(
        client,
        ticket_queue(TASK_QUEUE),
        "start `mlc worker` of this release; no ticket is made or read without one.",
        _ACTIVITIES,
    )


async def _pollers(client: Client, queue: str, without: str, *kinds: "TaskQueueType.ValueType") -> Finding:
    """Who asks for work on a queue; ``without`` anybody: what to do."""
    seen: dict[str, datetime] = {}
    for kind in kinds:
        request = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
        for poller in (await client.workflow_service.describe_task_queue(request, timeout=_LIMIT)).pollers:
            asked = poller.last_access_time.ToDatetime(tzinfo=UTC)
            seen[poller.identity] = max(asked, seen.get(poller.identity, asked))
    now = datetime.now(UTC)
    alive = sorted(identity for identity, asked in seen.items() if now - asked < SILENT)
    if alive:
        return good(f"Workers on the task queue {queue}: {listed(alive)}")
    if seen:
        minutes = (now - max(seen.values())) // timedelta(minutes=1)
        return warning(
            f"The last worker on the task queue {queue} asked for work {minutes} minutes ago",
            "look whether `mlc worker` still runs, and whether the clocks here and there agree.",
        )
    return wrong(f"No worker polls the task queue {queue}", without)


async def _fairness(client: Client) -> AsyncIterator[Finding]:
    """Turns between models' groups"""
    version = (await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_LIMIT)).server_version
    if _numbers(version) and _numbers(version) < FAIR_SINCE:
        yield warning(
            f"Temporal {version} knows no fairness keys",
            f"with many runs at once one model's can keep all others waiting: use {FAIR_SINCE[0]}.{FAIR_SINCE[1]} or "
            "newer, with matching.enableFairness.",
        )
    else:
        shown = f"Temporal {version or 'of a version that it does not tell'}"
        yield unchecked(
            f"{shown}: turns between models' groups",
            "it does not tell whether they are on: matching.enableFairness in its dynamic configuration, on Temporal "
            "Cloud a switch of the namespace.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; none if it has no two."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()


async def _jobs(client: Client) -> AsyncIterator[Finding]:
    """The namespace of RunJob"""
    name = RunJobSettings().namespace
    if name is None:
        return
    if name == client.namespace:
        yield warning(
            f"MLC_RUN_JOB_NAMESPACE is the processes' own namespace {name}",
            "name another one, to which alone runtimes get access; else they could answer for the processes' worker.",
        )
        return
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=name), timeout=_LIMIT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            look = "this account need not; the centre's and the runtimes' must be let in there."
            yield warning(f"RunJob's namespace {name} can't be seen ({_said(error)})", look)
            return
        make = "correct MLC_RUN_JOB_NAMESPACE, or run `mlc setup`, which makes it; no job would run."
        yield wrong(f"There is no namespace {name} for RunJob", make)
        return
    yield good(f"RunJob has the namespace {name} of its own")


def _kind(value: "IndexedValueType.ValueType") -> str:
    """A type as the ``temporal`` command writes it: ``KeywordList``."""
    return IndexedValueType.Name(value).removeprefix("INDEXED_VALUE_TYPE_").title().replace("_", "")


def _days(duration: timedelta) -> str:
    return str(duration).removesuffix(", 0:00:00")


def _said(error: RPCError) -> str:
    return f"{error.status.name}: {error.message}"
