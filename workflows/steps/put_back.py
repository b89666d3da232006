"""On runtimes that hold one model: a run that gave way deploys again what its own load has pushed out."""

from temporalio.exceptions import ActivityError

from activities.precedence import PrecedenceActivities
from activities.schedules import ScheduleActivities
from mlc.model.deployment import PushedOut
from mlc.model.failure import FailureType
from mlc.model.state import DeployModelState, PutBackState, RolloutState
from workflows.steps.case import Case
from workflows.steps.clean_up import Part
from workflows.steps.deploy import Rollout
from workflows.steps.once import failure_type
from workflows.steps.progress import plain


class PutBack:
    """The higher snapshots' deployments that a run has to put back, by place.

    Nobody can say which of two loads came last, so it is done whenever this run's own was loaded there, too. The one
    that the centre shows as active stays so until the new one has taken over, with its schedules: no other run sees
    the place empty.
    """

    def __init__(self, case: Case, state: DeployModelState) -> None:
        self.case = case
        self.state = state
        self._rollouts: dict[str, Rollout] = {}

    def note(self, place: str, pushed_out: PushedOut) -> None:
        """This is to be put back."""
        rollout = RolloutState(rank=pushed_out.rank, approved=pushed_out.digest)
        self._rollouts.pop(place, None)
        self.state.put_back[place] = PutBackState(pushed_out=pushed_out, rollout=rollout)

    async def run(self) -> None:
        """Put back what is noted; what can't be loaded any more is a failure as of any deployment."""
        for place, winner in list(self.state.put_back.items()):
            rollout = self._rollout(place, winner)
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
        """Take back what has not taken over yet, in a run from before clean-ups were made in parts."""
        for place, winner in list(self.state.put_back.items()):
            await self._rollout(place, winner).undo()
            del self.state.put_back[place]

    @property
    def to_undo(self) -> list[Part]:
        """What of a clean-up is about what has not taken over yet."""
        parts: list[Part] = []
        for place, winner in self.state.put_back.items():
            rollout, where = self._rollout(place, winner), plain(winner.pushed_out.runtime.name)
            parts += [
                (f"{what}, put back on {where}", work) for what, work in (*rollout.to_undo, *rollout.to_take_back)
            ]
        return parts

    def _rollout(self, place: str, winner: PutBackState) -> Rollout:
        """The same one for a place: it alone knows what was under way when the run was cancelled."""
        if place not in self._rollouts:
            snapshot_id = winner.pushed_out.snapshot_id
            self._rollouts[place] = Rollout(winner.rollout, self.case.progress, snapshot_id, "|again")
        return self._rollouts[place]

    async def _settle(self, place: str, rollout: Rollout) -> None:
        await self.case.do(ScheduleActivities.copy_schedules, rollout.deployments, "copy the schedules")
        settled = await self.case.do(PrecedenceActivities.take_over, rollout.claim, "take over from what was there")
        if place in settled.overtaken:
            rollout.give_way(place, settled.overtaken[place])
            await rollout.withdraw(self.case.policy)
