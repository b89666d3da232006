"""On runtimes that hold one model: a run whose own load doesn't stay deploys again what that has pushed out."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.precedence import Loads, PrecedenceActivities
from activities.schedules import ScheduleActivities, Successor
from mlc.model.deployment import PushedOut
from mlc.model.failure import FailureType
from mlc.model.state import DeployModelState, PutBackState, RolloutState
from mlc.model.truncation import truncate
from workflows.steps.case import Case
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

    def note(self, place: str, pushed_out: PushedOut) -> None:
        """This is to be put back."""
        rollout = RolloutState(rank=pushed_out.rank, approved=pushed_out.digest, like=pushed_out.deployment_id)
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
        if (self._loaded or self.state.put_back) and workflow.patched("put-back-2026-11"):
            await self._find()
            await self.run()

    async def undo(self) -> None:
        """This run is stopped: what it has pushed out is put back where its own doesn't stay, as far as that goes.

        What can't be put back is said in the result, and in a notification.
        """
        if not self._loaded and not self.state.put_back:
            return
        if not workflow.patched("put-back-2026-11"):
            for place, winner in list(self.state.put_back.items()):
                await self._rollout(winner).undo()
                del self.state.put_back[place]
            return
        await self.case.unless_refused(self._find)
        for place, winner in list(self.state.put_back.items()):
            try:
                instead = await self._put_back(place, winner)
            except (ActivityError, ApplicationError) as error:
                if is_cancelled_exception(error):
                    raise
                instead = reason(error)
                await self.case.unless_refused(self._rollout(winner).undo)
            self.state.put_back.pop(place, None)
            if instead:
                notice = not_put_back(self.case.snapshot, winner.pushed_out, instead)
                self.state.status.result.warnings.append(truncate(notice.message, 400))
                await self.case.notify(notice)

    @property
    def _loaded(self) -> list[str]:
        """Runtimes that this run has loaded, and where nothing of its own is."""
        rollout = self.state.rollout
        return [place for place in rollout.loads if place not in rollout.made and place not in self.state.put_back]

    async def _find(self) -> None:
        loaded = self._loaded
        if not loaded:
            return
        found = await self.case.do(
            PrecedenceActivities.find_pushed_out, Loads(runtimes=loaded), "look for what was pushed out"
        )
        for place, pushed_out in found.deployments.items():
            self.note(place, pushed_out)
        self.state.rollout.loads = [place for place in self.state.rollout.loads if place not in loaded]

    def _rollout(self, winner: PutBackState) -> Rollout:
        """Its keys tell which deployment it puts back: in one place a run may have to do that twice."""
        previous = winner.pushed_out.deployment_id
        purpose = f"|again|{previous}" if previous else "|again"
        return Rollout(winner.rollout, self.case.progress, winner.pushed_out.snapshot_id, purpose)

    async def _put_back(self, place: str, winner: PutBackState) -> str:
        """What is there instead, if something else has been loaded since: it has pushed out both."""
        instead, rollout = "", self._rollout(winner)
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
        if pushed_out.deployment_id and workflow.patched("put-back-2026-11"):
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
