"""The client of model-manage, in its own terms: ModelOp Center's, or standalone mode's, which speaks the same."""

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import httpx

from mlc.center.modelop import ids
from mlc.center.modelop.changes import changes
from mlc.center.modelop.downloads import Downloads
from mlc.center.modelop.hal import Hal
from mlc.center.modelop.keeping import every, same
from mlc.center.modelop.listings import NEWEST_FIRST, Listings, one
from mlc.center.modelop.literals import CREATED, deployment_state
from mlc.center.modelop.requests_api import OnlineRequests
from mlc.center.modelop.scan import Sink
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.spool import Spools
from mlc.center.modelop.token import TokenProvider
from mlc.center.modelop.transport import new_client
from mlc.center.modelop.wire import (
    Asset,
    DecisionDocument,
    DeployableModel,
    DeployedModel,
    Engine,
    Entity,
    Job,
    ModelTestResult,
    Notification,
    StoredModel,
    job_key,
    value,
)
from mlc.model.change import Changes

E = TypeVar("E", bound=Entity)


class ModelManage:
    """Entities of model-manage. Every method raises :mod:`mlc.model.failure`'s three errors, nothing else.

    A patch sends only the named fields (camelCase, as on the wire); a list in it replaces the whole list.
    Only ``get_*`` and ``latest_snapshot`` promise the contents of assets (``file_content``, ``source_code``): listings
    and the answers to writes may leave them out, with hash and size in their place.
    Creating methods POST exactly once; their ``Unavailable.maybe_done`` tells whether it may have happened.
    One instance serves one event loop; ``aclose`` it.

    Args:
        settings: address, token, finders and literals.
        http: an httpx client to use instead of one of its own; it stays its owner's to close.
        spools: where contents of files are, which are then not in memory: ``into`` says where those that are read go,
            and without it they are dropped. None: they stand in the entities.
        tokens: of whoever else asks the same centre with ``http``; None: its own.

    Attributes:
        hal: for what has no entities.
        downloads: reads files by themselves, where the centre gives them by reference.
    """

    def __init__(
        self,
        settings: CenterSettings,
        *,
        http: httpx.AsyncClient | None = None,
        spools: Spools | None = None,
        tokens: TokenProvider | None = None,
    ) -> None:
        self._settings = settings
        self._own_http = new_client(settings) if http is None else None
        client = http or self._own_http
        assert client is not None
        self._hal = self.hal = Hal(settings, client, tokens or TokenProvider(settings, client), spools)
        self.downloads = Downloads(self._hal)
        self.online_requests = OnlineRequests(self._hal)
        self._listings = Listings(self._hal, limit=settings.listing_limit)

    async def aclose(self) -> None:
        if self._own_http:
            await self._own_http.aclose()

    async def get_stored_model(self, model_id: str, *, into: Sink | None = None) -> StoredModel:
        return await self._listings.get(StoredModel, "storedModels", model_id, into)

    async def find_stored_models(self, name: str, *, category: str | None = None) -> list[StoredModel]:
        def keep(model: StoredModel) -> bool | None:
            return same(model.model_meta_data.name, name)

        finder = self._settings.find_models_by_name
        found = await self._listings.find(StoredModel, "storedModels", finder, [name], keep)
        return [m for m in found if category is None or m.model_meta_data.model_category == category]

    async def create_stored_model(self, model: StoredModel) -> StoredModel:
        return await self._create("storedModels", model)

    async def patch_stored_model(self, model_id: str, changes: Mapping[str, Any]) -> StoredModel:
        return await self._patch(StoredModel, "storedModels", model_id, changes)

    async def get_snapshot(self, snapshot_id: str, *, into: Sink | None = None) -> DeployableModel:
        return await self._listings.get(DeployableModel, "deployableModels", snapshot_id, into)

    async def get_snapshot_with(
        self, snapshot_id: str, wanted: Mapping[str, str], *, into: Sink | None = None
    ) -> tuple[DeployableModel, dict[str, Any]]:
        """A snapshot, and what standalone mode's centre brings along; ``wanted`` are the parameters for that."""
        path = ids.path("deployableModels", snapshot_id)
        answer = await self._hal.get(path, wanted, into=into)
        came = _came_along(answer)
        return one(DeployableModel, answer, f"GET {path}", write=False), came

    async def create_snapshot(self, snapshot: DeployableModel) -> DeployableModel:
        return await self._create("deployableModels", snapshot)

    async def patch_snapshot(self, snapshot_id: str, changes: Mapping[str, Any]) -> DeployableModel:
        return await self._patch(DeployableModel, "deployableModels", snapshot_id, changes)

    async def latest_snapshot(self, model_id: str) -> DeployableModel | None:
        newest = await self.latest_snapshot_id(model_id)
        # Listings may leave out the contents of assets.
        return await self.get_snapshot(newest) if newest else None

    async def latest_snapshot_id(self, model_id: str) -> str | None:
        found = await self._listings.find(
            DeployableModel,
            "deployableModels",
            self._settings.find_snapshots_by_model,
            [model_id],
            lambda s: same(s.stored_model.id, model_id),
            limit=1,
        )
        return found[0].id if found else None

    async def get_job(self, job_id: str, *, into: Sink | None = None) -> Job:
        return await self._listings.get(Job, "jobs", job_id, into)

    async def get_job_with_outputs(self, job_id: str, *, into: Sink) -> Job:
        """A job with what its outputs contain, as far as that is little: of standalone mode's centre alone."""
        path = ids.path("jobs", job_id)
        return one(Job, await self._hal.get(path, {"mlcWith": "outputs"}, into=into), f"GET {path}", write=False)

    async def find_job(self, snapshot_id: str, key: str) -> Job | None:
        found = await self._listings.find(
            Job,
            "jobs",
            self._settings.find_jobs_by_key,
            [snapshot_id, key],
            lambda j: every(same(j.model and j.model.id, snapshot_id), same(job_key(j), key)),
        )
        return found[-1] if found else None

    async def list_jobs(self, snapshot_id: str, wanted: Callable[[Job], bool], *, most: int) -> list[Job]:
        """Of a snapshot's jobs the newest ones that are wanted, at most so many."""

        def keep(job: Job) -> bool | None:
            return every(wanted(job), same(job.model and job.model.id, snapshot_id))

        finder = self._settings.find_jobs_by_snapshot
        return (await self._listings.find(Job, "jobs", finder, [snapshot_id], keep, limit=most))[:most]

    async def create_job(self, job: Job) -> Job:
        return await self._create("jobs", job, jobStatus=CREATED)

    async def patch_job(self, job_id: str, changes: Mapping[str, Any]) -> Job:
        return await self._patch(Job, "jobs", job_id, changes)

    async def get_asset(self, asset_id: str, *, into: Sink | None = None) -> Asset:
        return await self._listings.get(Asset, self._settings.assets, asset_id, into)

    async def create_asset(self, asset: Asset) -> Asset:
        return await self._create(self._settings.assets, asset)

    async def get_test_result(self, result_id: str) -> ModelTestResult:
        return await self._listings.get(ModelTestResult, self._settings.test_results, result_id)

    async def list_test_results(self, snapshot_id: str) -> list[ModelTestResult]:
        return await self._listings.find(
            ModelTestResult,
            self._settings.test_results,
            self._settings.find_results_by_snapshot,
            [snapshot_id],
            lambda r: value(r, self._settings.result_snapshot_field) == snapshot_id,
        )

    async def iter_test_results(self, snapshot_id: str) -> AsyncGenerator[ModelTestResult]:
        finder = self._settings.find_results_by_snapshot
        listed = self._listings.iterate(ModelTestResult, self._settings.test_results, finder, [snapshot_id])
        async for result in listed:
            if value(result, self._settings.result_snapshot_field) == snapshot_id:
                yield result

    async def create_test_result(self, result: ModelTestResult) -> ModelTestResult:
        return await self._create(self._settings.test_results, result)

    async def create_test_result_with(
        self, result: ModelTestResult, wanted: Mapping[str, str]
    ) -> tuple[ModelTestResult, dict[str, Any]]:
        """As ``create_test_result``, with what standalone mode's centre brings along."""
        path = self._settings.test_results
        answer = await self._hal.post(path, result.wire(), wanted)
        came = _came_along(answer)
        return one(ModelTestResult, answer, f"POST {path}", write=True), came

    async def patch_test_result(self, result_id: str, changes: Mapping[str, Any]) -> ModelTestResult:
        return await self._patch(ModelTestResult, self._settings.test_results, result_id, changes)

    async def list_engines(self) -> list[Engine]:
        return await self._listings.listed(Engine, self._settings.runtimes, {})

    async def save_engine(self, engine: Engine) -> Engine:
        known = next((e for e in await self.list_engines() if e.name == engine.name), None)
        if known is None or not known.id:
            return await self._create(self._settings.runtimes, engine)
        return await self._patch(Engine, self._settings.runtimes, known.id, engine.wire())

    async def get_deployment(self, deployment_id: str, *, into: Sink | None = None) -> DeployedModel:
        return await self._listings.get(DeployedModel, self._settings.deployments, deployment_id, into)

    async def list_deployments(
        self, *, model_id: str | None = None, snapshot_id: str | None = None, engine_id: str | None = None
    ) -> list[DeployedModel]:
        def keep(deployment: DeployedModel) -> bool | None:
            snapshot = deployment.deployable_model
            return every(
                not snapshot_id or same(snapshot and snapshot.id, snapshot_id),
                not engine_id or engine_id == self._engine_id(deployment),
                not model_id or same(snapshot and snapshot.stored_model.id, model_id),
            )

        choices = (
            (snapshot_id, self._settings.find_deployments_by_snapshot),
            (engine_id, self._settings.find_deployments_by_engine),
            (model_id, self._settings.find_deployments_by_model),
        )
        narrowest = next(((value, finder) for value, finder in choices if value), None)
        if narrowest is None:
            return await self._listings.listed(DeployedModel, self._settings.deployments, NEWEST_FIRST)
        value, finder = narrowest
        return await self._listings.find(DeployedModel, self._settings.deployments, finder, [value], keep)

    def _engine_id(self, deployment: DeployedModel) -> str | None:
        engine = value(deployment, self._settings.runtime_field)
        return engine.get("id") if isinstance(engine, dict) else getattr(engine, "id", None)

    async def iter_deployments(self, *, state: str | None = None) -> AsyncGenerator[DeployedModel]:
        finder = self._settings.find_deployments_by_state if state else ""
        # Without the finder all are read, beyond listing_limit too: an old deployment may be active still.
        async for deployment in self._listings.iterate(
            DeployedModel, self._settings.deployments, finder, [state or ""]
        ):
            if not state or deployment_state(deployment, self._settings) == state:
                yield deployment

    async def changes(self, since: datetime | None) -> Changes | None:
        if not self._settings.sorts_by_change:
            return None
        return await changes(self._hal, self._settings.deployments, since)

    async def create_deployment(self, deployment: DeployedModel) -> DeployedModel:
        return await self._create(self._settings.deployments, deployment)

    async def patch_deployment(self, deployment_id: str, changes: Mapping[str, Any]) -> DeployedModel:
        return await self._patch(DeployedModel, self._settings.deployments, deployment_id, changes)

    async def patch_deployment_with(
        self, deployment_id: str, changes: Mapping[str, Any], wanted: Mapping[str, str]
    ) -> tuple[DeployedModel, dict[str, Any]]:
        """As ``patch_deployment``, with what standalone mode's centre brings along, as it is after the change."""
        path = ids.path(self._settings.deployments, deployment_id)
        answer = await self._hal.patch(path, dict(changes), wanted)
        came = _came_along(answer)
        return one(DeployedModel, answer, f"PATCH {path}", write=True), came

    async def create_decision(self, document: DecisionDocument) -> DecisionDocument:
        return await self._create(self._settings.decision_records, document)

    async def list_decisions(self, snapshot_id: str) -> list[DecisionDocument]:
        return await self._listings.find(
            DecisionDocument,
            self._settings.decision_records,
            self._settings.find_decisions_by_snapshot,
            [snapshot_id],
            lambda d: d.deployable_model_id == snapshot_id,
        )

    async def create_notification(self, notification: Notification) -> Notification:
        return await self._create("notifications", notification)

    async def patch_notification(self, notification_id: str, changes: Mapping[str, Any]) -> Notification:
        return await self._patch(Notification, "notifications", notification_id, changes)

    async def list_notifications(self, *, snapshot_id: str | None = None) -> list[Notification]:
        if snapshot_id is None:
            limit = self._settings.listing_limit
            return await self._listings.listed(Notification, "notifications", NEWEST_FIRST, limit=limit)
        finder = self._settings.find_notifications_by_snapshot
        return await self._listings.find(
            Notification, "notifications", finder, [snapshot_id], lambda n: n.deployable_model_id == snapshot_id
        )

    async def _create(self, plural: str, entity: E, **defaults: str) -> E:
        return one(type(entity), await self._hal.post(plural, defaults | entity.wire()), f"POST {plural}", write=True)

    async def _patch(self, kind: type[E], plural: str, entity_id: str, changes: Mapping[str, Any]) -> E:
        path = ids.path(plural, entity_id)
        return one(kind, await self._hal.patch(path, dict(changes)), f"PATCH {path}", write=True)


def _came_along(answer: dict[str, Any]) -> dict[str, Any]:
    """What an entity brought along, which is no part of it: it must not be sent back with it."""
    came = answer.pop("_embedded", None)
    return came if isinstance(came, dict) else {}
