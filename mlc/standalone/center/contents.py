"""The contents of assets, kept apart from the documents that carry them.

A snapshot is a full copy of its model, and a job and a deployment are copies of the snapshot. Their assets' bytes are
stored once under their SHA-256; documents keep hash and size, and get the bytes back when one entity is read whole.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from mlc.model.failure import MlcError

JsonObject = dict[str, Any]
_OPAQUE = frozenset(
    {"custom", "testResults", "jobParameters", "schemaDefinition", "record"}
)  # what holds other people's keys


class BadContent(MlcError, ValueError):
    """An asset's ``fileContent`` is not base64. The text says which."""


def detach(document: JsonObject) -> dict[str, bytes]:
    """Take the contents out of a document's assets, in place, and note their ``contentHash``, ``fileSize`` and
    an ``assetId``.

    Returns:
        The contents by hexadecimal SHA-256.

    Raises:
        BadContent: an asset's base64 is broken.
    """
    contents: dict[str, bytes] = {}
    for asset, place in _objects(document, ""):
        data = _take(asset, place)
        if data is not None:
            digest = hashlib.sha256(data).hexdigest()
            contents[digest] = data
            asset["contentHash"] = {"hashType": "SHA-256", "hexString": digest}
            asset["fileSize"] = len(data)
            asset["assetId"] = asset.get("assetId") or str(uuid.uuid4())
    return contents


def attach(document: JsonObject, content: Callable[[str], bytes | None]) -> None:
    """Put contents back into a document's assets, in place. ``content`` finds them by hexadecimal SHA-256."""
    for asset, _ in _objects(document, ""):
        field = _field(asset)
        digest = asset.get("contentHash")
        if field is None or asset.get(field) is not None or not isinstance(digest, dict):
            continue
        data = content(str(digest.get("hexString")))
        if data is not None:
            asset[field] = data.decode() if field == "sourceCode" else base64.b64encode(data).decode()


def hashes_without_content(document: JsonObject) -> Iterator[str]:
    """The hashes by which :func:`attach` would put contents into a document, each of an asset that comes without."""
    for asset, _ in _objects(document, ""):
        field, digest = _field(asset), asset.get("contentHash")
        if field is not None and isinstance(digest, dict) and not isinstance(asset.get(field), str):
            yield str(digest.get("hexString"))


def names_hash(document: JsonObject) -> bool:
    """Whether there is a ``contentHash`` anywhere."""
    return any("contentHash" in part for part, _ in _objects(document, ""))


def _field(asset: JsonObject) -> str | None:
    """Where an asset of this type carries its content; None if it is kept elsewhere."""
    return {"SOURCE_CODE": "sourceCode", "FILE": "fileContent"}.get(str(asset.get("assetType", "FILE")))


def _take(asset: JsonObject, place: str) -> bytes | None:
    field = _field(asset)
    if field is None or not isinstance(asset.get(field), str):
        return None
    content = str(asset.pop(field))
    if field == "sourceCode":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        name = asset.get("filename") or asset.get("name") or "an asset"
        raise BadContent(f"{place}fileContent ({name}) is not base64; encode the file's bytes.") from error


def _objects(value: Any, place: str) -> Iterator[tuple[JsonObject, str]]:
    if isinstance(value, dict):
        yield value, place
        for key, inner in value.items():
            if key not in _OPAQUE and isinstance(inner, dict | list):
                yield from _objects(inner, f"{place}{key}.")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict | list):
                yield from _objects(inner, f"{place.removesuffix('.')}[{index}].")
