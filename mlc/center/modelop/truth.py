"""Truth that arrives later: standalone mode's centre keeps it beside model-manage; ModelOp Center has no such thing."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import BaseModel, ValidationError

from mlc.center.capability import Capability, require
from mlc.center.modelop import ids
from mlc.center.modelop.answers import SYSTEM, garbled
from mlc.center.modelop.assets import new_asset, read_asset, with_reference
from mlc.center.modelop.job_ledger import ModelOpJobLedger
from mlc.model.asset import Asset, AssetRole
from mlc.model.truth import KeptTruth, Truth

NAME = "truth.csv"
_TRUTH = "truth"
_INSTEAD = "Score records that have their labels, or put them into an asset with the role COMPARATOR_DATA."


class _File(BaseModel):
    """What the centre says of the file that it has made; nothing where there is no truth."""

    sha256: str = ""
    size: int = 0


class ModelOpTruth(ModelOpJobLedger):
    """Part of :class:`mlc.center.ledger.Ledger`."""

    async def keep_truth(self, model_id: str, rows: Sequence[Truth]) -> KeptTruth:
        path = self._path(model_id)
        listed = [{"id": row.identifier, "label": json.loads(row.label), "time": row.time.isoformat()} for row in rows]
        answer = await self._manage.hal.post(path, {"truth": listed})
        try:
            return KeptTruth(**{name: int(answer[name]) for name in KeptTruth._fields})
        except (KeyError, TypeError, ValueError):
            raise garbled(f"POST {path}", "not with what became of the rows", write=True, status=200) from None

    async def forget_truth(self, model_id: str, identifier: str) -> bool:
        return bool((await self._manage.hal.delete(self._path(model_id), {"id": identifier})).get("forgotten"))

    @asynccontextmanager
    async def open_truth(self, model_id: str) -> AsyncIterator[Asset | None]:
        path = f"{self._path(model_id)}/file"
        answer = await self._manage.hal.post(path, {})
        try:
            made = _File.model_validate(answer)
        except ValidationError:
            raise garbled(f"POST {path}", "not with a file", write=True, status=200) from None
        if not made.sha256:
            yield None
            return
        with self._contents.opening() as opened:
            asset = Asset(name=NAME, role=AssetRole.TRUTH_DATA, format="CSV")
            kept = with_reference(new_asset(asset, self.settings), made.sha256, made.size)
            yield read_asset(kept, self.settings).model_copy(update={"ref": opened.refer(kept)})

    def _path(self, model_id: str) -> str:
        require(SYSTEM, self.capabilities, Capability.KEEPS_TRUTH, _INSTEAD)
        return ids.path(_TRUTH, ids.decode(model_id))
