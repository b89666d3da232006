"""Decision records: a collection of their own where the centre has one, else files on the stored model."""

import base64
import json
from collections.abc import AsyncIterator

from pydantic import ValidationError

from mlc.center.capability import Unsupported
from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.access import documents
from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.assets import read_asset
from mlc.center.modelop.contents import Opened
from mlc.center.modelop.truth import ModelOpTruth
from mlc.model.decision import DecisionRecord
from mlc.model.failure import NotFound, Unavailable

ON_STORED_MODEL = "modelAssets"
"""What the setting says where a centre has no such collection: each entry is a file on the stored model."""
_NAME, _SUFFIX = "decision-record-", ".json"


class ModelOpDecisions(ModelOpTruth):
    """Part of :class:`mlc.center.ledger.Ledger`."""

    async def append_decision(self, record: DecisionRecord) -> DecisionRecord:
        if self.settings.decision_records == ON_STORED_MODEL:
            return await self._append_file(record)
        if not self.settings.standalone and (known := await self._kept_entry(record)) is not None:
            return known
        try:
            made = await self._manage.create_decision(written_document(record))
        except NotFound as error:
            text = (
                f"The model centre has no collection {self.settings.decision_records} for decision records. Set "
                f"MLC_CENTER_DECISION_RECORDS to its name, or to {ON_STORED_MODEL}."
            )
            raise Unsupported(error.system, text, status=error.status) from error
        return read_document(made) or record

    async def list_decisions(self, snapshot_id: str) -> list[DecisionRecord]:
        if self.settings.decision_records == ON_STORED_MODEL:
            try:
                found = [record async for record in self._files(snapshot_id)]
            except NotFound:
                return []
            return sorted(found, key=lambda record: record.at)
        listed = await self._manage.list_decisions(ids.decode(snapshot_id))
        return [record for document in reversed(listed) if (record := read_document(document)) is not None]

    async def _kept_entry(self, record: DecisionRecord) -> DecisionRecord | None:
        """The entry of this key, in a collection that may take a second one."""
        try:
            kept = await self.list_decisions(record.snapshot_id)
        except NotFound:
            return None  # there is no such collection, which will be said when it is written to
        return next((each for each in kept if each.key == record.key), None)

    async def _append_file(self, record: DecisionRecord) -> DecisionRecord:
        """Of two that write at the same time one can take the other's file away: who misses its own tries again."""
        if (known := await self._kept_file(record)) is not None:
            return known
        with self._contents.opening() as opened:
            model = await self._stored_model(record.snapshot_id, opened)
            new = wire.Asset(
                name=file_name(record.key),
                filename=file_name(record.key),
                asset_type=literals.FILE,
                asset_role="UNKNOWN",
                file_content=base64.b64encode(record.model_dump_json().encode()).decode(),
            )
            changes = {"modelAssets": documents([*model.model_assets, new])}
            await self._manage.patch_stored_model(model.id or "", changes)
        if (kept := await self._kept_file(record)) is not None:
            return kept
        text = f"The model centre did not keep {file_name(record.key)} on the stored model."
        raise Unavailable(SYSTEM, text, maybe_done=True)

    async def _kept_file(self, record: DecisionRecord) -> DecisionRecord | None:
        found = [kept async for kept in self._files(record.snapshot_id) if kept.key == record.key]
        return found[0] if found else None

    async def _files(self, snapshot_id: str) -> AsyncIterator[DecisionRecord]:
        with self._contents.opening() as opened:
            model = await self._stored_model(snapshot_id, opened)
            for held in model.model_assets:
                asset = read_asset(held, self.settings, opened.refer)
                if asset.name.startswith(_NAME) and asset.name.endswith(_SUFFIX) and asset.ref:
                    content = await self._contents.read(asset, limit=self.settings.answer_limit)
                    record = read_record(content)
                    if record is not None and record.snapshot_id == snapshot_id:
                        yield record

    async def _stored_model(self, snapshot_id: str, opened: Opened) -> wire.StoredModel:
        snapshot = await self._manage.get_snapshot(ids.decode(snapshot_id))
        if not snapshot.stored_model.id:
            text = "The snapshot tells no stored model on which a decision record could be kept."
            raise Unsupported(SYSTEM, text, status=501)
        return await self._manage.get_stored_model(snapshot.stored_model.id, into=opened.spool)


def file_name(key: str) -> str:
    """What the file of an entry is called."""
    return f"{_NAME}{key}{_SUFFIX}"


def written_document(record: DecisionRecord) -> wire.DecisionDocument:
    return wire.DecisionDocument(
        deployable_model_id=ids.decode(record.snapshot_id), mlc_key=record.key, record=record.model_dump(mode="json")
    )


def read_document(document: wire.DecisionDocument) -> DecisionRecord | None:
    """None if somebody else has written there."""
    return _valid(document.record)


def read_record(content: bytes) -> DecisionRecord | None:
    """An entry from a file; None if somebody else has written it."""
    try:
        return _valid(json.loads(content))
    except (ValueError, RecursionError):
        return None


def _valid(written: object) -> DecisionRecord | None:
    try:
        return DecisionRecord.model_validate(written)
    except ValidationError:
        return None
