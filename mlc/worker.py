"""The worker: which workflows and activities there are, and one plugin so that worker, tests and replays agree."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pydantic
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker, WorkerConfig

from activities.batch import BatchActivities
from activities.decisions import DecisionActivities
from activities.deployments import DeploymentActivities
from activities.handovers import HandoverActivities
from activities.heartbeats import Heartbeats
from activities.jobs import JobActivities
from activities.late import LateDecisions
from activities.mirror import MirrorActivities
from activities.monitors import MonitorActivities
from activities.notifications import NotificationActivities
from activities.precedence import PrecedenceActivities
from activities.queues import calls_tickets
from activities.schedules import ScheduleActivities
from activities.snapshots import SnapshotActivities
from activities.surveys import SurveyActivities
from activities.sweep import SweepActivities
from activities.tickets import TicketActivities
from activities.verdicts import VerdictActivities
from activities.watching import WatchActivities
from mlc import temporal
from mlc.center import Center
from mlc.center.capability import Capability
from mlc.center.configured import configured_center
from mlc.center.modelop.signals import ModelOpSignals
from mlc.model.failure import Misdirected, MlcError, Refused
from mlc.model.file import FileRules
from mlc.model.process import Processes
from mlc.model.processes import TASK_QUEUE
from mlc.model.ticket import ticket_queue
from mlc.namespace import NOT_ALLOWED, missing_attributes
from mlc.settings import FileSettings, ProcessSettings
from mlc.ticketing import TicketSystems, registry
from workflows.messages import MisfitSignals
from workflows.registry import PROCESSES
from workflows.sandbox import sandboxed

# For each of the two queues, one after the other: together less than the time that process supervisors usually leave
# between SIGTERM and SIGKILL.
GRACE = timedelta(seconds=10)
# After a worker was killed, its runs wait this long for it before another worker takes them over.
STICKY_TIMEOUT = timedelta(seconds=2)
HEARTBEAT_THROTTLE = timedelta(seconds=2)

log = logging.getLogger(__name__)


class NotConfigured(MlcError):
    """A setting without which there is no starting, and what to set."""


class MlcPlugin(SimplePlugin):
    """Everything that client, worker and replayer must agree on. Give it to the client only.

    With each worker of the processes it runs a second one, for the ticket activities on a queue of their own.

    Args:
        activities: bound activity methods; none for clients and replayers.
        processes: whose workflows are run.
        ticket_rate: ticket activities a second, of all workers of the task queue together; None: as many as come.
    """

    def __init__(
        self,
        activities: Sequence[Callable[..., Any]] = (),
        processes: Processes = PROCESSES,
        *,
        ticket_rate: float | None = None,
    ) -> None:
        self._ticketing = [each for each in activities if calls_tickets(each)]
        self._ticket_rate = ticket_rate
        super().__init__(
            "mlc",
            data_converter=pydantic_data_converter,
            workflows=processes.workflows,
            activities=activities,
            interceptors=[Heartbeats(activities), MisfitSignals()],
            workflow_runner=sandboxed(),
            # A run whose input can't be read fails at once, with the reason; otherwise it would hang for ever.
            workflow_failure_exception_types=[pydantic.ValidationError],
        )

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """See base class."""
        # By default a heartbeat may be held back for 80 % of its timeout: one that is late would be too late.
        return {**super().configure_worker(config), "max_heartbeat_throttle_interval": HEARTBEAT_THROTTLE}

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:  # noqa: A002
        """See base class."""
        async with self._ticket_worker(worker) if self._ticketing else nullcontext():
            await super().run_worker(worker, next)

    def _ticket_worker(self, worker: Worker) -> Worker:
        """One for the queue of the worker's ticket activities. The worker itself has them, too: runs of before 0.3 ask
        for them on its own queue.
        """
        client_config = worker.client.config(active_config=True)
        client_config["plugins"] = []  # which would make it a worker of the processes, too
        return Worker(
            Client(**client_config),
            task_queue=ticket_queue(worker.task_queue),
            build_id=temporal.build_id(),
            activities=self._ticketing,
            interceptors=[Heartbeats(self._ticketing)],
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            graceful_shutdown_timeout=worker.config()["graceful_shutdown_timeout"],
            max_task_queue_activities_per_second=self._ticket_rate,
        )


async def connect(plugin: MlcPlugin | None = None) -> Client:
    """Connect to Temporal with everything that clients and workers of the processes must agree on."""
    return await temporal.connect(plugins=[plugin or MlcPlugin()])


def activities_of(
    center: Center,
    tickets: TicketSystems,
    threads: ThreadPoolExecutor,
    *,
    process: ProcessSettings,
    files: FileRules,
    processes: Processes = PROCESSES,
) -> list[Callable[..., Any]]:
    """Every activity of the processes, bound to its clients.

    Args:
        processes: those that schedules may start.
    """
    snapshots = SnapshotActivities(center, process, tickets.names, tickets.review_tags)
    decisions = DecisionActivities(center, process)
    jobs = JobActivities(center, process, files, center.text_limit)
    batch = BatchActivities(center, process, tickets.review_tags)
    verdicts = VerdictActivities(center, process, center.text_limit)
    monitors = MonitorActivities(center, process.monitor_schedule, process.monitor_production == "scored")
    watching = WatchActivities(center, process, center.text_limit)
    deployments = DeploymentActivities(center, process, tickets.review_tags)
    precedence = PrecedenceActivities(center, process)
    surveys = SurveyActivities(center, process, tickets.review_tags)
    schedules = ScheduleActivities(center)
    notifications = NotificationActivities(center)
    asking = TicketActivities(center, tickets, threads, process)
    sweep = SweepActivities(tickets, threads)
    signals = ModelOpSignals(processes, foreign=Capability.READS_ANY_ASSET in center.capabilities)
    mirror = MirrorActivities(center, process, files, signals)
    return [
        *(snapshots.submit_snapshot, snapshots.open_snapshot, snapshots.get_snapshot, snapshots.read_policy),
        snapshots.record_decision,
        *(decisions.bind_question, decisions.compare_bound, decisions.keep_decision, decisions.keep_ending),
        *(jobs.create_job, jobs.find_job, jobs.cancel_job),
        *(jobs.finish_training, jobs.finish_test, jobs.finish_back_test, jobs.finish_scoring),
        *(batch.find_batch_deployment, batch.compatible_runtime),
        HandoverActivities().check_predecessor,
        *(verdicts.judge, verdicts.judge_back_test),
        *(monitors.plan_monitors, monitors.add_missing_monitors),
        *(watching.find_monitors, watching.find_monitor_snapshot, watching.keep_breach),
        *(watching.judge_monitor, watching.judge_no_result),
        *(deployments.match_runtimes, deployments.deploy, deployments.find_deployment),
        *(deployments.finish_deployments, deployments.undo_deployments, deployments.supersede),
        deployments.undeploy,
        *(surveys.find_places, surveys.find_newer, precedence.take_over, precedence.find_pushed_out),
        *(schedules.copy_schedules, schedules.carry_over),
        notifications.notify,
        *(
            asking.open_ticket,
            asking.find_ticket,
            asking.read_ticket,
            asking.remark,
            asking.tell,
            asking.withdraw_ticket,
            asking.withdraw_tickets,
        ),
        *(sweep.sweep_tickets, sweep.withdraw_orphans),
        LateDecisions(center, tickets, threads, process).answer_late_changes,
        *(mirror.mirror_schedules, mirror.mirror_changes),
    ]


@asynccontextmanager
async def running_worker(task_queue: str = TASK_QUEUE) -> AsyncIterator[Worker]:
    """A worker for as long as the block lasts, with clients made from the settings.

    Raises:
        NotConfigured: no ticket system is set up (failure tickets are part of every process), or one's address leads
            elsewhere, or the namespace isn't set up.
    """
    process, files = ProcessSettings(), FileSettings()
    tickets = ticket_systems()
    await check_addresses()
    threads = ThreadPoolExecutor(process.worker_threads, thread_name_prefix="tickets")
    try:
        async with configured_center() as center:
            activities = activities_of(center, tickets, threads, process=process, files=files.rules)
            client = await connect(MlcPlugin(activities, ticket_rate=process.ticket_rate))
            await check_namespace(client)
            async with new_worker(client, task_queue, cached_runs=process.cached_runs) as worker:
                log.info(
                    "Worker on task queue %s of namespace %s at %s; tickets: %s",
                    *(task_queue, client.namespace, client.service_client.config.target_host),
                    ", ".join(tickets.names),
                )
                yield worker
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def ticket_systems() -> TicketSystems:
    """The ticket systems of the settings.

    Raises:
        NotConfigured: there is none, or not the one that tickets go to by default; or a review tag asks for
            something else, too.
    """
    try:
        return registry.chosen(ProcessSettings().ticketing)
    except registry.NotSetUp as error:
        raise NotConfigured(str(error)) from None


async def check_addresses() -> None:
    """Make sure that no ticket system has moved: redirects are not followed, so nothing could be asked of it.

    One that is down is waited for by the runs that need it; one that refuses us is told, and keeps nothing waiting.

    Raises:
        NotConfigured: the address of one leads elsewhere; the text says to where.
    """
    for error in await asyncio.to_thread(lambda: list(registry.knock())):
        if isinstance(error, Misdirected) and error.address:
            raise NotConfigured(f"{error}.")
        if isinstance(error, Refused):
            log.warning("%s", error)


async def check_namespace(client: Client) -> None:
    """Make sure that runs can set their search attributes: without them they would hang, trying again for ever.

    Raises:
        NotConfigured: the namespace lacks some, or isn't there.
    """
    try:
        missing = await missing_attributes(client)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotConfigured(
                f"{error.message} Create it, or set TEMPORAL_NAMESPACE, then run `mlc setup`."
            ) from None
        if error.status not in NOT_ALLOWED:
            raise
        log.warning("Whether the namespace has the search attributes can't be seen: %s", error.message)
        return
    if missing:
        raise NotConfigured(
            f"The Temporal namespace {client.namespace!r} lacks the search attributes {', '.join(missing)}: "
            "run `mlc setup`."
        )


def new_worker(client: Client, task_queue: str = TASK_QUEUE, *, cached_runs: int = 500) -> Worker:
    """A worker on a client that carries the plugin with its activities."""
    return Worker(
        client,
        task_queue=task_queue,
        build_id=temporal.build_id(),
        max_cached_workflows=cached_runs,
        graceful_shutdown_timeout=GRACE,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


async def run_worker(stop: asyncio.Event) -> None:
    """Work until ``stop`` is set."""
    async with running_worker():
        await stop.wait()
