"""Deploy a snapshot wherever it belongs, once in each place, and take it back if the process is given up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.deployments import DeploymentActivities, Deployments
from activities.precedence import Claim
from activities.surveys import Sought, Survey, SurveyActivities
from mlc.model.deployment import BATCH, Deployment, DeploymentMode, DeploymentRequest, OtherDeployment, RuntimeRef
from mlc.model.failure import FailureType
from mlc.model.policy import Policy
from mlc.model.state import RolloutState
from workflows.steps.activity import Call, call, call_at_once
from workflows.steps.clean_up import Part
from workflows.steps.once import LooseEnd, create_once, look_for, question_key
from workflows.steps.patches import is_recent, since
from workflows.steps.progress import Progress, plain

MOST_REPAIRS = 3
"""How often deployments are made anew because the snapshot changed while others were made."""
BeforeDeploying = Callable[[Sequence[str], Survey | None], Awaitable[None]]
"""Told the places in which a snapshot is about to be deployed, and what is there, if that was seen already."""


class Rollout:
    """The deployments that a run made of a snapshot, by place: the runtime's id, or ``batch``.

    Args:
        purpose: what they are for, if not to put the run's own snapshot where it belongs: their keys are others.
    """

    def __init__(self, state: RolloutState, progress: Progress, snapshot_id: str, purpose: str = "") -> None:
        self.state = state
        self.progress = progress
        self.snapshot_id = snapshot_id
        self._purpose = purpose
        self._unclear: dict[str, LooseEnd[Deployment]] = {}

    @property
    def deployments(self) -> Deployments:
        """What was made, as activities take it."""
        ids = [deployment.id for deployment in self.state.made.values()]
        return Deployments(snapshot_id=self.snapshot_id, ids=ids)

    @property
    def claim(self) -> Claim:
        """What was made, by place, and its rank."""
        made = {place: deployment.id for place, deployment in self.state.made.items()}
        return Claim(snapshot_id=self.snapshot_id, deployments=made, rank=self.state.rank)

    async def run(self, policy: Policy, approved: str = "", before: BeforeDeploying | None = None) -> list[Deployment]:
        """Deploy online on every matching runtime with endpoints; batch, once, if any has none.

        Where an earlier try succeeded nothing is done again, and nothing where this run gave way.

        Args:
            approved: digest of the files that were approved; empty if nobody was asked.
            before: what has to be settled first.

        Raises:
            ActivityError: no runtime matches, or the centre refuses or is down for too long.
            ActivityError: ``ChangedSinceApproval``; the snapshot is not what was approved.
            ApplicationError: ``DeploymentFailed`` with what each failed deployment said.
        """
        runtimes, survey = await self._look(policy)
        places: dict[str, RuntimeRef | None] = {r.id: r for r in runtimes if r.mode is DeploymentMode.ONLINE}
        if len(places) < len(runtimes):
            places[BATCH] = None
        places = {place: runtime for place, runtime in places.items() if place not in self.state.yielded}
        if before is not None:
            await before(list(places), survey)
        self.state.approved = approved
        await self.make(places, policy)
        if self._stale and since("same-files-2026-11"):
            await self._make_alike(places, policy)
        return list(self.state.made.values())

    async def _look(self, policy: Policy) -> tuple[list[RuntimeRef], Survey | None]:
        """The runtimes that match, and what is in the snapshot's places, if that was seen with them."""
        if is_recent():
            sought = Sought(snapshot_id=self.snapshot_id, yielded=list(self.state.yielded), allowed=self.state.allowed)
            found = await call_at_once(
                SurveyActivities.find_places,
                sought,
                outage_budget=policy.outage_budget,
                summary="list the matching runtimes, and what is deployed there",
            )
            return found.runtimes, found.survey
        runtimes = await call(
            DeploymentActivities.match_runtimes,
            self.snapshot_id,
            outage_budget=policy.outage_budget,
            summary="list the matching runtimes",
        )
        return runtimes, None

    async def make(self, places: Mapping[str, RuntimeRef | None], policy: Policy) -> list[Deployment]:
        """Deploy in these places, None for batch; see ``run``."""
        missing = [place for place in places if place not in self.state.made]
        tries = await asyncio.gather(
            *(self._deploy(place, places[place], policy) for place in missing), return_exceptions=True
        )
        for outcome in tries:
            if isinstance(outcome, BaseException):
                raise outcome
        self.state.made = {place: self.state.made[place] for place in dict.fromkeys([*places, *self.state.made])}
        if not all(deployment.ready for deployment in self.state.made.values()):
            await self._finish(policy)
        return list(self.state.made.values())

    async def undo(self) -> None:
        """Take back what was made, or may have been, before it is made anew; in runs from before clean-ups were made in
        parts, as their clean-up. Retried for ever: nothing may stay half deployed.
        """
        try:
            for place, request in list(self.state.asked.items()):
                found = await look_for(
                    DeploymentActivities.find_deployment, request, "a deployment that may have been made"
                )
                if found is not None:
                    self._loads(request.runtime)
                    self.state.made[place] = found
                del self.state.asked[place]
        finally:  # what is known is taken back although more can't be looked for
            if self.state.made:
                await call(
                    DeploymentActivities.undo_deployments, self.deployments, summary="undo this run's deployments"
                )
                self.state.made.clear()

    @property
    def to_undo(self) -> list[Part]:
        """What of a clean-up is about these deployments: what was made, and each that may have been."""
        parts: list[Part] = [("undo the deployments", self._undo_made)] if self.state.made else []
        for place, request in self.state.asked.items():
            where = plain(request.runtime.name) if request.runtime else BATCH
            parts.append(
                (f"look for a deployment that may have been made ({where})", partial(self._undo_unclear, place))
            )
        return parts

    @property
    def to_take_back(self) -> list[Part]:
        """What of a clean-up is about what gave way already."""
        return [("take back what was overtaken", self.take_back)] if self.state.yielding else []

    @property
    def parts(self) -> list[Part]:
        """All that a clean-up has to do about these deployments."""
        return [*self.to_undo, *self.to_take_back]

    async def tie(self, call: Call) -> None:
        """Find out what became of what was being made when the run was cancelled."""
        for place in list(self._unclear):
            await self._unclear.pop(place).tie(call)

    async def _undo_made(self, call: Call) -> None:
        made = dict(self.state.made)
        ids = [deployment.id for deployment in made.values()]
        await self._end(ids, call, "undo this run's deployments")
        for place in made:
            self.state.made.pop(place, None)

    async def _undo_unclear(self, place: str, call: Call) -> None:
        asked = self.state.asked[place]
        if (end := self._unclear.get(place)) is not None:
            found = await end.tie(call)
        else:
            found = await call(DeploymentActivities.find_deployment, asked, summary="look for what may have been made")
        if found is not None:
            self._loads(asked.runtime)
            await self._end([found.id], call, "undo a deployment that was being made")
        self.state.asked.pop(place, None)
        self.state.made.pop(place, None)

    async def take_back(self, call: Call) -> None:
        """Take back what gave way up to now."""
        ids = list(self.state.yielding)
        if ids:
            await self._end(ids, call, "take back what was overtaken")
            self.state.yielding = [id_ for id_ in self.state.yielding if id_ not in ids]

    async def _end(self, ids: list[str], call: Call, summary: str) -> None:
        deployments = Deployments(snapshot_id=self.snapshot_id, ids=ids)
        await call(DeploymentActivities.undo_deployments, deployments, summary=summary)

    def lose(self, place: str) -> None:
        """The deployment in a place is gone: it is made again, under another key."""
        del self.state.made[place]
        self.state.failed[place] = self.state.failed.get(place, 0) + 1
        self.state.lost.append(place)

    def give_way(self, place: str, other: OtherDeployment) -> None:
        """A higher one is in a place: this run's own is to be taken back there (``withdraw``)."""
        self.state.yielding.append(self.state.made.pop(place).id)
        self.state.yielded[place] = other

    async def withdraw(self, policy: Policy | None = None) -> None:
        """Take back what gave way. Without a policy that is retried for ever."""
        if self.state.yielding:
            await call(
                DeploymentActivities.undo_deployments,
                Deployments(snapshot_id=self.snapshot_id, ids=self.state.yielding),
                outage_budget=policy.outage_budget if policy else None,
                summary="take back what was overtaken",
            )
            self.state.yielding = []

    async def start_over(self) -> None:
        """Take back what was made, so that all of it is made anew: it was of files that nobody approves any more."""
        for place in {**self.state.made, **self.state.asked}:
            self.state.failed[place] = self.state.failed.get(place, 0) + 1
        await self.undo()

    @property
    def _stale(self) -> list[str]:
        """Places that carry other files than what was made last: the snapshot was repaired between two tries."""
        newest = self.state.newest_files
        return [
            place for place, d in self.state.made.items() if newest and d.digest not in {"", newest} and not d.overtaken
        ]

    async def _make_alike(self, places: Mapping[str, RuntimeRef | None], policy: Policy) -> None:
        """Make anew what carries other files. What is there is taken back when its successor is loaded."""
        for _ in range(MOST_REPAIRS):
            for place in self._stale:
                self.state.yielding.append(self.state.made.pop(place).id)
                self.state.failed[place] = self.state.failed.get(place, 0) + 1
            await self.make(places, policy)
            await self.withdraw(policy)
            if not self._stale:
                return

    def _loads(self, runtime: RuntimeRef | None) -> None:
        """What was there before may be pushed out."""
        if runtime is not None and runtime.single_model and runtime.id not in self.state.loads:
            self.state.loads.append(runtime.id)

    async def _deploy(self, place: str, runtime: RuntimeRef | None, policy: Policy) -> None:
        def created(deployment: Deployment) -> None:
            self.state.made[place] = deployment
            self._loads(runtime)
            self.state.newest_files = deployment.digest or self.state.newest_files
            del self.state.asked[place]

        request = self.state.asked[place] = DeploymentRequest(
            snapshot_id=self.snapshot_id,
            mode=DeploymentMode.ONLINE if runtime else DeploymentMode.BATCH,
            runtime=runtime,
            key=question_key("dep", place + self._purpose, self.state.failed.get(place, 0)),
            workflow_id=workflow.info().workflow_id,
            rank=self.state.rank,
            expected=self.state.approved,
            like=self.state.like,
        )
        await create_once(
            DeploymentActivities.deploy,
            DeploymentActivities.find_deployment,
            request,
            created=created,
            index_lag=policy.center_index_lag,
            outage_budget=policy.outage_budget,
            summary=f"deploy online on {runtime.name}" if runtime else "deploy as batch",
            on_trouble=self.progress.trouble,
            left=partial(self._unclear.__setitem__, place),
        )

    async def _finish(self, policy: Policy) -> None:
        self.progress.waiting_for("the runtimes to load the model")
        finished = await call(
            DeploymentActivities.finish_deployments, self.deployments, summary="wait until the model is loaded"
        )
        self.progress.waiting_for("")
        self.state.made = {  # of one that is gone the centre can't tell where it was
            place: now.model_copy(update={"mode": known.mode, "runtime": known.runtime, "digest": known.digest})
            for (place, known), now in zip(self.state.made.items(), finished, strict=True)
        }
        failed = {place: deployment for place, deployment in self.state.made.items() if deployment.problem}
        if not failed:
            return
        gone = Deployments(snapshot_id=self.snapshot_id, ids=[deployment.id for deployment in failed.values()])
        await call(
            DeploymentActivities.undo_deployments,
            gone,
            outage_budget=policy.outage_budget,
            summary="clear failed deployments",
        )
        for place in failed:
            del self.state.made[place]
            self.state.failed[place] = self.state.failed.get(place, 0) + 1
        said = "; ".join(f"{d.runtime or BATCH}: {d.problem}" for d in failed.values())
        raise ApplicationError(
            f"{len(failed)} of {len(finished)} deployments failed. {said}", type=FailureType.DEPLOYMENT_FAILED
        )
