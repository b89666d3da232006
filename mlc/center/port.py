"""What the processes need of a model centre."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from mlc.center.wire import (
    Asset,
    DeployableModel,
    DeployedModel,
    Engine,
    Job,
    ModelTestResult,
    Notification,
    StoredModel,
)


class Center(Protocol):
    """A model centre (model-manage). Every method raises :mod:`mlc.model.failure`'s three errors, nothing else.

    A patch sends only the named fields (camelCase, as on the wire); a list in it replaces the whole list.
    Only ``get_*`` and ``latest_snapshot`` promise the contents of assets (``file_content``, ``source_code``): listings
    and the answers to writes may leave them out, with hash and size in their place.
    Creating methods POST exactly once; their ``Unavailable.maybe_done`` tells whether it may have happened.
    """

    async def get_stored_model(self, model_id: str) -> StoredModel: ...
    async def find_stored_models(self, name: str, *, category: str | None = None) -> list[StoredModel]: ...
    async def create_stored_model(self, model: StoredModel) -> StoredModel: ...
    async def patch_stored_model(self, model_id: str, changes: Mapping[str, Any]) -> StoredModel: ...

    async def get_snapshot(self, snapshot_id: str) -> DeployableModel: ...
    async def create_snapshot(self, snapshot: DeployableModel) -> DeployableModel: ...
    async def patch_snapshot(self, snapshot_id: str, changes: Mapping[str, Any]) -> DeployableModel: ...
    async def latest_snapshot(self, model_id: str) -> DeployableModel | None:
        """The newest snapshot of a stored model."""

    async def get_job(self, job_id: str) -> Job: ...
    async def find_job(self, snapshot_id: str, key: str) -> Job | None:
        """The oldest job of this snapshot whose ``jobParameters.mlcKey`` is ``key``."""

    async def create_job(self, job: Job) -> Job: ...
    async def patch_job(self, job_id: str, changes: Mapping[str, Any]) -> Job: ...

    async def get_asset(self, asset_id: str) -> Asset:
        """A file that the centre keeps by itself, with its content (not proven for ModelOp's)."""

    async def create_asset(self, asset: Asset) -> Asset: ...

    async def get_test_result(self, result_id: str) -> ModelTestResult: ...
    async def list_test_results(self, snapshot_id: str) -> list[ModelTestResult]:
        """Test results of a snapshot, newest first."""

    async def create_test_result(self, result: ModelTestResult) -> ModelTestResult: ...
    async def patch_test_result(self, result_id: str, changes: Mapping[str, Any]) -> ModelTestResult: ...

    async def list_engines(self) -> list[Engine]: ...
    async def save_engine(self, engine: Engine) -> Engine:
        """Create the runtime of this name, or update it."""

    async def get_deployment(self, deployment_id: str) -> DeployedModel: ...
    async def list_deployments(
        self, *, model_id: str | None = None, snapshot_id: str | None = None, engine_id: str | None = None
    ) -> list[DeployedModel]:
        """Deployments, newest first, in every state."""

    def iter_deployments(self, *, state: str | None = None) -> AsyncGenerator[DeployedModel]:
        """Deployments, newest first, of all states or of one; read a page at a time, for those who stop in between."""

    async def create_deployment(self, deployment: DeployedModel) -> DeployedModel: ...
    async def patch_deployment(self, deployment_id: str, changes: Mapping[str, Any]) -> DeployedModel: ...

    async def create_notification(self, notification: Notification) -> Notification: ...
    async def patch_notification(self, notification_id: str, changes: Mapping[str, Any]) -> Notification: ...
    async def list_notifications(self, *, snapshot_id: str | None = None) -> list[Notification]:
        """Notifications, newest first; without a snapshot the newest ``MLC_CENTER_LISTING_LIMIT`` of them all."""
