"""The contents of assets, kept apart from the documents that carry them.

A snapshot is a full copy of its model, and a job and a deployment are copies of the snapshot. Their assets' bytes are
files, each once under its SHA-256; documents keep hash and size, and get the bytes back when one entity is read whole.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from mlc.model.failure import MlcError
from mlc.standalone.center.files.errors import UnknownFile

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


def attach(document: JsonObject, content: Callable[[JsonObject, str], bytes | None]) -> None:
    """Put contents back into a document's assets, in place.

    ``content`` gives what an asset contains, by its hexadecimal SHA-256; None leaves it out.
    """
    for asset, digest, _ in _without_content(document):
        if (data := content(asset, digest)) is not None:
            field = _field(asset)
            assert field is not None
            asset[field] = data.decode() if field == "sourceCode" else base64.b64encode(data).decode()


def hashes_without_content(document: JsonObject) -> Iterator[str]:
    """The hashes by which :func:`attach` would put contents into a document, each of an asset that comes without."""
    for _, digest, _ in _without_content(document):
        yield digest


def named_files(document: JsonObject) -> Iterator[tuple[JsonObject, str]]:
    """The assets that come without content and tell a hash, with it."""
    for asset, digest, _ in _without_content(document):
        yield asset, digest


def refer(document: JsonObject, known: Collection[str], sizes: Mapping[str, int]) -> None:
    """See that what a document's assets refer to is there, and note its size, in place.

    Args:
        document: without contents.
        known: hashes that stood in it before, which are left as they are.
        sizes: of stored files by their hashes.

    Raises:
        UnknownFile: an asset refers to a file that isn't stored.
    """
    for asset, digest, place in _without_content(document):
        if digest in known:
            continue
        if digest in sizes:
            asset["fileSize"] = sizes[digest]
            asset["assetId"] = asset.get("assetId") or str(uuid.uuid4())
        elif not asset.get("fileUrl"):  # what lies elsewhere may tell its hash, too
            raise UnknownFile(
                f"{place}contentHash ({_name(asset)}): no file with the SHA-256 {digest[:64] or '(none)'} is stored; "
                "send it to contents first, or embed it."
            )


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
        raise BadContent(f"{place}fileContent ({_name(asset)}) is not base64; encode the file's bytes.") from error


def _name(asset: JsonObject) -> str:
    return str(asset.get("filename") or asset.get("name") or "an asset")[:200]


def _without_content(document: JsonObject) -> Iterator[tuple[JsonObject, str, str]]:
    """Assets that tell a hash and come without content, each with the hash and its place in the document."""
    for asset, place in _objects(document, ""):
        field, told = _field(asset), asset.get("contentHash")
        if field is not None and isinstance(told, dict) and told and not isinstance(asset.get(field), str):
            kind = str(told.get("hashType") or "SHA-256").upper().replace("-", "")
            yield asset, str(told.get("hexString") or "").lower() if kind == "SHA256" else "", place


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
