"""Two snapshots of one model in one place: ask before a newer one is replaced, and leave exactly the highest there."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from activities.precedence import PrecedenceActivities, Settled
from activities.surveys import Places, Survey, SurveyActivities
from mlc.model.failure import FailureType
from mlc.model.processes import DeployModelResult, Phase, Replacement
from mlc.model.state import RolloutState
from mlc.model.ticket import Answer, TicketKind
from workflows.steps.activity import Call, call
from workflows.steps.attempt import Stopped
from workflows.steps.case import Case
from workflows.steps.clean_up import Part
from workflows.steps.deploy import Rollout
from workflows.steps.patches import since
from workflows.steps.put_back import PutBack

WHEN_STOPPED = timedelta(seconds=10)
"""How long a run that somebody stopped waits for a centre that is down."""


class Precedence:
    """Keeps a run's deployments in order among those of the model's other snapshots (see activities/precedence.py)."""

    def __init__(self, case: Case, rollout: Rollout, put_back: PutBack, result: DeployModelResult) -> None:
        self.case = case
        self.rollout = rollout
        self.put_back = put_back
        self.result = result

    @property
    def state(self) -> RolloutState:
        return self.rollout.state

    async def make_way(self, places: Sequence[str], seen: Survey | None = None) -> None:
        """Before a snapshot is deployed: where a newer one is active or being loaded, somebody has to allow it.

        What was allowed holds for this run until its end, and for nothing that is newer still.

        Args:
            seen: what is there, as it was seen a moment ago.

        Raises:
            Stopped: somebody answered with Rejected.
        """
        while True:
            if not self.state.newer:  # else an earlier run of the chain has asked about them
                survey = seen or await self._survey(places)
                if not survey.newer:
                    self.state.rank = survey.rank
                    return
                self.state.newer, self.state.newer_count = survey.newer, survey.count
                self.state.newest = survey.highest
            await self._ask()
            seen = None  # of before the answer

    async def settle(self) -> int:
        """After a snapshot was deployed: end what is lower in its places, give way where something higher is.

        Returns:
            How many deployments were ended.

        Raises:
            ApplicationError: ``DeploymentFailed`` where this run's own is gone, and nothing higher has taken its place.
            ActivityError: a deployment can't be ended, or the centre is down for too long.
        """
        if self.state.lost:
            await self.rollout.run(self.case.policy, self.state.approved, self.make_way)
            self.state.lost = []
        claim = self.rollout.claim
        settled = await self.case.do(PrecedenceActivities.take_over, claim, "take over from earlier deployments")
        self.state.made |= settled.adopted
        self._give_way(settled)
        for place, pushed_out in settled.pushed_out.items():
            self.put_back.note(place, pushed_out)
        for place in settled.gone:
            self.rollout.lose(place)
        self.result.deployments = list(self.state.made.values())
        await self.rollout.withdraw(self.case.policy)
        await self.put_back.run()
        if settled.gone:
            said = "; ".join(f"{claim.deployments[place]}: {what}" for place, what in settled.gone.items())
            raise ApplicationError(
                f"{len(settled.gone)} of {len(claim.deployments)} deployments are gone. {said}",
                type=FailureType.DEPLOYMENT_FAILED,
            )
        return settled.ended

    @property
    def to_give_way(self) -> list[Part]:
        """What of a clean-up is about what is higher, of a run that is stopped while it took over."""
        if not self.state.made or not since("overtaken-2026-11"):
            return []
        return [("give way where a newer snapshot is", self._look_and_give_way)]

    async def _look_and_give_way(self, call: Call) -> None:
        """It ends nothing more, but doesn't stay beside what is higher."""
        claim = self.rollout.claim.model_copy(update={"ends_others": False})
        self._give_way(await call(PrecedenceActivities.take_over, claim, summary="look for what is higher"))
        await self.rollout.take_back(call)

    async def give_way(self) -> None:
        """The same, in a run from before clean-ups were made in parts.

        Raises:
            ActivityError: the centre is down.
        """
        claim = self.rollout.claim.model_copy(update={"ends_others": False})
        settled = await call(
            PrecedenceActivities.take_over, claim, summary="look for what is higher", outage_budget=WHEN_STOPPED
        )
        self._give_way(settled)
        await self.rollout.withdraw()

    def _give_way(self, settled: Settled) -> None:
        for place, other in settled.overtaken.items():
            self.rollout.give_way(place, other)
            self.result.overtaken_by.append(other)
        self.result.deployments = list(self.state.made.values())

    async def start_over(self) -> None:
        """Take back what was made, since nobody approves it any more; what was there before is loaded again."""
        await self.rollout.start_over()
        await self.put_back.run_anew()

    async def _survey(self, places: Sequence[str]) -> Survey:
        wanted = Places(snapshot_id=self.rollout.snapshot_id, places=list(places), allowed=self.state.allowed)
        return await self.case.look(SurveyActivities.find_newer, wanted, "look for newer snapshots' deployments")

    async def _ask(self) -> None:
        message = self._question()
        ticket, answered = await self.case.ask(TicketKind.ERROR, Phase.DEPLOYMENT, message, replaces=True)
        if answered.answer is Answer.REJECTED:
            raise Stopped(TicketKind.ERROR, message)
        self.result.replaces += [
            Replacement(deployment=newer, ticket=ticket.key, by=answered.decided_by) for newer in self.state.newer
        ]
        self.state.allowed, self.state.newest = self.state.newest, None
        self.state.newer, self.state.newer_count = [], 0

    def _question(self) -> str:
        more = self.state.newer_count - len(self.state.newer)
        there = "; ".join(map(str, self.state.newer)) + (f"; and {more} more" if more else "")
        return f"A newer snapshot is deployed, or being loaded, where this one belongs. There: {there}"
