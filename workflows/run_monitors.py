"""RunMonitors: the monitors of a snapshot that a signal or a schedule means, each run once at a time."""

import asyncio
from collections.abc import Sequence
from typing import cast

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from activities.watching import WatchActivities
from mlc.model.failure import FailureType
from mlc.model.monitor_processes import (
    RUN_MONITOR,
    RUN_MONITORS,
    MonitorRun,
    RunMonitorInput,
    RunMonitorResult,
    RunMonitorsInput,
    RunMonitorsResult,
    monitor_id,
)
from mlc.model.truncation import truncate
from workflows.steps.activity import call
from workflows.steps.once import failure_type, reason
from workflows.steps.outcome import verdict_text

LONGEST_MESSAGE = 200

NOTHING = cast(RunMonitorsInput, None)
"""Not an optional type: with one, the reader of inputs would show the offending value."""


@workflow.defn(name=RUN_MONITORS)
class RunMonitors:
    """Runs the monitor of a name, or all in a role, beside each other. One that runs already is not run twice."""

    @workflow.run
    async def run(self, request: RunMonitorsInput = NOTHING) -> RunMonitorsResult:
        if request is None:
            raise ApplicationError(f"No input was given. {RunMonitorsInput.usage()}", type=FailureType.NO_INPUT)
        names = await self.find_monitors(request)
        if objection := request.objection(names):
            raise ApplicationError(objection, type=FailureType.REFUSED)
        runs = [self.run_monitor(name, request) for name in names]
        ended = await asyncio.gather(*runs, return_exceptions=True)
        return RunMonitorsResult(runs=_all_well(ended))

    async def find_monitors(self, request: RunMonitorsInput) -> list[str]:
        """The monitors that are meant."""
        try:
            return await call(WatchActivities.find_monitors, request.wanted, summary="find the monitors that are meant")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            raise ApplicationError(reason(error), type=failure_type(error)) from None  # in people's words

    async def run_monitor(self, name: str, request: RunMonitorsInput) -> MonitorRun:
        """Run one, unless it runs already."""
        own = RunMonitorInput(
            model_id=request.model_id,
            monitor=name,
            output_file=request.output_file,
            job_parameters=request.job_parameters,
            ticketing=request.ticketing,
        )
        workflow_id = monitor_id(request.model_id, name)
        try:
            result: RunMonitorResult = await workflow.execute_child_workflow(
                RUN_MONITOR, own, id=workflow_id, result_type=RunMonitorResult
            )
        except WorkflowAlreadyStartedError:
            return MonitorRun(monitor=name, workflow_id=workflow_id, joined=True)
        return MonitorRun(
            monitor=name,
            workflow_id=workflow_id,
            outcome=result.outcome,
            test_result_id=result.test_result_id,
            message=truncate(
                verdict_text(result.verdict) if result.verdict else " ".join(result.warnings), LONGEST_MESSAGE
            ),
            tickets=result.tickets,
        )


def _all_well(ended: Sequence[MonitorRun | BaseException]) -> list[MonitorRun]:
    """What each came to, once all have ended.

    Raises:
        ApplicationError: some could not be run; the others were.
    """
    failed = [each for each in ended if isinstance(each, BaseException)]
    if cancelled := next((each for each in failed if is_cancelled_exception(each)), None):
        raise cancelled
    if other := next((each for each in failed if not isinstance(each, ChildWorkflowError)), None):
        raise other
    if failed:
        said = " ".join(reason(each) for each in failed)
        raise ApplicationError(f"{len(failed)} of {len(ended)} monitors could not be run. {said}"[:1_000])
    return [each for each in ended if isinstance(each, MonitorRun)]
