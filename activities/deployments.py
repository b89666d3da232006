"""Deployments: which runtimes match, deploying once, and what becomes of earlier deployments."""

from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mlc.center.deployment_state import deployment_state
from temporalio import activity

from activities.failures import (
    final,
    looking_first,
    not_finished,
    translated,
    translated_creation,
    translated_while_waiting,
)
from activities.matching import described, looked_for, matching, mode_of
from activities.snapshots import stage_of
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.deployment import Deployment, DeploymentMode, DeploymentRequest, RuntimeRef
from mlc.model.failure import FailureType, NotFound, Refused
from mlc.model.short import beginning, ending
from mlc.settings import CenterSettings, ProcessSettings

LOADING_PAUSE = timedelta(seconds=2)


class Deployments(Record):
    """Deployments of one snapshot, by id."""

    snapshot_id: str
    ids: list[str]


@dataclass
class DeploymentActivities:
    center: Center
    settings: ProcessSettings
    center_settings: CenterSettings
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
            engines = await self.center.list_engines()
        found = matching(snapshot, engines, self.settings, self.review_tags)
        if not found:
            raise final(
                FailureType.NO_MATCHING_RUNTIME,
                f"No runtime matches snapshot {snapshot.meta_data.name!r}: {looked_for(snapshot)}. "
                f"The centre's runtimes: {', '.join(map(described, engines)) or 'none at all'}.",
            )
        refs = [
            RuntimeRef(id=engine.id or "", name=beginning(engine.name, 100), mode=mode_of(engine)) for engine in found
        ]
        return sorted(refs, key=lambda ref: ref.mode is not DeploymentMode.ONLINE)

    @activity.defn
    async def deploy(self, request: DeploymentRequest) -> Deployment:
        """Make the deployment, or find the one that an earlier try made. At most one POST."""
        with translated_creation():
            async with looking_first(self.settings.center_index_lag):
                existing = await self._find(request)
                if existing is None:
                    snapshot = await self.center.get_snapshot(request.snapshot_id)
                    target: dict[str, Any] = {"engine": await self._engine(request.runtime)} if request.runtime else {}
            if existing is None:
                state = self.center_settings.deploying_state if request.runtime else self.center_settings.deployed_state
                existing = await self.center.create_deployment(
                    wire.DeployedModel(
                        deployable_model=snapshot,
                        deployment_target=stage_of(snapshot),
                        mlc_key=request.key,
                        **{self.center_settings.state_field: state, **target},
                    )
                )
        return self._deployment(existing)

    @activity.defn
    async def find_deployment(self, request: DeploymentRequest) -> Deployment | None:
        """The deployment that an earlier, unclear try of ``deploy`` made, if it did."""
        with translated():
            existing = await self._find(request)
        return self._deployment(existing) if existing else None

    @activity.defn
    async def finish_deployments(self, deployments: Deployments) -> list[Deployment]:
        """Wait until each of them is loaded or has failed; those that failed say why in ``problem``."""
        with translated_while_waiting(self.settings.outage_budget):
            current = [await self._look(id_) for id_ in deployments.ids]
            loading = [deployment for deployment in current if not deployment.ready and not deployment.problem]
            if not loading:
                return current
            if activity.info().started_time >= activity.info().scheduled_time + self.settings.deployment_deadline:
                late = f"not loaded within {self.settings.deployment_deadline}; is the runtime up?"
                return [d.model_copy(update={"problem": late}) if d in loading else d for d in current]
            names = ", ".join(f"{deployment.id} on {deployment.runtime}" for deployment in loading)
            raise not_finished(f"Still loading: {names}", LOADING_PAUSE)

    @activity.defn
    async def undo_deployments(self, deployments: Deployments) -> None:
        """Take these deployments back, with their schedules."""
        with translated():
            await self._undeploy(deployments.ids)

    @activity.defn
    async def supersede(self, deployments: Deployments) -> list[str]:
        """End the model's earlier deployments where these ones have taken over, and their schedules.

        Returns:
            Ids of the deployments that were ended by this try.
        """
        with translated():
            new = [await self.center.get_deployment(id_) for id_ in deployments.ids]
            snapshot = await self.center.get_snapshot(deployments.snapshot_id)
            places = {_place(deployment) for deployment in new}
            others = await active_deployments(self.center, self.center_settings, snapshot, but=deployments.ids)
            older = [deployment.id for deployment in others if _place(deployment) in places]
            await self._undeploy(older)
        return older

    async def _find(self, request: DeploymentRequest) -> wire.DeployedModel | None:
        deployments = await self.center.list_deployments(snapshot_id=request.snapshot_id)
        return next((d for d in reversed(deployments) if d.mlc_key == request.key), None)

    async def _engine(self, runtime: RuntimeRef) -> wire.Engine:
        for engine in await self.center.list_engines():
            if engine.id == runtime.id:
                return engine
        raise final(FailureType.NO_MATCHING_RUNTIME, f"Runtime {runtime.name!r} is no longer in the model centre.")

    async def _look(self, deployment_id: str) -> Deployment:
        try:
            return self._deployment(await self.center.get_deployment(deployment_id))
        except NotFound:
            gone = "it is no longer in the model centre"
            return Deployment(id=deployment_id, mode=DeploymentMode.ONLINE, ready=False, problem=gone)

    async def _undeploy(self, ids: Iterable[str]) -> None:
        """End deployments; each of them, even if another one is refused. One that is gone has ended."""
        ended = {
            self.center_settings.state_field: self.center_settings.undeployed_state,
            "undeployTime": datetime.now(UTC).isoformat(),
            "schedules": [],
        }
        refusals = []
        for id_ in ids:
            try:
                with suppress(NotFound):
                    await self.center.patch_deployment(id_, ended)
            except Refused as error:
                refusals.append(f"Deployment {id_} could not be undeployed. {error}")
        if refusals:
            raise final(FailureType.REFUSED, " ".join(refusals))

    def _state(self, deployment: wire.DeployedModel) -> str:
        return deployment_state(deployment, self.center_settings)

    def _deployment(self, deployment: wire.DeployedModel) -> Deployment:
        state = self._state(deployment)
        problem = ""
        if state == self.center_settings.failed_state:
            problem = ending("\n".join(deployment.messages), 400) or "the runtime gave no reason"
        elif state == self.center_settings.undeployed_state:
            problem = "it was undeployed meanwhile"
        return Deployment(
            id=deployment.id,
            mode=DeploymentMode.ONLINE if deployment.engine else DeploymentMode.BATCH,
            runtime=beginning(deployment.engine.name, 100) if deployment.engine else None,
            ready=state == self.center_settings.deployed_state,
            problem=problem,
        )


async def active_deployments(
    center: Center, settings: CenterSettings, snapshot: wire.DeployableModel, *, but: Container[str] = ()
) -> list[wire.DeployedModel]:
    """The deployments of the snapshot's model in the state deployed, newest first, without those of certain ids."""
    return [
        deployment
        for deployment in await center.list_deployments(model_id=snapshot.stored_model.id)
        if deployment.id not in but and deployment_state(deployment, settings) == settings.deployed_state
    ]


async def previous_deployed_snapshot(
    center: Center, settings: CenterSettings, snapshot: wire.DeployableModel
) -> wire.DeployableModel | None:
    """The other snapshot of the same model that was deployed last and still is."""
    for deployment in await active_deployments(center, settings, snapshot):
        other = deployment.deployable_model
        if other is not None and other.id != snapshot.id:
            return await center.get_snapshot(other.id)
    return None


def _place(deployment: wire.DeployedModel) -> str | None:
    """Where a deployment is: its runtime, or None for batch."""
    return deployment.engine.id if deployment.engine else None
