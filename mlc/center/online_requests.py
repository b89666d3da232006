"""The part of a ledger that keeps what online models were asked and answered, for the monitors that watch them."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from mlc.model.asset import Asset
from mlc.model.online_requests import Forgotten, OnlineBatch, OnlineSpan


class KeptRequests(NamedTuple):
    """A snapshot's online requests that are kept. ``file`` has a record with its score in each line, as JSON, the
    oldest first; None if there are none.
    """

    span: OnlineSpan
    file: Asset | None = None


class OnlineRequests(Protocol):
    """Every method raises :mod:`mlc.model.failure`'s three errors, nothing else."""

    async def keep_online_requests(self, batch: OnlineBatch) -> None:
        """A runtime has answered these. The same batch again changes nothing.

        Raises:
            Unsupported: there is no place for them (``KEEPS_REQUESTS``).
        """
        ...

    def open_online_requests(
        self, snapshot_id: str, *, since: datetime | None, most: int | None
    ) -> AbstractAsyncContextManager[KeptRequests]:
        """A snapshot's newest requests, at most so many and none from before ``since``, for a job to read.

        Raises:
            Unsupported: there is no place for them (``KEEPS_REQUESTS``).
        """
        ...

    async def forget_online_requests(self, model_id: str, identifier: str) -> Forgotten:
        """Delete what is kept of the record with an identifier, of all snapshots of a model.

        Raises:
            Unsupported: there is no place for them (``KEEPS_REQUESTS``).
        """
        ...
