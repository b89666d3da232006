"""Monitors that can't be added: who is told of them, and whether the run goes on without."""

from collections.abc import Sequence

from temporalio.exceptions import ApplicationError

from activities.monitors import MonitorActivities
from mlc.model.failure import FailureType
from mlc.model.monitor_plan import OnMissingMonitor
from mlc.model.processes import Phase
from mlc.model.state import DeployModelState
from mlc.model.ticket import Answer, TicketKind
from workflows.steps.attempt import Stopped
from workflows.steps.case import Case
from workflows.steps.outcome import missing_text


class MissingMonitors:
    """The monitors that a run goes without, by the settings that it follows."""

    def __init__(self, case: Case, state: DeployModelState) -> None:
        self.case = case
        self.state = state

    async def look(self) -> None:
        """Find out, where people are asked, which can't be added: who reviews the model decides that as well."""
        if self.case.policy.on_missing_monitor is OnMissingMonitor.ASK and self.state.told_missing is None:
            plan = await self.case.look(
                MonitorActivities.plan_monitors, self.case.snapshot.id, "see which monitors can be added"
            )
            self.state.told_missing = list(plan.lacking)

    @property
    def told(self) -> list[str]:
        """Those of which a reviewer is told, and without which an approval says to go on."""
        return self.state.told_missing or []

    async def accept(self, missing: Sequence[str]) -> None:
        """Go on without these: in any case, or if people said yes to each, or never.

        Raises:
            ApplicationError: ``MissingMonitor``: never.
            Stopped: they said no.
        """
        rule = self.case.policy.on_missing_monitor
        if rule is OnMissingMonitor.WARN or not missing:
            return
        if rule is not OnMissingMonitor.ASK:
            raise ApplicationError(missing_text(missing), type=FailureType.MISSING_MONITOR)
        accepted = self.told if self.state.reviewed is not None else []
        if unasked := [name for name in missing if name not in accepted]:
            message = missing_text(unasked)
            _, answered = await self.case.ask(TicketKind.ERROR, Phase.MONITORS, message, without=unasked)
            if answered.answer is not Answer.APPROVED:
                raise Stopped(TicketKind.ERROR, message)
