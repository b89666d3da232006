"""On runtimes that hold one model: a run that gave way deploys again what its own load has pushed out."""

from temporalio.exceptions import ActivityError

from activities.precedence import PrecedenceActivities
from activities.schedules import ScheduleActivities
from mlc.model.deployment import PushedOut
from mlc.model.failure import FailureType
from mlc.model.state import DeployModelState, PutBackState, RolloutState
from workflows.steps.case import Case
from workflows.steps.deploy import Rollout
from workflows.steps.once import failure_type


class PutBack:
    """The higher snapshots' deployments that a run has to put back, by place.

    Nobody can say which of two loads came last, so it is done whenever this run's own was loaded there, too. The one
    that the centre shows as active stays so until the new one has taken over, with its schedules: no other run sees
    the place empty.
    """

    def __init__(self, case: Case, state: DeployModelState) -> None:
        self.case = case
        self.state = state

    def note(self, place: str, pushed_out: PushedOut) -> None:
        """This is to be put back."""
        rollout = RolloutState(rank=pushed_out.rank, approved=pushed_out.digest)
        self.state.put_back[place] = PutBackState(pushed_out=pushed_out, rollout=rollout)

    async def run(self) -> None:
        """Put back what is noted; what can't be loaded any more is a failure as of any deployment."""
        for place, winner in list(self.state.put_back.items()):
            rollout = self._rollout(winner)
            try:
                await rollout.make({place: winner.pushed_out.runtime}, self.case.policy)
            except ActivityError as error:
                if failure_type(error) != FailureType.RUNTIME_OCCUPIED:
                    raise
                rollout.state.asked.clear()  # another one is there already: it has pushed out both
            if rollout.state.made:
                await self._settle(place, rollout)
            del self.state.put_back[place]

    async def undo(self) -> None:
        """Take back what has not taken over yet."""
        for place, winner in list(self.state.put_back.items()):
            await self._rollout(winner).undo()
            del self.state.put_back[place]

    def _rollout(self, winner: PutBackState) -> Rollout:
        return Rollout(winner.rollout, self.case.progress, winner.pushed_out.snapshot_id, "|again")

    async def _settle(self, place: str, rollout: Rollout) -> None:
        await self.case.do(ScheduleActivities.copy_schedules, rollout.deployments, "copy the schedules")
        settled = await self.case.do(PrecedenceActivities.take_over, rollout.claim, "take over from what was there")
        if place in settled.overtaken:
            rollout.give_way(place, settled.overtaken[place])
            await rollout.withdraw(self.case.policy)
