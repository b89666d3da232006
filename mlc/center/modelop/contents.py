"""What the centre's files contain, while somebody has the entities open that carry them."""

import asyncio
import binascii
import json
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeVar

from mlc.center.modelop import wire
from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.assets import holds_content
from mlc.center.modelop.downloads import Downloads
from mlc.center.modelop.scan import WELL_FORMED
from mlc.center.modelop.spool import PIECE, Spool, Spools
from mlc.model.asset import Asset
from mlc.model.failure import MlcError, Refused, TooLarge

E = TypeVar("E", bound=wire.Entity)
_ESCAPES = re.compile(rb'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_HIGH = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_SPACE = b" \t\r\n"


class Opened:
    """An entity that is open, and all that it carries."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._entities: list[wire.Entity] = []

    def refer(self, entity: wire.Entity) -> str:
        """A reference to something that was read, good for as long as this is open."""
        self._entities.append(entity)
        return f"{self.spool.nonce}.{len(self._entities) - 1}"

    def entity(self, number: int) -> wire.Entity:
        return self._entities[number]


class OpenContents:
    """All entities that are open at this moment."""

    def __init__(self, spools: Spools, downloads: Downloads) -> None:
        self._spools = spools
        self._downloads = downloads
        self._opened: dict[str, Opened] = {}

    @contextmanager
    def opening(self) -> Iterator[Opened]:
        with self._spools.spool() as spool:
            opened = Opened(spool)
            self._opened[spool.nonce] = opened
            try:
                yield opened
            finally:
                del self._opened[spool.nonce]

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
        held = self.entity(wire.Asset, asset.ref, f"The file {asset.name!r}")
        if not holds_content(held) and (held.file_size or 0) > limit:
            raise _too_large(asset, limit)
        async with aclosing(self.stream(asset)) as pieces:
            async for piece in pieces:
                found += piece
                if len(found) > limit:
                    raise _too_large(asset, limit)
        return bytes(found)

    async def stream(self, asset: Asset) -> AsyncGenerator[bytes]:
        held = self.entity(wire.Asset, asset.ref, f"The file {asset.name!r}")
        if not holds_content(held):
            digest = held.content_hash.hex_string.lower() if held.content_hash else ""
            async with aclosing(self._downloads.stream(digest, held.file_size, asset.name)) as fetched:
                async for got in fetched:
                    yield got
            return
        pieces = self._pieces(held)
        while True:
            try:
                piece: bytes | None = await asyncio.to_thread(next, pieces, None)
            except ValueError as error:
                why = str(error) if isinstance(error, NotText) else "it is not base64"
                text = f"The content of the file {asset.name!r} is broken: {why}."
                raise Refused(SYSTEM, text, status=0) from None
            if piece is None:
                return
            yield piece

    def _pieces(self, asset: wire.Asset) -> Iterator[bytes]:
        if asset.file_content is not None:
            return decoded(self._text(asset.file_content))
        return self._text(asset.source_code or "")

    def _text(self, content: str) -> Iterator[bytes]:
        """A content's characters in UTF-8, from where they lie."""
        if found := self._spools.find(content.encode(errors="replace")):
            source, number = found
            return unescaped(source.pieces(number))
        return _cut(content)


def _too_large(asset: Asset, limit: int) -> TooLarge:
    return TooLarge(
        SYSTEM,
        f"The file {asset.name!r} is longer than the {limit} bytes that are read of a text; make it shorter, or raise "
        "MLC_CENTER_TEXT_LIMIT.",
    )


class NotText(MlcError, ValueError):
    """A text holds half of a character. The text is the end of a sentence."""

    def __init__(self) -> None:
        super().__init__("it holds half of a character")


def unescaped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What the bytes between the quotes of a JSON string mean, in UTF-8; escapes may be split anywhere.

    Raises:
        NotText: it holds half of a surrogate pair.
    """
    carry = b""
    for piece in pieces:
        data = carry + piece if carry else piece
        carry = b""
        if b"\\" in data:
            end = _whole(data)
            data, carry = data[:end], data[end:]
            data = _ESCAPES.sub(_meaning, data)
        yield data
    if carry:
        yield _ESCAPES.sub(_meaning, carry)


def decoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Base64 that may be split anywhere and hold line breaks.

    Raises:
        ValueError: it is none.
    """
    rest, ended = b"", False
    for piece in pieces:
        data = rest + piece.translate(None, _SPACE)
        if ended and data:
            raise binascii.Error("something follows the padding")
        whole = len(data) - len(data) % 4
        data, rest = data[:whole], data[whole:]
        if data:
            ended = data.endswith(b"=")
            yield binascii.a2b_base64(data, strict_mode=True)
    if rest:
        raise binascii.Error("it ends too early")


def _cut(content: str) -> Iterator[bytes]:
    try:
        text = content.encode()
    except UnicodeEncodeError:
        raise NotText from None
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def _whole(data: bytes) -> int:
    """How much of it can be read without what follows: no escape, and no pair of them, is begun at its end."""
    match = WELL_FORMED.match(data)
    end = match.end() if match else 0
    if _HIGH.fullmatch(data, max(end - 6, 0), end):
        before = data[: end - 5]
        if (len(before) - len(before.rstrip(b"\\"))) % 2:
            return end - 6
    return end


def _meaning(escapes: re.Match[bytes]) -> bytes:
    try:
        return str(json.loads(b'"' + escapes[0] + b'"')).encode()
    except UnicodeEncodeError:
        raise NotText from None
