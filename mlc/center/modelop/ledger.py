"""ModelOp's ledger, last part: runtimes, deployments, schedules, monitors on snapshots, notifications."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mlc.center.ledger import NewDeployment, NewMonitor
from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.access import documents
from mlc.center.modelop.decisions import ModelOpDecisions
from mlc.center.modelop.deployments import read_deployment, read_runtime, serving_facts, written_runtime
from mlc.center.modelop.monitors import run_schedule
from mlc.center.modelop.notifications import read_notification, written_notification
from mlc.center.modelop.schedules import written_schedule
from mlc.center.modelop.snapshots import named_only
from mlc.model.change import Changes
from mlc.model.deployment import DeploymentRecord, DeploymentState, Runtime
from mlc.model.failure import Refused
from mlc.model.notification import Notification
from mlc.model.schedule import Schedule
from mlc.model.snapshot import Snapshot


class ModelOpLedger(ModelOpDecisions):
    """Implements :class:`mlc.center.ledger.Ledger`."""

    async def list_runtimes(self) -> list[Runtime]:
        return [self._runtime(engine) for engine in await self._manage.list_engines()]

    async def register_runtime(self, runtime: Runtime) -> Runtime:
        return self._runtime(await self._manage.save_engine(written_runtime(runtime, self.settings)))

    def _runtime(self, engine: wire.Engine) -> Runtime:
        runtime = read_runtime(engine, self.settings)
        self._remember(runtime, engine)
        return runtime

    async def get_deployment(self, deployment_id: str) -> DeploymentRecord:
        return read_deployment(await self._manage.get_deployment(ids.decode(deployment_id)), self.settings)

    @asynccontextmanager
    async def open_deployment(self, deployment_id: str) -> AsyncIterator[DeploymentRecord]:
        with self._contents.opening() as opened:
            found = await self._manage.get_deployment(ids.decode(deployment_id), into=opened.spool)
            yield read_deployment(found, self.settings, opened.refer, whole=True)

    async def list_deployments(
        self, *, model_id: str | None = None, snapshot_id: str | None = None, runtime_id: str | None = None
    ) -> list[DeploymentRecord]:
        found = await self._manage.list_deployments(
            model_id=ids.decode(model_id) if model_id else None,
            snapshot_id=ids.decode(snapshot_id) if snapshot_id else None,
            engine_id=ids.decode(runtime_id) if runtime_id else None,
        )
        return [read_deployment(deployment, self.settings) for deployment in found]

    async def iter_deployments(self, *, state: DeploymentState | None = None) -> AsyncGenerator[DeploymentRecord]:
        word = literals.state_word(state, self.settings) if state else None
        async with aclosing(self._manage.iter_deployments(state=word)) as deployments:
            async for deployment in deployments:
                yield read_deployment(deployment, self.settings)

    async def changes(self, since: datetime | None) -> Changes | None:
        return await self._manage.changes(since)

    async def create_deployment(self, deployment: NewDeployment) -> DeploymentRecord:
        settings, runtime = self.settings, deployment.runtime
        state = DeploymentState.DEPLOYING if runtime else DeploymentState.DEPLOYED
        fields: dict[str, Any] = {
            settings.stage_field: deployment.stage,
            settings.state_field: literals.state_word(state, settings),
        }
        if runtime:
            fields[settings.runtime_field] = self._engine(runtime).wire()
        if deployment.rank is not None:
            fields |= {"mlc_rank": deployment.rank.model_dump(mode="json"), "mlc_provisional": True}
        new = wire.DeployedModel(
            deployable_model=self._open_snapshot(deployment.snapshot), mlc_key=deployment.key, **fields
        )
        try:
            return read_deployment(await self._manage.create_deployment(new), settings)
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            there = await self.list_deployments(snapshot_id=deployment.snapshot.id)
            first = next((other for other in reversed(there) if other.key == deployment.key), None)
            if first is None:
                raise
            return first

    def _engine(self, runtime: Runtime) -> wire.Engine:
        known = self._origin(wire.Engine, runtime)
        if known is not None:
            return known
        return written_runtime(runtime, self.settings).model_copy(update={"id": ids.decode(runtime.id)})

    async def finish_loading(
        self,
        deployment_id: str,
        state: DeploymentState,
        messages: Sequence[str] = (),
        *,
        address: str = "",
        warning: str = "",
    ) -> DeploymentRecord:
        deployment = await self.get_deployment(deployment_id)
        changes = serving_facts(address=address, warning=warning)
        if deployment.state is DeploymentState.DEPLOYING:
            changes |= {
                self.settings.state_field: literals.state_word(state, self.settings),
                self.settings.messages_field: list(messages),
            }
        elif deployment.state is not state or not address or deployment.address == address:
            return deployment
        else:  # its runtime has moved
            changes = serving_facts(address=address)
        try:
            changed = await self._manage.patch_deployment(ids.decode(deployment_id), changes)
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return await self.get_deployment(deployment_id)  # it was undeployed between the look and the write
        return read_deployment(changed, self.settings)

    async def set_schedules(self, deployment_id: str, schedules: Sequence[Schedule]) -> None:
        await self._manage.patch_deployment(ids.decode(deployment_id), {"schedules": self._schedules(schedules)})

    def _schedules(self, schedules: Sequence[Schedule]) -> list[dict[str, Any]]:
        return [written_schedule(schedule, self.settings) for schedule in schedules]

    async def add_monitors(self, snapshot: Snapshot, monitors: Sequence[NewMonitor]) -> None:
        before = self._open_snapshot(snapshot)
        near = before.stored_model.model_assets
        new = [self._association(before.id, monitor, near).wire() for monitor in monitors]
        there = documents(before.associated_models)
        await self._manage.patch_snapshot(before.id, {"associatedModels": [*there, *new]})

    def _association(self, snapshot_id: str, monitor: NewMonitor, near: Sequence[wire.Asset]) -> wire.Association:
        inputs = [self._held(asset, near) for asset in monitor.inputs]
        timed = [run_schedule(snapshot_id, monitor.monitor.model.name, monitor.timing)] if monitor.timing else []
        schedules = self._schedules([*monitor.schedules, *timed])
        return wire.Association(
            association_type=literals.SNAPSHOT_ASSOCIATION,
            association_role=monitor.monitor.model.association_role or literals.METRICS_MODEL,
            association_assets=[
                *(asset.model_copy(update={"usage": literals.INPUT_ASSET}) for asset in inputs),
                *(self._held(table) for table in monitor.tables),
            ],
            schedules=[wire.Schedule.model_validate(schedule) for schedule in schedules],
            associated_model=self._associated(self._open_snapshot(monitor.monitor)).wire(),
        )

    def _associated(self, monitor: wire.DeployableModel) -> wire.DeployableModel:
        """A monitor's snapshot as an association carries it.

        Standalone mode's centre has it under its id, and each deployment and job is a copy of the snapshot with all
        that is associated: names are enough. ModelOp keeps the whole in an association; that less would do is not
        proven.
        """
        return named_only(monitor) if self.settings.standalone else monitor

    async def list_notifications(self, *, snapshot_id: str | None = None) -> list[Notification]:
        found = await self._manage.list_notifications(snapshot_id=ids.decode(snapshot_id) if snapshot_id else None)
        return [read_notification(notification) for notification in found]

    async def create_notification(self, notification: Notification, *, once: bool = False) -> Notification:
        new = written_notification(notification)
        if once and self.settings.standalone:
            new = new.model_copy(update={"id": str(uuid5(NAMESPACE_URL, f"notification|{notification.key}"))})
        try:
            return read_notification(await self._manage.create_notification(new))
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT or not new.id:
                raise
            return notification.model_copy(update={"id": ids.encode(new.id)})  # an earlier try has put it there

    async def close_notification(self, notification_id: str, message: str) -> None:
        await self._manage.patch_notification(ids.decode(notification_id), {"open": False, "message": message})
