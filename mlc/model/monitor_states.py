"""What runs of the processes that run monitors need to go on; see ``mlc.model.state``."""

from typing import Self

from pydantic import ConfigDict

from mlc.model.breach import Breach
from mlc.model.monitor_processes import (
    RunMonitorInput,
    RunMonitorResult,
    RunMonitorStatus,
    UndeployModelInput,
    UndeployModelResult,
    UndeployModelStatus,
)
from mlc.model.state import CaseState, ProcessState
from mlc.model.ticket import Provider


class RunMonitorState(ProcessState):
    """The state of a run of RunMonitor."""

    status: RunMonitorStatus
    monitor_snapshot: str = ""
    """Id of the monitor's own snapshot."""
    before: Breach | None = None
    """The breach that went before this result, or goes on."""

    @classmethod
    def new(cls, snapshot_id: str, monitor: str, ticketing: Provider | None) -> Self:
        """Where a run begins that nobody has handed anything over to."""
        status = RunMonitorStatus(result=RunMonitorResult(snapshot_id=snapshot_id, monitor=monitor))
        return cls(status=status, case=CaseState.new(snapshot_id, ticketing))


class UndeployModelState(ProcessState):
    """The state of a run of UndeployModel."""

    status: UndeployModelStatus

    @classmethod
    def new(cls, snapshot_id: str) -> Self:
        """Where a run begins that nobody has handed anything over to."""
        status = UndeployModelStatus(result=UndeployModelResult(snapshot_id=snapshot_id))
        return cls(status=status, case=CaseState.new(snapshot_id))


class RunMonitorStart(RunMonitorInput):
    """Input of a run of RunMonitor."""

    model_config = ConfigDict(title=RunMonitorInput.__name__)
    carried: RunMonitorState | None = None

    @classmethod
    def usage(cls) -> str:
        return RunMonitorInput.usage()


class UndeployModelStart(UndeployModelInput):
    """Input of a run of UndeployModel."""

    model_config = ConfigDict(title=UndeployModelInput.__name__)
    carried: UndeployModelState | None = None

    @classmethod
    def usage(cls) -> str:
        return UndeployModelInput.usage()
