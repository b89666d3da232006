"""Deployments: which runtimes match, deploying once, and what becomes of earlier deployments."""

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity

from activities.bound_files import files_of_open, remembered
from activities.earlier_deployments import active_deployments, active_deployments_of
from activities.failures import (
    lookup_deadline,
    non_retryable,
    not_finished,
    translated,
    translated_creation,
    translated_while_waiting,
)
from activities.matching import suiting
from activities.occupied import occupant, occupied, refuse_occupied
from mlc.center import Beside, Center, NewDeployment
from mlc.center.ledger import After
from mlc.model.base import Record
from mlc.model.binding import BoundFile, differences, digest, in_short
from mlc.model.deployment import (
    BATCH,
    Deployment,
    DeploymentMode,
    DeploymentRecord,
    DeploymentRequest,
    DeploymentState,
    Runtime,
    RuntimeRef,
)
from mlc.model.failure import FailureType, NotFound, Refused, Unavailable
from mlc.model.failure_text import failure_text
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import json_size, truncate, truncate_start
from mlc.settings import ProcessSettings

LOADING_PAUSE = timedelta(seconds=2)
LONGEST_REASON, LONGEST_SENTENCE = 1000, 600
"""Bytes of what a runtime says of a deployment that failed, and of its last message: the sentence that says why."""


class Deployments(Record):
    """Deployments of one snapshot, by id. ``model_id`` is empty if the centre doesn't say, or nobody looked."""

    snapshot_id: str
    ids: list[str]
    model_id: str = ""


@dataclass
class DeploymentActivities:
    center: Center
    settings: ProcessSettings
    review_tags: Iterable[str]
    """The tags that ask for a review in one ticket system."""

    @activity.defn
    async def match_runtimes(self, snapshot_id: str) -> list[RuntimeRef]:
        """The runtimes that suit the snapshot (see ``matching``), those that serve online first.

        Raises:
            ApplicationError: ``NoMatchingRuntime`` (final) with what was looked for and what there is.
        """
        with translated():
            snapshot = await self.center.get_snapshot(snapshot_id)
            runtimes = await self.center.list_runtimes()
        return suiting(snapshot, runtimes, self.settings, self.review_tags)

    @activity.defn
    async def deploy(self, request: DeploymentRequest) -> Deployment:
        """Make the deployment, or find the one that an earlier try made. At most one POST.

        Raises:
            ApplicationError: ``RuntimeOccupied`` (final) where the runtime holds one model only, and what it holds is
                another model, or a newer snapshot's deployment than those that ``rank`` may replace.
        """
        with translated_creation():
            async with AsyncExitStack() as opened:
                async with lookup_deadline(self.settings.center_index_lag):
                    beside = [Beside.DEPLOYMENTS, *([Beside.RUNTIMES] if request.runtime else [])]
                    around = await opened.enter_async_context(
                        self.center.open_surroundings(request.snapshot_id, *beside)
                    )
                    snapshot, existing = around.snapshot, _of_key(await around.deployments(), request)
                    if existing is None:
                        runtime = self._runtime(request.runtime, await around.runtimes()) if request.runtime else None
                        carried = await self._as_approved(request, snapshot)
                        if runtime is not None and runtime.single_model:
                            await refuse_occupied(self.center, runtime, snapshot, request.rank)
                if existing is None:
                    new = NewDeployment(request.key, snapshot, snapshot.stage, runtime, request.rank)
                    existing = await self.center.create_deployment(new)
                    return deployment_of(existing).model_copy(update={"digest": carried})
            return await self._found(existing, request)

    @activity.defn
    async def find_deployment(self, request: DeploymentRequest) -> Deployment | None:
        """The deployment that an earlier, unclear try of ``deploy`` made, if it did."""
        with translated():
            existing = await self._find(request)
            return await self._found(existing, request) if existing else None

    @activity.defn
    async def finish_deployments(self, deployments: Deployments) -> list[Deployment]:
        """Wait until each of them is loaded or has failed; those that failed say why in ``problem``.

        One has failed, too, that was loaded where a model was that came first, on a runtime that holds one only.
        """
        with translated_while_waiting(self.settings.outage_budget):
            records = await self._look(deployments)
            current = [deployment_of(r) if isinstance(r, DeploymentRecord) else r for r in records]
            loading = [deployment for deployment in current if not deployment.ready and not deployment.problem]
            late = activity.info().started_time >= activity.info().scheduled_time + self.settings.deployment_deadline
            if loading and not late:
                names = ", ".join(f"{deployment.id} on {deployment.runtime}" for deployment in loading)
                raise not_finished(f"Still loading: {names}", LOADING_PAUSE)
            never = {"problem": f"not loaded within {self.settings.deployment_deadline}; is the runtime up?"}
            current = [d.model_copy(update=never) if d in loading else d for d in current]
            return await self._beside_others(records, current)

    @activity.defn
    async def undo_deployments(self, deployments: Deployments) -> None:
        """Take these deployments back, with their schedules."""
        with translated():
            await end_each(self.center, deployments.ids)

    @activity.defn
    async def undeploy(self, snapshot_id: str) -> list[str]:
        """Take a snapshot out of use: end all its deployments, those that still load, too.

        Returns:
            Ids of the deployments that were ended by this try.
        """
        with translated():
            there = await self.center.list_deployments(snapshot_id=snapshot_id)
            active = [each.id for each in there if each.state in {DeploymentState.DEPLOYED, DeploymentState.DEPLOYING}]
            await end_each(self.center, active)
        return active

    @activity.defn
    async def supersede(self, deployments: Deployments) -> list[str]:
        """End the model's earlier deployments where these ones have taken over, and their schedules.

        Returns:
            Ids of the deployments that were ended by this try.
        """
        with translated():
            new = [await self.center.get_deployment(id_) for id_ in deployments.ids]
            snapshot = await self.center.get_snapshot(deployments.snapshot_id)
            places = {deployment.place for deployment in new}
            others = await active_deployments(self.center, snapshot, but=deployments.ids)
            older = [deployment.id for deployment in others if deployment.place in places]
            await end_each(self.center, older)
        return older

    async def _as_approved(self, request: DeploymentRequest, snapshot: Snapshot) -> str:
        """The digest of what is about to be embedded in a deployment, compared with what was approved.

        Raises:
            ApplicationError: ``ChangedSinceApproval`` (final).
        """
        files = await files_of_open(self.center, snapshot)
        carried = remembered(files)
        if request.expected and carried != request.expected:
            changed = f"Snapshot {snapshot.name!r} changed after it was approved, so it was not deployed."
            if request.like:
                changed = await self._not_put_back(request, snapshot, files)
            raise non_retryable(FailureType.CHANGED_SINCE_APPROVAL, changed)
        return carried

    async def _not_put_back(self, request: DeploymentRequest, snapshot: Snapshot, now: Sequence[BoundFile]) -> str:
        """What became of the files that were deployed, and what can be done so that they are again."""
        since = "it changed"
        with suppress(NotFound):
            async with self.center.open_deployment(request.like) as opened:
                if opened.snapshot:
                    changes = differences(await files_of_open(self.center, opened.snapshot), now)
                    since = ", ".join(in_short(changes)) or since
        where = request.runtime.name if request.runtime else BATCH
        return (
            f"Snapshot {snapshot.name!r} was pushed out of {where} and is not put back: since it was deployed there, "
            f"{since}. Only what was deployed is put back. Take the change back in the model centre, then Done puts "
            "the snapshot back. To have it deployed as it is now, answer Rejected here and start its own process again."
        )

    async def _found(self, existing: DeploymentRecord, request: DeploymentRequest) -> Deployment:
        """One that an earlier try made: it compared what it deployed, if there was anything to compare it with."""
        carried = request.expected
        if not carried:
            async with self.center.open_deployment(existing.id) as opened:
                carried = digest(await files_of_open(self.center, opened.snapshot)) if opened.snapshot else ""
        return deployment_of(existing).model_copy(update={"digest": carried})

    async def _find(self, request: DeploymentRequest) -> DeploymentRecord | None:
        return _of_key(await self.center.list_deployments(snapshot_id=request.snapshot_id), request)

    def _runtime(self, wanted: RuntimeRef, runtimes: Iterable[Runtime]) -> Runtime:
        for runtime in runtimes:
            if runtime.id == wanted.id:
                return runtime
        raise non_retryable(
            FailureType.NO_MATCHING_RUNTIME, f"Runtime {wanted.name!r} is no longer in the model centre."
        )

    async def _beside_others(
        self, records: Sequence[DeploymentRecord | Deployment], current: Sequence[Deployment]
    ) -> list[Deployment]:
        """What has become of deployments, seen with those beside them.

        Of two models that were deployed at the same moment to a runtime that holds one, the first to be made stays. One
        that a higher snapshot's run has ended has not failed: its own run will give way.
        """
        single = {runtime.id: runtime for runtime in await self.center.list_runtimes() if runtime.single_model}
        seen = []
        for record, deployment in zip(records, current, strict=True):
            changes: dict[str, Any] = {}
            if isinstance(record, DeploymentRecord) and await self._is_overtaken(record):
                changes = {"problem": "", "overtaken": True}
            elif isinstance(record, DeploymentRecord) and not deployment.problem and record.runtime_id in single:
                others = await self.center.list_deployments(runtime_id=record.runtime_id)
                first = occupant([d for d in others if d.made < record.made], record.model_id, record.id)
                if first is not None:
                    problem = truncate(occupied(single[record.runtime_id], first), 400)
                    changes = {"problem": problem, "ready": False}
            seen.append(deployment.model_copy(update=changes))
        return seen

    async def _is_overtaken(self, record: DeploymentRecord) -> bool:
        if record.state is not DeploymentState.UNDEPLOYED or record.placed is None or not record.model_id:
            return False
        there = await active_deployments_of(self.center, record.model_id)
        return any(d.place == record.place and d.rank > record.rank and not d.provisional for d in there)

    async def _look(self, deployments: Deployments) -> list[DeploymentRecord | Deployment]:
        """Each as it is now, several of them in one listing. What that doesn't show (yet) is asked for by itself."""
        listed: dict[str, DeploymentRecord] = {}
        if len(deployments.ids) > 1:
            listed = {d.id: d for d in await self.center.list_deployments(snapshot_id=deployments.snapshot_id)}
        return [listed.get(id_) or await self._look_at(id_) for id_ in deployments.ids]

    async def _look_at(self, deployment_id: str) -> DeploymentRecord | Deployment:
        try:
            return await self.center.get_deployment(deployment_id)
        except NotFound:
            gone = "it is no longer in the model centre"
            return Deployment(id=deployment_id, mode=DeploymentMode.ONLINE, ready=False, problem=gone)


def _of_key(deployments: Sequence[DeploymentRecord], request: DeploymentRequest) -> DeploymentRecord | None:
    """The oldest deployment of the snapshot with the request's key."""
    of_it = (d for d in reversed(deployments) if d.snapshot_id == request.snapshot_id)
    return next((d for d in of_it if d.key == request.key), None)


async def end_each(center: Center, ids: Iterable[str]) -> list[DeploymentRecord] | None:
    """End deployments; each of them, even if another one is refused or can't be ended now. One that is gone has ended.

    Returns:
        The deployments of the last one's model as they are now, if the centre has told them along.

    Raises:
        Unavailable: of one of them the centre says that it can't be ended now.
        ApplicationError: ``Refused`` (final), with each refusal.
    """
    refusals: list[str] = []
    outage: Unavailable | None = None
    after: After | None = None
    ids = list(ids)
    for number, id_ in enumerate(ids, 1):
        after = None
        try:
            with suppress(NotFound):
                after = await center.end_deployment(id_, beside=number == len(ids))
        except Refused as error:
            refusals.append(f"Deployment {id_} could not be undeployed. {error}")
        except Unavailable as error:
            outage = error
    if outage is not None:
        raise outage
    if refusals:
        raise non_retryable(FailureType.REFUSED, " ".join(refusals))
    return after.beside if after is not None else None


def deployment_of(record: DeploymentRecord) -> Deployment:
    problem = ""
    if record.state is DeploymentState.FAILED:
        problem = _reason(record.messages) or "the runtime gave no reason"
    elif record.state is DeploymentState.UNDEPLOYED:
        problem = "it was undeployed meanwhile"
    online = record.runtime_id is not None
    return Deployment(
        id=record.id,
        mode=DeploymentMode.ONLINE if online else DeploymentMode.BATCH,
        runtime=truncate(record.runtime_name, 100) if online else None,
        ready=record.state is DeploymentState.DEPLOYED,
        problem=problem,
        address=truncate(record.address, 300),
        warning=truncate(record.warning, 400),
    )


def _reason(messages: Sequence[str]) -> str:
    """What went wrong, and then the end of what a runtime of ours says between: the traceback, which no job shows."""
    why = failure_text(messages, LONGEST_SENTENCE)
    rest = [line for line in messages[1:-1] if line not in why] if messages and messages[0] == messages[-1] else []
    room = LONGEST_REASON - json_size(why)
    return "\n".join([why, truncate_start("\n".join(rest), room)]) if rest else why
