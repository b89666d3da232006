"""Batch jobs: the deployment that a model service tag stands for, and a runtime that can run it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import final, translated
from activities.matching import canonical_stage, control_tags, described, looked_for, matching, mode_of
from activities.snapshots import is_set, summary
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.deployment import DeploymentMode, RuntimeRef
from mlc.model.failure import FailureType, NotFound
from mlc.model.short import beginning
from mlc.model.snapshot import SnapshotSummary
from mlc.settings import CenterSettings, ProcessSettings

SHOWN = 10
DEAD = "ERROR"
"""State of a runtime that takes no jobs."""


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
    review_tags: Mapping[str, str]
    """The tags that ask for a review in one ticket system, and the provider of each."""

    @activity.defn
    async def find_batch_deployment(self, target: BatchTarget) -> BatchDeployment:
        """The newest batch deployment in the state deployed whose snapshot carries the tag, at that stage if any.

        The snapshot is read afresh, since a tag may have been added after it was deployed.

        Raises:
            ApplicationError: ``NoDeployment`` (final) with the batch deployments that there are.
        """
        others = []
        deployed = self.center_settings.deployed_state
        with translated():
            async with aclosing(self.center.iter_deployments(state=deployed)) as deployments:
                async for deployment in deployments:
                    if deployment.engine is not None:
                        continue
                    snapshot = await self._snapshot(deployment)
                    if snapshot is not None and self._is_meant(deployment, snapshot, target):
                        return BatchDeployment(
                            id=deployment.id,
                            stage=beginning(_stage(deployment), 100),
                            snapshot=summary(snapshot, self.settings, self.review_tags),
                        )
                    others.append(_named(deployment, snapshot))
        at = f" at stage {target.model_stage!r}" if target.model_stage else ""
        raise final(
            FailureType.NO_DEPLOYMENT,
            f"No batch deployment in the state {deployed} has a snapshot with the tag "
            f"{target.tag!r}{at}. Batch deployments: {_listed(others, '; ')}.",
        )

    @activity.defn
    async def compatible_runtime(self, deployment: BatchDeployment) -> RuntimeRef:
        """A runtime without endpoints that suits the snapshot at its deployment's stage, and is alive as far as can be
        told. Of several any one, another for another run.

        Raises:
            ApplicationError: ``NoMatchingRuntime`` (final) with the runtimes that there are.
        """
        with translated():
            snapshot = await self.center.get_snapshot(deployment.snapshot.id)
            engines = await self.center.list_engines()
        suiting = matching(snapshot, engines, self.settings, self.review_tags, target=deployment.stage)
        batch = [engine for engine in suiting if mode_of(engine) is DeploymentMode.BATCH]
        now = activity.info().started_time
        alive = [engine for engine in batch if is_alive(engine, now, self.settings.runtime_timeout)]
        if not alive:
            silent = f" Not heard of for a while: {_listed([e.name for e in batch], ', ')}." if batch else ""
            raise final(
                FailureType.NO_MATCHING_RUNTIME,
                f"No batch runtime matches snapshot {snapshot.meta_data.name!r}: "
                f"{looked_for(snapshot, deployment.stage)}.{silent} The centre's runtimes: "
                f"{_listed([f'{described(engine)}, {mode_of(engine)}' for engine in engines], '; ')}.",
            )
        chosen = _any_of(alive, activity.info().workflow_id or "")
        return RuntimeRef(id=chosen.id or "", name=beginning(chosen.name, 100), mode=DeploymentMode.BATCH)

    async def _snapshot(self, deployment: wire.DeployedModel) -> wire.DeployableModel | None:
        if deployment.deployable_model is None:
            return None
        try:
            return await self.center.get_snapshot(deployment.deployable_model.id)
        except NotFound:
            return None

    def _is_meant(self, deployment: wire.DeployedModel, snapshot: wire.DeployableModel, target: BatchTarget) -> bool:
        if target.tag in control_tags(self.settings, self.review_tags) or not is_set(snapshot, target.tag):
            return False
        if target.model_stage is None:
            return True
        return canonical_stage(_stage(deployment), self.settings) == canonical_stage(target.model_stage, self.settings)


def is_alive(engine: wire.Engine, now: datetime, timeout: timedelta) -> bool:
    """Whether a runtime may be expected to take a job.

    Standalone runtimes send heartbeats. Of ModelOp's only the last job is known, which may be long ago.
    """
    extra = engine.model_extra or {}
    last = extra.get("lastActivity")
    if engine.state == DEAD:
        return False
    if not isinstance(last, dict) or last.get("type") != "HEARTBEAT":
        return True
    try:
        # The centre's clock, if it says when it heard of the runtime; else the runtime's own.
        heard = datetime.fromisoformat(str(extra.get("lastModifiedDate") or last.get("date")))
        return now - heard <= timeout
    except (ValueError, TypeError):
        return True


def _any_of(engines: Sequence[wire.Engine], run: str) -> wire.Engine:
    """The same one for the same run, whichever try asks."""
    number = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8])
    return sorted(engines, key=lambda engine: engine.name)[number % len(engines)]


def _stage(deployment: wire.DeployedModel) -> str:
    return deployment.deployment_target or "unassigned"


def _named(deployment: wire.DeployedModel, snapshot: wire.DeployableModel | None) -> str:
    if snapshot is None:
        return f"{deployment.id} (its snapshot is gone)"
    return f"{snapshot.meta_data.name or snapshot.id} (stage {_stage(deployment)}, tags {snapshot.meta_data.tags})"


def _listed(texts: Iterable[str], separator: str) -> str:
    shown = list(texts)
    more = [f"and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return separator.join([*shown[:SHOWN], *more]) or "none at all"
