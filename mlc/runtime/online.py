"""Online deployments: which models a runtime keeps loaded, and which of them answers."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlc.center import Ledger
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.failure import ExternalError
from mlc.runtime.online_model import READY_WAIT, NotServing, OnlineModel
from mlc.settings import RuntimeSettings

POLL_INTERVAL = 1.0
_LOADED = frozenset({DeploymentState.DEPLOYING, DeploymentState.DEPLOYED})


class NoSuchDeployment(NotServing):
    """The deployment that a request names is not one of this runtime's."""


class OnlineModels:
    """All online deployments of one runtime, kept as the centre says."""

    def __init__(self, center: Ledger, settings: RuntimeSettings, workspace: Path, text_limit: int) -> None:
        self._center = center
        self._settings = settings
        self._workspace = workspace
        self._text_limit = text_limit
        self._models: dict[str, OnlineModel] = {}
        self._serving: list[DeploymentRecord] = []
        self._stopping: set[asyncio.Task[None]] = set()
        self._following = asyncio.Lock()
        """Held while what the centre says is not yet what is known here."""

    async def run(self, runtime_id: str) -> None:
        """Follow the centre until cancelled; then every model is stopped. While the centre is away, nothing changes."""
        try:
            while True:
                with suppress(ExternalError):
                    async with self._following:
                        self._reconcile(await self._center.list_deployments(runtime_id=runtime_id))
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

    async def _finish_loading(
        self, deployment_id: str, state: DeploymentState, messages: Sequence[str] = ()
    ) -> DeploymentState:
        """Tell the centre; a deployment that is deployed by it serves at once, not from the next look on."""
        async with self._following:
            stored = await self._center.finish_loading(deployment_id, state, messages)
            others = [deployment for deployment in self._serving if deployment.id != deployment_id]
            self._serving = [*others, stored] if stored.state is DeploymentState.DEPLOYED else others
            return stored.state

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

    def _reconcile(self, deployments: list[DeploymentRecord]) -> None:
        wanted = {deployment.id for deployment in deployments if deployment.state in _LOADED}
        for id_ in wanted - self._models.keys():
            self._models[id_] = OnlineModel(
                id_,
                self._center,
                finish_loading=self._finish_loading,
                settings=self._settings,
                text_limit=self._text_limit,
                workspace=self._workspace,
            )
        self._serving = [d for d in deployments if d.state is DeploymentState.DEPLOYED]
        for id_ in self._models.keys() - wanted:
            stopping = asyncio.create_task(self._models.pop(id_).stop(grace=self._settings.online_time_limit))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)


def answering(deployed: Iterable[DeploymentRecord]) -> str | None:
    """Which of the deployments in state deployed answers requests that name none.

    A runtime serves one model: that of the most recent deployment. Of that model's deployments the oldest answers
    until it is undeployed, so that a new version, loaded beside it, takes over at that moment and not before.
    """
    newest_first = sorted(deployed, key=_created, reverse=True)
    if not newest_first:
        return None
    return next(d.id for d in reversed(newest_first) if d.model_id == newest_first[0].model_id)


def _created(deployment: DeploymentRecord) -> datetime:
    created = deployment.created or datetime.min.replace(tzinfo=UTC)
    return created if created.tzinfo else created.replace(tzinfo=UTC)
