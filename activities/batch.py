"""Batch jobs: the deployment that a model service tag stands for, and a runtime that can run it."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import non_retryable, translated
from activities.matching import canonical_stage, control_tags, described, looked_for, matching
from activities.snapshots import is_set, summary
from mlc.center import Beside, Center, Surroundings
from mlc.model.base import Record
from mlc.model.deployment import DeploymentMode, DeploymentRecord, DeploymentState, Runtime, RuntimeRef
from mlc.model.failure import ExternalError, FailureType, NotFound
from mlc.model.moment import in_utc
from mlc.model.snapshot import Snapshot, SnapshotSummary
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

SHOWN = 10
MOST_COMPARED = 100
"""Older deployments in which another model is looked for: telling of it is not worth more."""


class BatchTarget(Record):
    """Which deployment is meant: by its snapshot's tag and, if given, by the stage that it was deployed to."""

    tag: str
    model_stage: str | None = None


class BatchDeployment(Record):
    """A batch deployment in the state deployed, and the snapshot that it deployed."""

    id: str
    stage: str
    snapshot: SnapshotSummary
    runtime: RuntimeRef | None = None
    """One that was seen to suit it in the same look (see ``compatible_runtime``); None: nobody looked, or none does."""
    warnings: list[str] = []


@dataclass
class BatchActivities:
    center: Center
    settings: ProcessSettings
    review_tags: Mapping[str, str]
    """The tags that ask for a review in one ticket system, and the provider of each."""

    @activity.defn
    async def find_batch_deployment(self, target: BatchTarget) -> BatchDeployment:
        """The newest batch deployment in the state deployed whose snapshot carries the tag, at that stage if any.

        The snapshot is read afresh, since a tag may have been added after it was deployed. Where other models have such
        a deployment, too, it is right by definition, and perhaps not what is meant: a warning names them.

        Raises:
            ApplicationError: ``NoDeployment`` (final) with the batch deployments that there are.
        """
        others, found = [], None
        deployed = DeploymentState.DEPLOYED
        with translated():
            async with aclosing(self.center.iter_deployments(state=deployed)) as deployments:
                async for deployment in deployments:
                    if deployment.runtime_id is not None:
                        continue
                    snapshot = None
                    with suppress(NotFound):
                        async with self._around(deployment) as around:
                            snapshot = around.snapshot
                            if self._is_meant(deployment, snapshot, target):
                                found = await self._found(deployment, around)
                    if found is not None:
                        return found.model_copy(update={"warnings": await self._also_meant(deployments, found, target)})
                    others.append(self._named(deployment, snapshot))
        at = f" at stage {target.model_stage!r}" if target.model_stage else ""
        reserved = ""
        if target.tag in control_tags(self.settings, self.review_tags):
            reserved = f"The tag {target.tag!r} asks for a step of DeployModel, and names no deployment. "
        raise non_retryable(
            FailureType.NO_DEPLOYMENT,
            f"{reserved}No batch deployment in the state {deployed} has a snapshot with the tag "
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
            async with self.center.open_surroundings(deployment.snapshot.id, Beside.RUNTIMES, contents=False) as around:
                snapshot, runtimes = around.snapshot, await around.runtimes()
        batch, alive = self._suiting(snapshot, runtimes, deployment.stage)
        if not alive:
            silent = f" Not heard of for a while: {_listed([r.name for r in batch], ', ')}." if batch else ""
            raise non_retryable(
                FailureType.NO_MATCHING_RUNTIME,
                f"No batch runtime matches snapshot {snapshot.name!r}: "
                f"{looked_for(snapshot, deployment.stage)}.{silent} The centre's runtimes: "
                f"{_listed([f'{described(runtime)}, {runtime.mode}' for runtime in runtimes], '; ')}.",
            )
        return _chosen(alive)

    async def _found(self, deployment: DeploymentRecord, around: Surroundings) -> BatchDeployment:
        stage = truncate(_stage(deployment), 100)
        _, alive = self._suiting(around.snapshot, await around.runtimes(), stage)
        return BatchDeployment(
            id=deployment.id,
            stage=stage,
            snapshot=summary(around.snapshot, self.settings, self.review_tags),
            runtime=_chosen(alive) if alive else None,
        )

    async def _also_meant(
        self, older: AsyncIterator[DeploymentRecord], found: BatchDeployment, target: BatchTarget
    ) -> list[str]:
        """A warning if other models have a batch deployment under the tag, by their tags when they were deployed."""
        models: dict[str, str] = {}
        read = 0
        with suppress(ExternalError):
            async for each in older:
                if (
                    each.runtime_id is None
                    and each.model_id not in {"", found.snapshot.model_id}
                    and target.tag in each.snapshot_tags
                    and self._is_at(each, target)
                ):
                    models.setdefault(each.model_id, f"{each.model_name!r} ({each.snapshot_name or each.snapshot_id})")
                read += 1
                if read >= MOST_COMPARED:
                    break
        if not models:
            return []
        said = (
            f"Several models have a batch deployment with the tag {target.tag!r}. The most recent one was run, which "
            f"is of {found.snapshot.model_name!r} ({found.snapshot.name}), and not {_listed(models.values(), ', ')}. "
            "Give each model a tag of its own, if another one was meant."
        )
        return [truncate(said, 600)]

    def _suiting(
        self, snapshot: Snapshot, runtimes: Sequence[Runtime], stage: str
    ) -> tuple[list[Runtime], list[Runtime]]:
        """The batch runtimes that suit a snapshot at its deployment's stage, and those of them that are alive."""
        found = matching(snapshot, runtimes, self.settings, self.review_tags, target=stage)
        batch = [runtime for runtime in found if runtime.mode is DeploymentMode.BATCH]
        now = activity.info().started_time
        return batch, [runtime for runtime in batch if is_alive(runtime, now, self.settings.runtime_timeout)]

    def _around(self, deployment: DeploymentRecord) -> AbstractAsyncContextManager[Surroundings]:
        if not deployment.snapshot_id:
            raise NotFound("model centre", "The deployment tells no snapshot.")
        return self.center.open_surroundings(deployment.snapshot_id, Beside.RUNTIMES, contents=False)

    def _is_meant(self, deployment: DeploymentRecord, snapshot: Snapshot, target: BatchTarget) -> bool:
        if target.tag in control_tags(self.settings, self.review_tags) or not is_set(snapshot, target.tag):
            return False
        return self._is_at(deployment, target)

    def _is_at(self, deployment: DeploymentRecord, target: BatchTarget) -> bool:
        if target.model_stage is None:
            return True
        return canonical_stage(_stage(deployment), self.settings) == canonical_stage(target.model_stage, self.settings)

    def _named(self, deployment: DeploymentRecord, snapshot: Snapshot | None) -> str:
        """A deployment with the tags under which it could have been meant."""
        if snapshot is None:
            return f"{deployment.id} (its snapshot is gone)"
        steps = control_tags(self.settings, self.review_tags)
        tags = ", ".join(tag for tag in snapshot.tags if tag not in steps) or "none"
        return f"{snapshot.name or snapshot.id} (stage {_stage(deployment)}, tags: {tags})"


def is_alive(runtime: Runtime, now: datetime, timeout: timedelta) -> bool:
    """Whether a runtime may be expected to take a job.

    Standalone runtimes send heartbeats. Of ModelOp's only the last job is known, which may be long ago.
    """
    return not runtime.failed and (runtime.heartbeat is None or now - in_utc(runtime.heartbeat) <= timeout)


def _chosen(alive: Sequence[Runtime]) -> RuntimeRef:
    chosen = _any_of(alive, activity.info().workflow_id or "")
    return RuntimeRef(id=chosen.id, name=truncate(chosen.name, 100), mode=DeploymentMode.BATCH)


def _any_of(runtimes: Sequence[Runtime], run: str) -> Runtime:
    """The same one for the same run, whichever try asks."""
    number = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8])
    return sorted(runtimes, key=lambda runtime: runtime.name)[number % len(runtimes)]


def _stage(deployment: DeploymentRecord) -> str:
    return deployment.stage or "unassigned"


def _listed(texts: Iterable[str], separator: str) -> str:
    shown = list(texts)
    more = [f"and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return separator.join([*shown[:SHOWN], *more]) or "none at all"
