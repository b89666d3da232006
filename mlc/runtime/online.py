"""Online deployments: which models a runtime keeps loaded, and which of them answers."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlc.center import Center, wire
from mlc.center.deployment_state import deployment_state
from mlc.model.failure import ExternalError
from mlc.runtime.online_model import READY_WAIT, NotServing, OnlineModel
from mlc.settings import CenterSettings, RuntimeSettings

POLL_INTERVAL = 1.0


class NoSuchDeployment(NotServing):
    """The deployment that a request names is not one of this runtime's."""


class OnlineModels:
    """All online deployments of one runtime, kept as the centre says."""

    def __init__(self, center: Center, settings: RuntimeSettings, names: CenterSettings, workspace: Path) -> None:
        self._center = center
        self._settings = settings
        self._names = names
        self._workspace = workspace
        self._models: dict[str, OnlineModel] = {}
        self._serving: list[wire.DeployedModel] = []
        self._stopping: set[asyncio.Task[None]] = set()
        self._following = asyncio.Lock()
        """Held while what the centre says is not yet what is known here."""

    async def run(self, engine_id: str) -> None:
        """Follow the centre until cancelled; then every model is stopped. While the centre is away, nothing changes."""
        try:
            while True:
                with suppress(ExternalError):
                    async with self._following:
                        self._reconcile(await self._center.list_deployments(engine_id=engine_id))
                await asyncio.sleep(POLL_INTERVAL)
        finally:
            await asyncio.gather(*(model.stop() for model in self._models.values()), *self._stopping)

    async def score(self, record: Any, deployment_id: str | None = None) -> list[Any]:
        """Let the model that this runtime serves, or the one of a deployment, score a record.

        Raises:
            NoSuchDeployment: this runtime has no such deployment loaded.
            NotServing: nothing is deployed here, or it is being loaded.
            ModelFailure: the model failed.
        """
        if deployment_id is not None:
            model = self._models.get(deployment_id)
            if model is None:
                raise NoSuchDeployment(f"The runtime {self._settings.name} has no deployment {deployment_id[:100]}.")
            return await model.score(record)
        if answering(self._serving) is None:
            await self._caught_up()
        model = self._answering()
        try:
            return await model.score(record)
        except NotServing:
            successor = self._answering()
            if successor is model:
                raise
            return await successor.score(record)  # it was undeployed while this record waited its turn

    async def _patch(self, deployment_id: str, changes: Mapping[str, Any]) -> wire.DeployedModel:
        """Change a deployment in the centre; one that is deployed by it serves at once, not from the next look on."""
        async with self._following:
            stored = await self._center.patch_deployment(deployment_id, changes)
            others = [deployment for deployment in self._serving if deployment.id != deployment_id]
            is_deployed = deployment_state(stored, self._names) == self._names.deployed_state
            self._serving = [*others, stored] if is_deployed else others
            return stored

    async def _caught_up(self) -> None:
        # The centre may have said DEPLOYED to everybody a moment before its answer reaches this runtime.
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_WAIT), self._following:
                pass

    def _answering(self) -> OnlineModel:
        model = self._models.get(answering(self._serving) or "")
        if model is None:
            raise NotServing(f"No model is deployed on the runtime {self._settings.name}.")
        return model

    def _reconcile(self, deployments: list[wire.DeployedModel]) -> None:
        states = {deployment.id: deployment_state(deployment, self._names) for deployment in deployments}
        wanted = {id_ for id_, s in states.items() if s in {self._names.deploying_state, self._names.deployed_state}}
        for id_ in wanted - self._models.keys():
            self._models[id_] = OnlineModel(
                id_,
                self._center,
                patch=self._patch,
                settings=self._settings,
                names=self._names,
                workspace=self._workspace,
            )
        self._serving = [d for d in deployments if states[d.id] == self._names.deployed_state]
        for id_ in self._models.keys() - wanted:
            stopping = asyncio.create_task(self._models.pop(id_).stop(grace=self._settings.online_time_limit))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)


def answering(deployed: Iterable[wire.DeployedModel]) -> str | None:
    """Which of the deployments in state deployed answers requests that name none.

    A runtime serves one model: that of the most recent deployment. Of that model's deployments the oldest answers
    until it is undeployed, so that a new version, loaded beside it, takes over at that moment and not before.
    """
    newest_first = sorted(deployed, key=_created, reverse=True)
    if not newest_first:
        return None
    model_id = _model_id(newest_first[0])
    return next(d.id for d in reversed(newest_first) if _model_id(d) == model_id)


def _created(deployment: wire.DeployedModel) -> datetime:
    created = deployment.created_date or datetime.min.replace(tzinfo=UTC)
    return created if created.tzinfo else created.replace(tzinfo=UTC)


def _model_id(deployment: wire.DeployedModel) -> str | None:
    snapshot = deployment.deployable_model
    return snapshot.stored_model.id if snapshot else None
