"""Online deployments: which models a runtime keeps loaded, and which of them answers."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mlc.center import Ledger
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.failure import ExternalError, MlcError
from mlc.runtime import addresses
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation import Level
from mlc.runtime.online_model import READY_WAIT, ModelBusy, NotServing, OnlineModel, Outcome
from mlc.runtime.request_keeper import RequestKeeper
from mlc.settings import RuntimeSettings

POLL_INTERVAL = 1.0
NAMED_ADDRESSES = 20
_LOADED = frozenset({DeploymentState.DEPLOYING, DeploymentState.DEPLOYED})


class NoSuchDeployment(NotServing):
    """The deployment, or the model, that a request names is not one of this runtime's.

    Attributes:
        addresses: where there is something.
    """

    def __init__(self, sentence: str, addresses: Sequence[str]) -> None:
        super().__init__(f"{sentence} Ask one of: {', '.join(addresses)}." if addresses else sentence)
        self.addresses = addresses


class SeveralModels(NoSuchDeployment):
    """A request names no deployment and no model, and the runtime serves several models."""


class Target(NamedTuple):
    """Whom a request is for: a deployment, or whichever is deployed of a model, or of the runtime's only model."""

    deployment_id: str | None = None
    model_id: str | None = None


ONLY_MODEL = Target()


class Reply(NamedTuple):
    """What came of a request: an outcome for each record, or the error; and the deployment, if one was chosen.

    ``batch`` tells whether several records were sent, or one.
    """

    deployment: DeploymentRecord | None
    outcomes: list[Outcome]
    batch: bool = False
    error: MlcError | ModelFailure | None = None


class OnlineModels:
    """All online deployments of one runtime, kept as the centre says.

    Args:
        keeper: keeps what they have answered; None: nothing is kept.
    """

    def __init__(
        self,
        center: Ledger,
        settings: RuntimeSettings,
        level: Level,
        workspace: Path,
        text_limit: int,
        *,
        keeper: RequestKeeper | None = None,
    ) -> None:
        self._center = center
        self._settings = settings
        self._level = level
        self._workspace = workspace
        self._text_limit = text_limit
        self._keeper = keeper
        self._models: dict[str, OnlineModel] = {}
        self._wanted: dict[str, DeploymentRecord] = {}
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

    async def score(self, sent: Any, target: Target = ONLY_MODEL) -> Reply:
        """Let the model that a request is for score its record, or its list of records.

        Nothing is raised: what went wrong is in the reply.

        Of several deployments of one model the newest that is ready answers. One that is undeployed while a request
        waits for its turn hands it to the next, so that replacing a snapshot drops nothing.
        """
        asked: list[DeploymentRecord] = []
        error: NotServing | ModelFailure
        while True:
            try:
                deployment = await self._chosen(target, asked)
                asked.append(deployment)
                target = target._replace(model_id=_model(deployment))  # a successor must be of the same model
                model = self._models[deployment.id]
                batch = model.is_batch(sent)
                records = sent if batch else [sent]
                outcomes = await model.score(records)
                if self._keeper is not None and model.columns is not None:
                    self._keeper.offer(deployment.id, model.columns, records, outcomes)
                return Reply(deployment, outcomes, batch)
            except (NoSuchDeployment, SeveralModels, ModelBusy, ModelFailure) as final:
                error = final
                break
            except NotServing as away:
                error = away
                if target.deployment_id is not None or not asked or not self._others(target, asked):
                    break
        return Reply(asked[-1] if asked else None, [], error=error)

    async def _finish_loading(
        self, deployment_id: str, state: DeploymentState, messages: Sequence[str] = (), *, warning: str = ""
    ) -> DeploymentState:
        """Tell the centre; a deployment that is deployed by it serves at once, not from the next look on."""
        address = addresses.deployment_address(self._settings, deployment_id)
        told = {"address": address, "warning": warning} if state is DeploymentState.DEPLOYED else {}
        async with self._following:
            stored = await self._center.finish_loading(deployment_id, state, messages, **told)
            others = [deployment for deployment in self._serving if deployment.id != deployment_id]
            self._serving = [*others, stored] if stored.state is DeploymentState.DEPLOYED else others
            if stored.state not in _LOADED:
                self._wanted.pop(deployment_id, None)
            return stored.state

    async def _caught_up(self) -> None:
        # The centre may have said DEPLOYED to everybody a moment before its answer reaches this runtime.
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_WAIT), self._following:
                pass

    async def _chosen(self, target: Target, asked: Collection[DeploymentRecord]) -> DeploymentRecord:
        """The deployment that is to answer now, but none that was asked before.

        Raises:
            NotServing: there is none. ``NoSuchDeployment``, ``SeveralModels``: and there will be none.
        """
        name = self._settings.name
        if target.deployment_id is not None:
            found = self._wanted.get(target.deployment_id)
            if found is None:
                gone = f"The runtime {name} has no deployment {target.deployment_id[:100]}."
                raise NoSuchDeployment(gone, self._addresses(self._serving))
            return found
        if not self._others(target, asked):
            await self._caught_up()
        candidates = self._others(target, asked)
        if not candidates and target.model_id is not None:
            wanted = [each.id for each in self._wanted.values() if _model(each) == target.model_id]
            if wanted:
                known = next((self._models[each].loading for each in wanted if each in self._models), None)
                raise NotServing(f"The model {target.model_id[:100]} {known or 'is being loaded: try again later.'}")
            gone = f"On the runtime {name} no model {target.model_id[:100]} is deployed."
            raise NoSuchDeployment(gone, self._addresses(self._serving))
        if not candidates:
            raise NotServing(f"No model is deployed on the runtime {name}.")
        if len({_model(deployment) for deployment in candidates}) > 1:
            raise SeveralModels(f"Several models are deployed on the runtime {name}.", self._addresses(candidates))
        newest_first = sorted(candidates, key=_age)
        return next((each for each in newest_first if self._models[each.id].ready), newest_first[0])

    def _others(self, target: Target, asked: Collection[DeploymentRecord]) -> list[DeploymentRecord]:
        """The deployments that can answer a request and were not asked yet."""
        before = {deployment.id for deployment in asked}
        return [
            deployment
            for deployment in self._serving
            if target.model_id in (None, _model(deployment))
            and deployment.id in self._models
            and deployment.id not in before
        ]

    def _addresses(self, deployments: Iterable[DeploymentRecord]) -> list[str]:
        """Those of the deployments, the newest first, and of their models."""
        newest_first = sorted(deployments, key=_age)[:NAMED_ADDRESSES]
        models = dict.fromkeys(map(_model, newest_first))
        return [
            *(addresses.deployment_address(self._settings, deployment.id) for deployment in newest_first),
            *(addresses.model_address(self._settings, model_id) for model_id in models),
        ]

    def _reconcile(self, deployments: list[DeploymentRecord]) -> None:
        self._wanted = {deployment.id: deployment for deployment in deployments if deployment.state in _LOADED}
        for id_ in self._wanted.keys() - self._models.keys():
            self._models[id_] = OnlineModel(
                id_,
                self._center,
                finish_loading=self._finish_loading,
                settings=self._settings,
                level=self._level,
                text_limit=self._text_limit,
                workspace=self._workspace,
            )
        self._serving = [d for d in deployments if d.state is DeploymentState.DEPLOYED]
        for id_ in self._models.keys() - self._wanted.keys():
            stopping = asyncio.create_task(self._models.pop(id_).stop(grace=self._settings.online_time_limit))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)


def _model(deployment: DeploymentRecord) -> str:
    """The model that a deployment is of; one of which the centre doesn't say that stands for itself."""
    return deployment.model_id or deployment.id


def _age(deployment: DeploymentRecord) -> tuple[float, str]:
    """Sorts deployments, the newest first."""
    created = deployment.created or datetime.min.replace(tzinfo=UTC)
    created = created if created.tzinfo else created.replace(tzinfo=UTC)
    return -(created - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds(), deployment.id
