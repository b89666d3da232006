"""Contents of a centre that keeps files by their SHA-256: given from any byte on, cut off and refused as tests want."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.failure import TooLarge, Unavailable
from mlc.model.snapshot import Snapshot

PIECE = 256 * 1024
SOURCE_TEXT = b"# modelop.score\ndef s(r): yield r\n"


class StoredByHash:
    """Speaks :class:`mlc.center.Contents`.

    Attributes:
        asked: the names and first bytes that were asked for.
        before: called before each piece with the byte that it begins at; what it raises ends the stream.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, int]] = []
        self.before: Callable[[int], None] = lambda _: None
        self.gate: asyncio.Event | None = None
        self.gate_at = 0
        """Where the stream waits for ``gate``."""

    def asset(self, name: str, content: bytes, role: str = AssetRole.WEIGHTS_FILE, **fields: object) -> Asset:
        self.files[name] = content
        known = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "ref": name}
        return Asset.model_validate({"name": name, "role": role, **known, **fields})

    def source(self) -> Asset:
        return self.asset("model.py", SOURCE_TEXT, AssetRole.MODEL_SOURCE, kind=AssetKind.SOURCE, primary=True)

    def model(self, *assets: Asset) -> Snapshot:
        return Snapshot(id="s", assets=[self.source(), *assets])

    def keeps_by_hash(self, asset: Asset) -> bool:
        return bool(asset.ref)

    async def read(self, asset: Asset, *, limit: int) -> bytes:
        content = b"".join([piece async for piece in self.stream(asset)])
        if len(content) > limit:
            raise TooLarge("model centre", "It is too long.")
        return content

    async def stream(self, asset: Asset, *, start: int = 0) -> AsyncIterator[bytes]:
        self.asked.append((asset.ref, start))
        content = self.files[asset.ref]
        for at in range(start, len(content), PIECE):
            self.before(at)
            if self.gate is not None and at >= self.gate_at:
                await self.gate.wait()
            yield content[at : at + PIECE]

    @property
    def weights_asked(self) -> list[int]:
        """From which bytes on the weights were asked for."""
        return [start for name, start in self.asked if name == "weights.bin"]


class CutOnce:
    """Loses the connection at bytes, once at each."""

    def __init__(self, *places: int, error: Exception | None = None) -> None:
        self._places = list(places)
        self._error = error or Unavailable("model centre", "The connection was lost.")

    def __call__(self, at: int) -> None:
        if self._places and at >= self._places[0]:
            self._places.pop(0)
            raise self._error
