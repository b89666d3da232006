"""Online requests in standalone mode's centre. ModelOp has no place for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from mlc.center.capability import Capability, require
from mlc.center.modelop import ids, wire
from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.assets import new_asset, read_asset, with_reference
from mlc.center.modelop.surroundings import ModelOpSurroundings
from mlc.center.online_requests import KeptRequests
from mlc.model.asset import Asset
from mlc.model.online_requests import Forgotten, OnlineBatch

_INSTEAD = (
    "Standalone mode's centre does (MLC_CENTER_STANDALONE); with another one let monitors read batch jobs or assets."
)


class ModelOpOnlineRequests(ModelOpSurroundings):
    """Implements :class:`mlc.center.online_requests.OnlineRequests`."""

    async def keep_online_requests(self, batch: OnlineBatch) -> None:
        self._require_requests()
        own = batch.model_copy(update={"deployment_id": ids.decode(batch.deployment_id)})
        await self._manage.online_requests.send(own)

    @asynccontextmanager
    async def open_online_requests(
        self, snapshot_id: str, *, since: datetime | None, most: int | None
    ) -> AsyncIterator[KeptRequests]:
        self._require_requests()
        span, file = await self._manage.online_requests.export(ids.decode(snapshot_id), since, most)
        with self._contents.opening() as opened:
            if not isinstance(file, dict):
                yield KeptRequests(span)
                return
            new = new_asset(Asset(name="online-requests.jsonl"), self.settings)
            held: wire.Asset = with_reference(new, str(file.get("sha256")), int(file.get("size") or 0))
            yield KeptRequests(span, read_asset(held, self.settings, opened.refer))

    async def forget_online_requests(self, model_id: str, identifier: str) -> Forgotten:
        self._require_requests()
        return await self._manage.online_requests.forget(ids.decode(model_id), identifier)

    def _require_requests(self) -> None:
        require(SYSTEM, self.capabilities, Capability.KEEPS_REQUESTS, _INSTEAD)
