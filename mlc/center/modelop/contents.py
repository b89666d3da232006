"""What the centre's files contain, while somebody has the entities open that carry them."""

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mlc.center.modelop import wire
from mlc.center.modelop.answers import SYSTEM
from mlc.model.asset import Asset
from mlc.model.failure import Refused, TooLarge

E = TypeVar("E", bound=wire.Entity)
PIECE = 1024 * 1024


class Opened:
    """An entity that is open, and all that it carries."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(16)
        self._entities: list[wire.Entity] = []

    def refer(self, entity: wire.Entity) -> str:
        """A reference to something that was read, good for as long as this is open."""
        self._entities.append(entity)
        return f"{self.nonce}.{len(self._entities) - 1}"

    def entity(self, number: int) -> wire.Entity:
        return self._entities[number]


class OpenContents:
    """All entities that are open at this moment."""

    def __init__(self) -> None:
        self._opened: dict[str, Opened] = {}

    @contextmanager
    def opening(self) -> Iterator[Opened]:
        opened = Opened()
        self._opened[opened.nonce] = opened
        try:
            yield opened
        finally:
            del self._opened[opened.nonce]

    def entity(self, kind: type[E], ref: str, what: str) -> E:
        """What a reference stands for.

        Raises:
            Refused: there is none, or its owner is no longer open.
        """
        nonce, _, number = ref.partition(".")
        if not ref or nonce not in self._opened:
            how = "was closed before it was used" if ref else "is not open"
            raise Refused(SYSTEM, f"{what} {how}, so that its contents can't be had.", status=0)
        entity = self._opened[nonce].entity(int(number))
        assert isinstance(entity, kind)
        return entity

    async def read(self, asset: Asset, *, limit: int) -> bytes:
        found = bytearray()
        async for piece in self.stream(asset):
            found += piece
            if len(found) > limit:
                raise TooLarge(
                    SYSTEM,
                    f"The file {asset.name!r} is longer than the {limit} bytes that are read of a text; make it "
                    "shorter, or raise MLC_CENTER_TEXT_LIMIT.",
                )
        return bytes(found)

    async def stream(self, asset: Asset) -> AsyncIterator[bytes]:
        held = self.entity(wire.Asset, asset.ref, f"The file {asset.name!r}")
        try:
            content = _content(held)
        except ValueError:
            raise broken(asset.name) from None
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]


def broken(name: str) -> Refused:
    return Refused(SYSTEM, f"The content of the file {name!r} is broken: it is not base64.", status=0)


def _content(asset: wire.Asset) -> bytes:
    if asset.file_content is not None:
        return base64.b64decode("".join(asset.file_content.split()), validate=True)
    return (asset.source_code or "").encode()
