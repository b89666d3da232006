"""ModelOp's half of the port that is a catalogue: models, snapshots and what their files contain."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from mlc.center.catalogue import NewFile
from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.access import ModelOpAccess, documents
from mlc.center.modelop.assets import new_asset
from mlc.center.modelop.snapshots import HELD_MARK, read_model, read_snapshot, replacing, written_model
from mlc.center.modelop.spool import Files
from mlc.model.asset import Asset
from mlc.model.failure import NotFound
from mlc.model.job import JobRecord
from mlc.model.snapshot import Model, RuntimeName, Snapshot


class ModelOpCatalogue(ModelOpAccess):
    """Implements :class:`mlc.center.catalogue.Catalogue`."""

    async def get_snapshot(self, snapshot_id: str) -> Snapshot:
        return self._snapshot(await self._manage.get_snapshot(ids.decode(snapshot_id)))

    @asynccontextmanager
    async def open_snapshot(self, snapshot_id: str) -> AsyncIterator[Snapshot]:
        with self._contents.opening() as opened:
            found = await self._manage.get_snapshot(ids.decode(snapshot_id), into=opened.spool)
            snapshot = read_snapshot(found, self.settings, opened.refer)
            self._remember(snapshot, found)
            yield snapshot

    def own_id(self, snapshot_id: str) -> str:
        return ids.decode(snapshot_id)

    def page_of(self, snapshot_id: str) -> str | None:
        try:
            own = ids.decode(snapshot_id)
        except NotFound:
            return None
        page = self.settings.snapshot_page.format(snapshot_id=quote(own, safe=""))
        return self.settings.browse_url.rstrip("/") + page if self.settings.browse_url else None

    async def latest_snapshot(self, model_id: str) -> Snapshot | None:
        found = await self._manage.latest_snapshot(ids.decode(model_id))
        return self._snapshot(found) if found else None

    async def find_models(self, name: str, *, monitors: bool = False) -> list[Model]:
        category = literals.MONITORING_MODEL if monitors else None
        return [read_model(model) for model in await self._manage.find_stored_models(name, category=category)]

    async def save_model(self, model: Model, files: Sequence[NewFile]) -> Model:
        stored = written_model(model)
        with self._spools.files() as sent:
            stored.model_assets = await self._sent(files, sent)
            if not model.id:
                return read_model(await self._manage.create_stored_model(stored))
            own = ids.decode(model.id)
            with self._spools.spool() as unread:
                before = await self._manage.get_stored_model(own, into=unread)
            return read_model(await self._manage.patch_stored_model(own, replacing(before, stored)))

    async def create_snapshot(
        self,
        model_id: str,
        *,
        name: str,
        tags: Sequence[str] = (),
        stage: str | None = None,
        target_runtimes: Sequence[RuntimeName] = (),
        held: bool = False,
    ) -> Snapshot:
        with self._spools.spool() as spool:
            model = await self._manage.get_stored_model(ids.decode(model_id), into=spool)
            if stage is not None:
                model.model_meta_data.model_stage = stage
            custom = {HELD_MARK: True} if held else {}
            meta = wire.MetaData(
                name=name, description=model.model_meta_data.description, tags=list(tags), custom=custom
            )
            snapshot = wire.DeployableModel(
                stored_model=model, meta_data=meta, target_runtimes=[_pinned(runtime) for runtime in target_runtimes]
            )
            return self._snapshot(await self._manage.create_snapshot(snapshot))

    async def add_files(self, snapshot: Snapshot, files: Sequence[NewFile]) -> None:
        names = {file.asset.name for file in files}
        before = self._open_snapshot(snapshot)
        kept = [a for a in before.stored_model.model_assets if (a.filename or a.name) not in names]
        with self._spools.files() as sent:
            new = await self._sent(files, sent)
            changes = {"storedModel": {"modelAssets": documents([*kept, *new])}}
            await self._manage.patch_snapshot(before.id, changes)

    async def replace_assets(self, snapshot: Snapshot, job: JobRecord, artefacts: Sequence[Asset]) -> None:
        made = self._contents.entity(wire.Job, job.ref, f"The job {job.id}")
        names = {asset.name for asset in artefacts}
        before = self._open_snapshot(snapshot)
        kept = [a for a in before.stored_model.model_assets if (a.filename or a.name) not in names]
        new = [self._held(asset, made.output_data) for asset in artefacts]
        changes = {"storedModel": {"modelAssets": documents([*kept, *new])}}
        await self._manage.patch_snapshot(before.id, changes)

    async def _sent(self, files: Sequence[NewFile], sent: Files) -> list[wire.Asset]:
        return [await self._with_content(new_asset(file.asset, self.settings), file, sent) for file in files]

    def _snapshot(self, found: wire.DeployableModel) -> Snapshot:
        snapshot = read_snapshot(found, self.settings)
        self._remember(snapshot, found)
        return snapshot

    def _open_snapshot(self, snapshot: Snapshot) -> wire.DeployableModel:
        return self._contents.entity(wire.DeployableModel, snapshot.ref, f"The snapshot {snapshot.name!r}")


def _pinned(runtime: RuntimeName) -> wire.Engine:
    named = {"id": ids.decode(runtime.id) if runtime.id else "", "name": runtime.name}
    return wire.Engine.model_validate({field: text for field, text in named.items() if text})
