"""What is asked of standalone mode's centre about online requests. ModelOp has no place for them."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from mlc.center.modelop.answers import garbled
from mlc.center.modelop.hal import Hal
from mlc.model.online_requests import Forgotten, OnlineBatch, OnlineSpan

_PLURAL, _EXPORTS = "online-requests", "online-requests/exports"


class OnlineRequests:
    """Ids are as the centre has them."""

    def __init__(self, hal: Hal) -> None:
        self._hal = hal

    async def send(self, batch: OnlineBatch) -> None:
        await self._hal.post(_PLURAL, batch.model_dump(mode="json"))

    async def export(self, snapshot: str, since: datetime | None, most: int | None) -> tuple[OnlineSpan, Any]:
        """How many there are, and the file that they are in: its ``sha256`` and ``size``; None without any."""
        asked = {"snapshot": snapshot, "since": since.isoformat() if since else None, "most": most}
        answer = await self._hal.post(_EXPORTS, {name: value for name, value in asked.items() if value is not None})
        try:
            return OnlineSpan.model_validate(answer), answer.get("file")
        except ValidationError:
            raise garbled(f"POST {_EXPORTS}", "without saying what there is", write=True, status=200) from None

    async def forget(self, model: str, identifier: str) -> Forgotten:
        answer = await self._hal.delete(_PLURAL, {"model": model, "identifier": identifier})
        try:
            return Forgotten.model_validate(answer)
        except ValidationError:
            raise garbled(f"DELETE {_PLURAL}", "without saying what there was", write=True, status=200) from None
