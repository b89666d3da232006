"""The public face of the processes that run monitors: what starts them and what they answer."""

import hashlib
import re
from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from mlc.model.base import LONGEST_ID, Input, OpenEnum, State
from mlc.model.breach import Action
from mlc.model.file import OutputFile
from mlc.model.job import JobParameters
from mlc.model.meant_monitors import Wanted
from mlc.model.processes import TASK_QUEUE, JudgedResult, Outcome, ProcessResult, ProcessStatus
from mlc.model.ticket import Decision, Provider, TicketRef

RUN_MONITORS = "RunMonitors"
RUN_MONITOR = "RunMonitor"
UNDEPLOY_MODEL = "UndeployModel"
LONGEST_NAME = 300


def monitors_id(model_id: str, key: str) -> str:
    """The workflow id of RunMonitors; ``key`` is the caller's idempotency key, or something random."""
    return f"monitors-{model_id}-{key}"


def monitor_id(model_id: str, monitor: str) -> str:
    """The one workflow id under which a monitor of a snapshot runs: never twice at a time."""
    slug = re.sub(r"[^a-z0-9]+", "-", monitor.casefold()).strip("-")[:40]
    return f"monitor-{model_id}-{slug}-{hashlib.sha256(monitor.encode()).hexdigest()[:8]}"


def undeploy_id(snapshot_id: str, label: str) -> str:
    """The workflow id of the question whether a snapshot is to be taken out of use; ``label`` is its ticket's."""
    return f"undeploy-{snapshot_id}-{label}"


class RunMonitorsInput(Input):
    """Input of RunMonitors: ``{"model_id": "...", "monitor": "..."}``, or a role instead of the monitor."""

    model_id: str = Field(
        min_length=1, max_length=LONGEST_ID, description="Id of the snapshot that carries the monitor"
    )
    monitor: str | None = Field(None, min_length=1, max_length=LONGEST_NAME, description="Name of the monitor to run")
    role: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Run all monitors in this role instead, such as DATA_DRIFT_MODEL",
    )
    called: str = Field("", max_length=100, description="With a role: the one that is called so, if there is just one")
    output_file: OutputFile | None = Field(None, description="Where the result goes; unset: embedded in the job")
    job_parameters: JobParameters = Field({}, description="Parameters of the job, as an object; no secrets")
    ticketing: Provider | None = Field(
        None, description="Where its tickets go; unset: where the snapshot's tag or the settings say"
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.monitor is None) == (self.role is None):
            raise ValueError(
                "say which monitors by one of two fields: monitor, a name, or role, such as DATA_DRIFT_MODEL, which "
                f"means all in it. {self.usage()}"
            )
        return self

    @property
    def wanted(self) -> Wanted:
        """Which monitors are meant."""
        return Wanted(snapshot_id=self.model_id, monitor=self.monitor or "", role=self.role or "", called=self.called)

    def objection(self, names: Sequence[str]) -> str:
        """Why the monitors that are meant can't be run like this, as a sentence; empty if they can."""
        if self.output_file is None or len(names) < 2:
            return ""
        return f"{len(names)} monitors can't write one file: name the monitor, or leave output_file out."

    @classmethod
    def usage(cls) -> str:
        return (
            f"RunMonitors takes {', '.join(cls.model_fields)}: temporal workflow start --type {RUN_MONITORS} "
            f"--task-queue {TASK_QUEUE} --workflow-id {monitors_id('ID', 'KEY')} "
            '--input \'{"model_id": "ID", "monitor": "Stability Monitor: PSI/CSI"}\''
        )


class MonitorRun(State):
    """A monitor that was to be run, and what came of it."""

    monitor: str
    workflow_id: str
    outcome: Outcome = Outcome.OPEN
    test_result_id: str | None = None
    joined: bool = False
    """It was running already, and so was not started again."""
    message: str = ""
    """What its tables said of its result, or why there is none."""
    tickets: list[TicketRef] = []
    """Those that ask about it, of an earlier run, too."""


class RunMonitorsResult(State):
    """Which monitors were run, and how each of them ended."""

    runs: list[MonitorRun] = []


class RunMonitorInput(Input):
    """Input of RunMonitor, which RunMonitors starts: ``{"model_id": "...", "monitor": "..."}``."""

    model_id: str = Field(
        min_length=1, max_length=LONGEST_ID, description="Id of the snapshot that carries the monitor"
    )
    monitor: str = Field(min_length=1, max_length=LONGEST_NAME, description="Name of the monitor")
    output_file: OutputFile | None = Field(None, description="Where the result goes; unset: embedded in the job")
    job_parameters: JobParameters = Field({}, description="Parameters of the job, as an object; no secrets")
    ticketing: Provider | None = Field(
        None, description="Where its tickets go; unset: where the snapshot's tag or the settings say"
    )

    @classmethod
    def usage(cls) -> str:
        return f"RunMonitor is started by RunMonitors. {RunMonitorsInput.usage()}"


class MonitorPhase(OpenEnum):
    """The phases of RunMonitor, in order."""

    MODEL = "model"
    MONITOR = "monitor"
    REACTION = "reaction"
    DONE = "done"
    UNKNOWN = "unknown"
    """One that a newer release added."""


class RunMonitorResult(JudgedResult):
    """How a run of RunMonitor ended: ``passed``, ``failed`` if people are asked or told by a ticket, or ``error`` where
    the monitor came to no result.
    """

    monitor: str = ""
    job_id: str | None = None
    actions: list[Action] = []
    """What the monitor's decision tables ask to be done."""


class RunMonitorStatus(ProcessStatus):
    """Answer of RunMonitor's query ``status``."""

    phase: MonitorPhase = MonitorPhase.MODEL
    result: RunMonitorResult


class UndeployModelInput(Input):
    """Input of UndeployModel, which RunMonitor starts: which snapshot, and the ticket that asks."""

    snapshot_id: str = Field(min_length=1, max_length=LONGEST_ID, description="Id of the snapshot to take out of use")
    ticket: TicketRef = Field(description="The ticket that asks, which is there already")
    monitor: str = Field("", max_length=LONGEST_NAME, description="Name of the monitor that asks for it")

    @classmethod
    def usage(cls) -> str:
        return f"UndeployModel is started by RunMonitor and takes {', '.join(cls.model_fields)}."


class UndeployPhase(OpenEnum):
    """The phases of UndeployModel, in order."""

    MODEL = "model"
    APPROVAL = "approval"
    UNDEPLOYMENT = "undeployment"
    DONE = "done"
    UNKNOWN = "unknown"
    """One that a newer release added."""


class UndeployModelResult(ProcessResult):
    """How a run of UndeployModel ended: ``undeployed``, or ``rejected``, and then everything stays as it is."""

    outcome: Outcome = Outcome.OPEN
    snapshot_id: str
    decision: Decision | None = None
    deployments: list[str] = []
    """Ids of the deployments that were ended."""


class UndeployModelStatus(ProcessStatus):
    """Answer of UndeployModel's query ``status``."""

    phase: UndeployPhase = UndeployPhase.MODEL
    result: UndeployModelResult
