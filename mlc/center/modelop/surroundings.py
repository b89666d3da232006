"""A snapshot with what is around it: in one answer where the centre is standalone mode's, else asked for one by one."""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from mlc.center.ledger import After
from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.assets import unreferred
from mlc.center.modelop.contents import Opened
from mlc.center.modelop.deployments import read_deployment
from mlc.center.modelop.ledger import ModelOpLedger
from mlc.center.modelop.results import read_result
from mlc.center.modelop.snapshots import read_snapshot
from mlc.center.surroundings import Beside, Tested
from mlc.model.deployment import DeploymentRecord, Runtime
from mlc.model.failure import NotFound
from mlc.model.monitor_plan import CLASSIFICATION, REGRESSION
from mlc.model.result import TestResultRecord
from mlc.model.snapshot import Snapshot

E = TypeVar("E", bound=wire.Entity)
DEPLOYMENTS, RUNTIMES, MONITORS, RESULTS = "deployedModels", "engines", "monitors", "modelTestResults"
SNAPSHOTS = "deployableModels"
_ASKED = {Beside.DEPLOYMENTS: DEPLOYMENTS, Beside.RUNTIMES: RUNTIMES, Beside.MONITORS: MONITORS}
WITH, NAMES, RESULT = "mlcWith", "mlcMonitors", "mlcResult"
"""Parameters of a read or a change: what to bring along in ``_embedded``; names of monitors, as JSON; a result's id."""


class ModelOpSurroundings(ModelOpLedger):
    """Part of :class:`mlc.center.port.Center`."""

    @asynccontextmanager
    async def open_surroundings(
        self, snapshot_id: str, *beside: Beside, result_id: str | None = None, contents: bool = True
    ) -> AsyncIterator["_Around"]:
        own = ids.decode(snapshot_id)
        with self._contents.opening() as opened:
            into = opened.spool if contents else None
            if self.settings.standalone:
                found, came = await self._manage.get_snapshot_with(own, _parameters(beside, result_id), into=into)
            else:
                found, came = await self._manage.get_snapshot(own, into=into), {}
            snapshot = read_snapshot(found, self.settings, opened.refer if contents else unreferred)
            self._remember(snapshot, found)
            yield _Around(self, snapshot, opened, came)

    @asynccontextmanager
    async def open_tested(self, result: TestResultRecord) -> AsyncIterator[Tested]:
        along = self.settings.standalone and self.settings.contents == "reference"
        kept, came = await self._keep_result(result, {WITH: SNAPSHOTS} if along else {})
        found = [each for each in _entities(wire.DeployableModel, came.get(SNAPSHOTS)) or [] if each.id]
        if found and kept.created is not None:
            with self._contents.opening() as opened:
                snapshot = read_snapshot(found[0], self.settings, opened.refer)
                self._remember(snapshot, found[0])
                yield Tested(kept, snapshot)
            return
        read_again = None if kept.created else kept.id  # an earlier try kept it: when, and what was said of it since
        async with self.open_surroundings(kept.snapshot_id, result_id=read_again) as around:
            yield Tested(await around.test_result(read_again) if read_again else kept, around.snapshot)

    async def confirm_deployment(self, deployment_id: str, *, beside: bool = False) -> After:
        return await self._changed(deployment_id, {"mlcProvisional": False}, beside=beside)

    async def end_deployment(self, deployment_id: str, *, beside: bool = False) -> After | None:
        ended = {
            self.settings.state_field: self.settings.undeployed_state,
            "undeployTime": datetime.now(UTC).isoformat(),
            "schedules": [],
        }
        try:
            return await self._changed(deployment_id, ended, beside=beside)
        except NotFound:
            return None

    async def _changed(self, deployment_id: str, changes: Mapping[str, Any], *, beside: bool) -> After:
        own = ids.decode(deployment_id)
        if not (beside and self.settings.standalone):
            return After(read_deployment(await self._manage.patch_deployment(own, changes), self.settings))
        changed, came = await self._manage.patch_deployment_with(own, changes, {WITH: DEPLOYMENTS})
        after = read_deployment(changed, self.settings)
        return After(after, self.read_deployments(came, after.model_id))

    def read_deployments(self, came: Mapping[str, Any], model_id: str) -> list[DeploymentRecord] | None:
        """The model's deployments that came along, newest first; None if none did, or it isn't sure that all did."""
        found = _entities(wire.DeployedModel, came.get(DEPLOYMENTS))
        if found is None or not model_id:
            return None
        records = [read_deployment(deployment, self.settings) for deployment in found]
        return records if all(record.model_id == model_id and record.id for record in records) else None

    def read_runtimes(self, came: Mapping[str, Any]) -> list[Runtime] | None:
        """The runtimes that came along; None if none did."""
        found = _entities(wire.Engine, came.get(RUNTIMES))
        return None if found is None else [self._runtime(engine) for engine in found]

    async def open_monitor(self, name: str, known: wire.DeployableModel | None, opened: Opened) -> Snapshot | None:
        """The newest snapshot of a monitor, as it came along or as it is read now; None if the centre has none."""
        whole = known is not None and (self.settings.contents == "reference" or _is_whole(known))
        found = known if whole else None
        if found is None:
            snapshot_id = known.id if known is not None else await self._newest_monitor(name)
            if snapshot_id is None:
                return None
            found = await self._manage.get_snapshot(snapshot_id, into=opened.spool)
        snapshot = read_snapshot(found, self.settings, opened.refer)
        self._remember(snapshot, found)
        return snapshot

    async def _newest_monitor(self, name: str) -> str | None:
        models = await self._manage.find_stored_models(name, category=literals.MONITORING_MODEL)
        return await self._manage.latest_snapshot_id(models[0].id or "") if models else None


class _Around:
    """Implements :class:`mlc.center.surroundings.Surroundings`."""

    def __init__(
        self, center: ModelOpSurroundings, snapshot: Snapshot, opened: Opened, came: Mapping[str, Any]
    ) -> None:
        self.snapshot = snapshot
        self._center = center
        self._opened = opened
        self._deployments = center.read_deployments(came, snapshot.model.id)
        self._runtimes = center.read_runtimes(came)
        came_along = _entities(wire.DeployableModel, came.get(MONITORS)) or []
        self._results = {ids.encode(r.id): r for r in _entities(wire.ModelTestResult, came.get(RESULTS)) or []}
        self._came = {monitor.stored_model.model_meta_data.name: monitor for monitor in came_along}
        self._monitors: dict[str, Snapshot | None] = {}

    async def deployments(self) -> list[DeploymentRecord]:
        if self._deployments is None:
            model_id = self.snapshot.model.id
            by = {"model_id": model_id} if model_id else {"snapshot_id": self.snapshot.id}
            self._deployments = await self._center.list_deployments(**by)
        return self._deployments

    async def runtimes(self) -> list[Runtime]:
        if self._runtimes is None:
            self._runtimes = await self._center.list_runtimes()
        return self._runtimes

    async def test_result(self, result_id: str) -> TestResultRecord:
        if (came := self._results.get(result_id)) is not None:
            return read_result(came, self._center.settings)
        return await self._center.get_test_result(result_id)

    async def monitors(self, names: Collection[str]) -> Mapping[str, Snapshot]:
        for name in names:
            if name not in self._monitors:
                self._monitors[name] = await self._center.open_monitor(name, self._came.get(name), self._opened)
        return {name: found for name in names if (found := self._monitors[name]) is not None}


def _parameters(beside: Collection[Beside], result_id: str | None) -> dict[str, str]:
    asked = {WITH: ",".join([*(_ASKED[each] for each in beside), *([RESULTS] if result_id else [])])}
    if result_id:
        asked[RESULT] = ids.decode(result_id)
    if Beside.MONITORS in beside:
        asked[NAMES] = json.dumps(sorted({*CLASSIFICATION, *REGRESSION}))
    return asked


def _entities(kind: type[E], came: Any) -> list[E] | None:
    """What came along, if it is what was asked for; else it will be asked for by itself."""
    try:
        return [kind.model_validate(each) for each in came] if isinstance(came, list) else None
    except ValidationError:
        return None


def _is_whole(snapshot: wire.DeployableModel) -> bool:
    """Whether nothing was left out of a snapshot as it is listed: no asset tells a size or a hash without a content."""
    associated = [asset for each in snapshot.associated_models for asset in each.association_assets]
    return all(
        asset.file_content is not None or asset.source_code is not None or not (asset.content_hash or asset.file_size)
        for asset in [*snapshot.stored_model.model_assets, *associated]
    )
