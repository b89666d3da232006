"""Batch jobs: the deployment that a model service tag stands for, and a runtime that can run it."""

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from activities.deployments import canonical_stage, control_tags, matching, mode_of
from activities.failures import final, translated
from activities.snapshots import policy, summary
from mlc.center import Center, wire
from mlc.center.deployment_state import deployment_state
from mlc.model.base import Record
from mlc.model.deployment import DeploymentMode, RuntimeRef
from mlc.model.failure import FailureType
from mlc.model.processes import Policy
from mlc.model.short import beginning
from mlc.model.snapshot import SnapshotSummary
from mlc.settings import CenterSettings, ProcessSettings

SHOWN = 10


class BatchTarget(Record):
    """Which deployment is meant: by its snapshot's tag and, if given, by the stage that it was deployed to."""

    tag: str
    model_stage: str | None = None


class BatchDeployment(Record):
    """A batch deployment in the state deployed, and the snapshot that it deployed."""

    id: str
    stage: str
    snapshot: SnapshotSummary


@dataclass
class BatchActivities:
    center: Center
    settings: ProcessSettings
    center_settings: CenterSettings

    @activity.defn
    async def read_policy(self, _tag: str) -> Policy:
        """The settings that a run follows from its start to its end."""
        return policy(self.settings)

    @activity.defn
    async def find_batch_deployment(self, target: BatchTarget) -> BatchDeployment:
        """The newest batch deployment in the state deployed whose snapshot carries the tag, at that stage if any.

        Raises:
            ApplicationError: ``NoDeployment`` (final) with the batch deployments that there are.
        """
        with translated():
            deployments = await self.center.list_deployments()
        active = [deployment for deployment in deployments if self._is_active_batch(deployment)]
        for deployment in active:
            snapshot = deployment.deployable_model
            if snapshot is not None and self._is_meant(deployment, snapshot, target):
                stage = beginning(deployment.deployment_target or "unassigned", 100)
                return BatchDeployment(id=deployment.id, stage=stage, snapshot=summary(snapshot, self.settings))
        at = f" at stage {target.model_stage!r}" if target.model_stage else ""
        raise final(
            FailureType.NO_DEPLOYMENT,
            f"No batch deployment in the state {self.center_settings.deployed_state} has a snapshot with the tag "
            f"{target.tag!r}{at}. Batch deployments: {_listed(active)}.",
        )

    @activity.defn
    async def compatible_runtime(self, deployment: BatchDeployment) -> RuntimeRef:
        """A runtime without endpoints that suits the deployed snapshot; of several the one last heard of.

        Raises:
            ApplicationError: ``NoMatchingRuntime`` (final) with the runtimes that there are.
        """
        with translated():
            snapshot = await self.center.get_snapshot(deployment.snapshot.id)
            engines = await self.center.list_engines()
        found = [e for e in matching(snapshot, engines, self.settings) if mode_of(e) is DeploymentMode.BATCH]
        if not found:
            names = ", ".join(f"{engine.name} ({mode_of(engine)})" for engine in engines[:SHOWN])
            raise final(
                FailureType.NO_MATCHING_RUNTIME,
                f"No batch runtime matches snapshot {snapshot.meta_data.name!r} (stage {deployment.stage!r}, tags "
                f"{snapshot.meta_data.tags}). The centre's runtimes: {names or 'none at all'}.",
            )
        chosen = max(found, key=_last_heard_of)
        return RuntimeRef(id=chosen.id or "", name=beginning(chosen.name, 100), mode=DeploymentMode.BATCH)

    def _is_active_batch(self, deployment: wire.DeployedModel) -> bool:
        state = deployment_state(deployment, self.center_settings)
        return state == self.center_settings.deployed_state and deployment.engine is None

    def _is_meant(self, deployment: wire.DeployedModel, snapshot: wire.DeployableModel, target: BatchTarget) -> bool:
        if target.tag not in set(snapshot.meta_data.tags) - control_tags(self.settings):
            return False
        if target.model_stage is None:
            return True
        stage = canonical_stage(deployment.deployment_target or "unassigned", self.settings)
        return stage == canonical_stage(target.model_stage, self.settings)


def _last_heard_of(engine: wire.Engine) -> tuple[str, str]:
    activity = (engine.model_extra or {}).get("lastActivity")
    date = activity.get("date") if isinstance(activity, dict) else None
    return str(date or ""), engine.name


def _listed(deployments: Sequence[wire.DeployedModel]) -> str:
    texts = []
    for deployment in deployments[:SHOWN]:
        snapshot = deployment.deployable_model or wire.DeployableModel()
        stage = deployment.deployment_target or "unassigned"
        texts.append(f"{snapshot.meta_data.name or snapshot.id} (stage {stage}, tags {snapshot.meta_data.tags})")
    more = len(deployments) - SHOWN
    return "; ".join(texts) + (f"; and {more} more" if more > 0 else "") if texts else "none at all"
