"""Files on their way to the centre by themselves: once each, in pieces, going on after whatever comes between."""

import asyncio
from typing import NamedTuple

import httpx

from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.sent_file import Sendable, hashed
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.token import TokenProvider
from mlc.center.modelop.transfers import Place, Stand, Transfers
from mlc.center.progress import Progress, Stage, Tell, untold
from mlc.model.failure import Refused, Unavailable

PIECE = 8 * 1024 * 1024
"""Bytes of one request, as long as all goes well."""
SMALLEST_PIECE = 64 * 1024
"""After a lost connection: so little fits into the buffers of a connection, so that an early answer is read."""
LOST, BUSY, DAMAGED = 6, 30, 3
"""How often a request may come to nothing: since the connection was lost or another sender is at the same file (in a
row: whatever arrives ends it), or since what had arrived was another content (in all)."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds between them."""
_NO_ROOM = 507


class Stored(NamedTuple):
    """A content that the centre has."""

    sha256: str
    size: int
    """Bytes."""


class Uploads:
    """Sends files. What the centre has is not sent again, and what it has begun to get goes on where it stands.

    Args:
        tell: is told how far each file is.
        tokens: of whoever else asks the same centre; None: its own.
    """

    def __init__(
        self,
        settings: CenterSettings,
        http: httpx.AsyncClient,
        tell: Tell = untold,
        *,
        tokens: TokenProvider | None = None,
    ) -> None:
        self._transfers = Transfers(settings, http, tokens or TokenProvider(settings, http))
        self._tell = tell

    async def send(self, file: Sendable, sha256: str | None = None) -> Stored:
        """Make sure that the centre has a file's content. ``sha256``: its hash, if it is known.

        Raises:
            Refused: the file can't be read or was changed meanwhile, or the centre does not take it.
            Unavailable: the centre has no room, or can't be reached any more. What has arrived stays there for a while.
        """
        if sha256 is None:
            sha256 = await hashed(file, lambda done: self._tell(Progress(file.name, file.size, Stage.READ, done)))
        await _Upload(self._transfers, self._tell, file, sha256).run()
        return Stored(sha256, file.size)


class _Upload:
    """One file's way. Its ``offset`` is None while it is not known where the centre stands."""

    def __init__(self, transfers: Transfers, tell: Tell, file: Sendable, sha256: str) -> None:
        self._transfers, self._tell = transfers, tell
        self._file, self._sha256 = file, sha256
        self._offset: int | None = None
        self._piece = PIECE
        self._furthest = -1
        self._tries = self._busy = self._setbacks = self._damaged = 0

    async def run(self) -> None:
        while True:
            try:
                place = await self._step()
            except Unavailable as error:
                if error.status == _NO_ROOM:
                    raise
                self._offset, self._piece = None, SMALLEST_PIECE
                self._tries += 1
                await self._pause(self._unsent(error), LOST, self._tries)
                continue
            if place.stand is Stand.WHOLE:
                await asyncio.to_thread(self._file.check)
                return self._say(Stage.STORED, self._file.size)
            await self._go_on(place)

    async def _step(self) -> Place:
        file, start = self._file, self._offset
        if start is None:
            return await self._transfers.where(file, self._sha256)
        await asyncio.to_thread(file.check)
        length = min(self._piece, file.size - start)
        self._say(Stage.SENT, start)
        return await self._transfers.append(file, self._sha256, start, length, lambda at: self._say(Stage.SENT, at))

    async def _go_on(self, place: Place) -> None:
        asked, before, offset = self._offset, self._furthest, place.offset
        self._offset = offset
        if place.stand is Stand.DAMAGED:
            await self._look_again()
            return
        if offset is not None and offset < before:
            self._furthest, self._setbacks = offset, self._setbacks + 1
            text = f"The {SYSTEM} keeps losing what it has of the file {self._file.name!r}: see its log."
            await self._pause(Unavailable(SYSTEM, text), LOST, self._setbacks)
            return
        if offset is not None and offset > before:
            self._furthest, self._tries, self._busy = offset, 0, 0
            self._piece = min(2 * self._piece, PIECE)
            if not place.busy:
                return
        elif asked is None:
            return  # it stands where it stood before the pause
        self._offset, self._piece = None, SMALLEST_PIECE  # what is sent while another sends is sent in vain
        self._busy += 1
        text = f"The {SYSTEM} takes no more of the file {self._file.name!r}: another sender may be at it."
        await self._pause(Unavailable(SYSTEM, f"{text} Send it again later.", status=409), BUSY, self._busy)

    async def _look_again(self) -> None:
        """What arrived was not what its hash says: the file was changed, or it was damaged on its way."""
        if await hashed(self._file) != self._sha256:
            raise Refused(
                SYSTEM,
                f"The file {self._file.name!r} was changed while it was sent: leave it as it is, and send it again.",
                status=0,
            )
        self._furthest, self._damaged = -1, self._damaged + 1
        if self._damaged >= DAMAGED:
            raise Refused(
                SYSTEM,
                f"The file {self._file.name!r} arrived damaged at the {SYSTEM}, {self._damaged} times: look at what "
                "lies between (a proxy that changes what it passes on, a broken disk).",
                status=422,
            )

    def _unsent(self, error: Unavailable) -> Unavailable:
        """The same, with how far the file is and how to go on."""
        file, there = self._file, max(self._furthest, 0)
        text = (
            f"The file {file.name!r} is not whole at the {SYSTEM} ({there:,} of {file.size:,} bytes arrived): {error}"
        )
        text = f"{text} Send it again, and it goes on there."
        return Unavailable(SYSTEM, text, retry_after=error.retry_after, status=error.status)

    async def _pause(self, error: Unavailable, most: int, number: int) -> None:
        """Wait before the next try; ``number``: how often there was nothing.

        Raises:
            Unavailable: that was the last one.
        """
        if number >= most:
            raise error
        asked = error.retry_after.total_seconds() if error.retry_after else 0
        pause = min(FIRST_PAUSE * 2 ** (number - 1), LONGEST_PAUSE)
        await asyncio.sleep(min(asked, 4 * LONGEST_PAUSE) or pause)

    def _say(self, stage: Stage, done: int) -> None:
        self._tell(Progress(self._file.name, self._file.size, stage, done))
