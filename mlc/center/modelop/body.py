"""JSON with tokens as it is sent: the contents that they stand for come from where they lie, piece by piece."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.spool import TOKEN, Source, Spools
from mlc.model.failure import Refused


class Body:
    """A request's body. It can be sent as often as need be, each time from its beginning.

    Raises:
        Refused: the document holds what JSON can't, or contents that are not at hand.
    """

    def __init__(self, document: Any, spools: Spools) -> None:
        try:
            text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            raise Refused(SYSTEM, f"What is to be sent is no JSON: {error}.", status=0) from error
        self._parts = list(_parts(text, spools))
        self.length = sum(len(p) if isinstance(p, bytes) else p[0].length(p[1]) for p in self._parts)

    @property
    def plain(self) -> bytes | None:
        """The whole, if it holds no contents from elsewhere."""
        (first, *others) = self._parts
        return first if isinstance(first, bytes) and not others else None

    def pieces(self) -> Iterator[bytes]:
        """Blocking.

        Raises:
            Refused: a content is no longer there, or a file has changed meanwhile.
        """
        left = self.length
        for part in self._parts:
            for piece in [part] if isinstance(part, bytes) else part[0].pieces(part[1]):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
        if left:
            raise Refused(SYSTEM, "A file changed while it was sent to the model centre; try again.", status=0)

    async def stream(self) -> AsyncIterator[bytes]:
        pieces = self.pieces()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


def _parts(text: bytes, spools: Spools) -> Iterator[bytes | tuple[Source, int]]:
    sent = 0
    for match in TOKEN.finditer(text):
        quoted = text[match.start() - 1 : match.start()] == b'"' == text[match.end() : match.end() + 1]
        if quoted and (found := spools.find(match[0])):
            yield text[sent : match.start()]
            yield found
            sent = match.end()
    yield text[sent:]
