"""How much of what assets contain stands in an answer: nothing, what is small, or everything, as ModelOp has it."""

from enum import StrEnum
from typing import Any

from mlc.standalone.center.contents import attach
from mlc.standalone.center.files.errors import NotEmbedded
from mlc.standalone.center.files.store import FileStore

JsonObject = dict[str, Any]
HEADER, REFERENCE = "MLC-Contents", "reference"
"""The header, and its value, by which contents of files are left out; the answer has it, too."""
_SMALL = 64 * 1024
"""Bytes of a source that stands in the document all the same."""


class Contents(StrEnum):
    """What of the contents of an entity's assets is wanted."""

    NONE = "none"
    REFERENCE = "reference"
    """Sources of at most 64 KiB; the rest by its SHA-256."""
    EMBEDDED = "embedded"


def represent(document: JsonObject, contents: Contents, files: FileStore, limit: int) -> None:
    """Put what is wanted into a document as it is stored, in place.

    Args:
        document: without contents.
        contents: what is wanted.
        files: where contents are.
        limit: bytes of contents that are embedded at most.

    Raises:
        NotEmbedded: it is more, or a source that isn't text.
    """
    if contents is Contents.NONE:
        return
    left = limit

    def content(asset: JsonObject, digest: str) -> bytes | None:
        nonlocal left
        is_source = asset.get("assetType") == "SOURCE_CODE"
        if contents is Contents.REFERENCE and not is_source:
            return None
        size = files.size(digest) if digest else None
        if size is None or (contents is Contents.REFERENCE and size > _SMALL):
            return None
        left -= size
        if left < 0:
            raise NotEmbedded(
                f"The files of this entity contain more than {limit} bytes, which is too much for one document: ask "
                f"for it with the header {HEADER}: {REFERENCE} (MLC_CENTER_CONTENTS={REFERENCE}), and for its files by "
                "their SHA-256."
            )
        data = files.content(digest, size)
        if is_source and data is not None and not _is_text(data):
            if contents is Contents.REFERENCE:
                return None
            name = str(asset.get("filename") or asset.get("name") or digest)[:200]
            raise NotEmbedded(
                f"The source {name} is not UTF-8, and can't stand in a document; fetch it by its SHA-256."
            )
        return data

    attach(document, content)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
