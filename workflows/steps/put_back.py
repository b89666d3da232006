"""On runtimes that hold one model: a run whose own load doesn't stay deploys again what that has pushed out."""

from collections.abc import Sequence
from functools import partial

from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.precedence import Loads, PrecedenceActivities, PushedOutByLoads
from activities.schedules import ScheduleActivities, Successor
from mlc.model.deployment import PushedOut
from mlc.model.failure import FailureType
from mlc.model.state import DeployModelState, PutBackState, RolloutState
from workflows.steps.activity import Call, call
from workflows.steps.case import Case
from workflows.steps.clean_up import Part
from workflows.steps.deploy import Rollout
from workflows.steps.notices import not_put_back
from workflows.steps.once import failure_type, reason


class PutBack:
    """The deployments of others that a run has to put back, by place.

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
        rollout = RolloutState(rank=pushed_out.rank, approved=pushed_out.digest, like=pushed_out.deployment_id)
        self._rollouts.pop(place, None)
        self.state.put_back[place] = PutBackState(pushed_out=pushed_out, rollout=rollout)

    async def run(self) -> None:
        """Put back what is noted; what can't be loaded any more is a failure as of any deployment."""
        for place, winner in list(self.state.put_back.items()):
            await self._put_back(place, winner)

    async def run_anew(self) -> None:
        """This run has taken back its own, to ask anew: meanwhile what was there before is there again.

        Raises:
            ActivityError: it can't be put back.
            ApplicationError: the same: it can't be loaded.
        """
        await self._find(partial(call, outage_budget=self.case.policy.outage_budget))
        await self.run()

    async def undo(self) -> None:
        """Take back what has not taken over yet, in a run from before clean-ups were made in parts."""
        for place, winner in list(self.state.put_back.items()):
            await self._rollout(place, winner).undo()
            del self.state.put_back[place]

    def to_do(self, before: Sequence[Part]) -> list[Part]:
        """What of a clean-up is about what this run has pushed out, where its own doesn't stay: it is loaded again.

        Args:
            before: the parts that take back this run's own deployments, or find that they stay.
        """
        asked = [request.runtime for request in self.state.rollout.asked.values() if request.runtime is not None]
        if not (self.state.put_back or self.state.rollout.loads or any(runtime.single_model for runtime in asked)):
            return []
        return [("load again what was pushed out", partial(self._load_again, [what for what, _ in before]))]

    async def _load_again(self, before: Sequence[str], call: Call) -> None:
        """As far as that goes. What can't be is said in the result, and in a notification."""
        await self.case.clean_up.done(before)
        await self._find(call)
        for place, winner in list(self.state.put_back.items()):
            rollout = self._rollout(place, winner)
            await rollout.tie(call)
            try:
                instead = await self._put_back(place, winner)
            except (ActivityError, ApplicationError) as error:
                if is_cancelled_exception(error):
                    raise
                instead = reason(error)
                for _, take_back in rollout.parts:
                    await self.case.unless_refused(partial(take_back, call))
            self.state.put_back.pop(place, None)
            if instead:
                notice = not_put_back(self.case.snapshot, winner.pushed_out, instead)
                self.case.progress.warn([notice.message[:400]])
                await self.case.notify(notice, call)

    @property
    def _loaded(self) -> list[str]:
        """Runtimes that this run has loaded, and where nothing of its own is."""
        rollout = self.state.rollout
        return [place for place in rollout.loads if place not in rollout.made and place not in self.state.put_back]

    async def _find(self, call: Call) -> None:
        if not (loaded := self._loaded):
            return
        found: PushedOutByLoads = await call(
            PrecedenceActivities.find_pushed_out, Loads(runtimes=loaded), summary="look for what was pushed out"
        )
        for place, pushed_out in found.deployments.items():
            self.note(place, pushed_out)
        self.state.rollout.loads = [place for place in self.state.rollout.loads if place not in loaded]

    def _rollout(self, place: str, winner: PutBackState) -> Rollout:
        """The same one for a place: it alone knows what was under way when the run was cancelled.

        Its keys tell which deployment it puts back: in one place a run may have to do that twice.
        """
        if place not in self._rollouts:
            previous = winner.pushed_out.deployment_id
            purpose = f"|again|{previous}" if previous else "|again"
            snapshot_id = winner.pushed_out.snapshot_id
            self._rollouts[place] = Rollout(winner.rollout, self.case.progress, snapshot_id, purpose)
        return self._rollouts[place]

    async def _put_back(self, place: str, winner: PutBackState) -> str:
        """What is there instead, if something else has been loaded since: it has pushed out both."""
        instead, rollout = "", self._rollout(place, winner)
        try:
            await rollout.make({place: winner.pushed_out.runtime}, self.case.policy)
        except ActivityError as error:
            if failure_type(error) != FailureType.RUNTIME_OCCUPIED:
                raise
            instead = reason(error)
            rollout.state.asked.clear()
        if rollout.state.made:
            await self._settle(place, winner.pushed_out, rollout)
        del self.state.put_back[place]
        return instead

    async def _settle(self, place: str, pushed_out: PushedOut, rollout: Rollout) -> None:
        if pushed_out.deployment_id:  # earlier workers did not tell it
            made = rollout.state.made[place].id
            successor = Successor(
                snapshot_id=pushed_out.snapshot_id, previous=pushed_out.deployment_id, deployment=made
            )
            await self.case.do(ScheduleActivities.carry_over, successor, "copy the schedules")
        else:
            await self.case.do(ScheduleActivities.copy_schedules, rollout.deployments, "copy the schedules")
        settled = await self.case.do(PrecedenceActivities.take_over, rollout.claim, "take over from what was there")
        if place in settled.overtaken:
            rollout.give_way(place, settled.overtaken[place])
            await rollout.withdraw(self.case.policy)
