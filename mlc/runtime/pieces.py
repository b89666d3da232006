"""An open file, piece by piece, as it is copied to where it belongs."""

import hashlib
from collections.abc import Iterator
from typing import IO

from mlc.model.asset import Asset
from mlc.runtime.connected import PART
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.transfer import CHUNK


def chunks(source: IO[bytes]) -> Iterator[bytes]:
    """An open file from where it is, piece by piece."""
    return iter(lambda: source.read(CHUNK), b"")


def verified(source: IO[bytes], asset: Asset, what: str) -> Iterator[bytes]:
    """A file from its beginning; its last piece only if the whole is what the asset's SHA-256 says.

    Raises:
        ModelFailure: it isn't.
    """
    source.seek(0)
    digest = hashlib.sha256()
    held = b""
    for chunk in chunks(source):
        digest.update(chunk)
        if held:
            yield held
        held = chunk
    if digest.hexdigest() != asset.sha256:
        raise ModelFailure(f"The {what} changed while it was copied: end whatever writes it.")
    if held:
        yield held


def parts(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same in pieces of ``PART`` bytes, of which there is at least one."""
    held = bytearray()
    first = True
    for piece in pieces:
        held += piece
        if len(held) >= PART:
            yield bytes(held)
            held.clear()
            first = False
    if held or first:
        yield bytes(held)
