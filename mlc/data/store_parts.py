"""Outputs in parts where they lie in an object store: S3's multipart uploads, and parts as objects of their own."""

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlc.data.errors import ours
from mlc.data.parts import (
    CHUNK,
    Parts,
    PartsLost,
    check,
    check_number,
    check_sizes,
    new_id,
    pieces_of,
    tag_of,
)
from mlc.data.stores import Store
from mlc.model.failure import NotFound

SMALLEST = 5 * 1024**2
"""S3's: bytes of every part but the last."""
MULTIPART = "-"
"""Stands in the ETag of an object that was made of parts, before how many there were."""


class S3Parts:
    """A multipart upload. Until it is complete nobody sees it; one that nobody ends costs money (docs/data.md).

    Args:
        path: ``bucket/key``, checked by the caller.
        address: how the state calls it.
    """

    smallest = SMALLEST

    def __init__(self, store: Store, path: str, address: str) -> None:
        self._store = store
        bucket, _, key = path.partition("/")
        self._place = {"Bucket": bucket, "Key": key}
        self._address = address

    def begin(self) -> Parts:
        """Raises NotFound, Refused, Unavailable: nothing can be written there."""
        answer = self._call("create_multipart_upload", ContentType="application/octet-stream")
        return Parts(store="s3", address=self._address, id=answer["UploadId"])

    def put(self, state: Parts, number: int, data: bytes | Path) -> Parts:
        """Raises NotFound, Refused, Unavailable: it can't be written."""
        check_number(state, number)
        body = data if isinstance(data, bytes) else data.read_bytes()
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        answer = self._upload(
            state, "upload_part", PartNumber=number, Body=body, ContentMD5=base64.b64encode(md5).decode()
        )
        return state.put(number, len(body), answer["ETag"].strip('"'))

    def complete(self, state: Parts) -> None:
        """Raises NotFound, Refused, Unavailable: it isn't known whether it is complete. PartsLost: see the protocol."""
        check_sizes(state, self.smallest)
        try:
            there = self._parts_there(state)
        except NotFound:
            if self.finished(state):
                return
            raise PartsLost("The unfinished upload is gone: begin it again.") from None
        if [there.get(number) for number in range(1, len(state.parts) + 1)] != state.parts:
            raise PartsLost("The parts of the unfinished upload are not those that were put: begin it again.")
        chosen = [{"PartNumber": number, "ETag": f'"{tag}"'} for number, (_, tag) in enumerate(state.parts, start=1)]
        self._upload(state, "complete_multipart_upload", MultipartUpload={"Parts": chosen})

    def abort(self, state: Parts) -> None:
        """Raises Refused, Unavailable: it can't be ended."""
        try:
            self._upload(state, "abort_multipart_upload")
        except NotFound:
            return

    def resume(self, state: Parts) -> Parts | None:
        """Raises Refused, Unavailable: it can't be told."""
        try:
            there = self._parts_there(state)
        except NotFound:
            return None
        whole = []
        for number, part in enumerate(state.parts, start=1):
            if there.get(number) != part:
                break
            whole.append(part)
        return state.model_copy(update={"parts": whole})

    def finished(self, state: Parts) -> bool:
        """By the ETag, which is the MD5 of the parts' MD5s. Raises Refused, Unavailable: it can't be told."""
        check(state, "s3", self._address)
        try:
            found = self._call("head_object")["ETag"].strip('"')
            sums = b"".join(bytes.fromhex(tag) for _, tag in state.parts)
        except NotFound:
            return False
        except ValueError:  # an encrypted bucket's tags are no sums: nothing can be told of them
            return False
        expected = hashlib.md5(sums, usedforsecurity=False).hexdigest()
        return bool(found == f"{expected}{MULTIPART}{len(state.parts)}")

    def _parts_there(self, state: Parts) -> dict[int, tuple[int, str]]:
        found: dict[int, tuple[int, str]] = {}
        after = 0
        while True:
            answer = self._upload(state, "list_parts", PartNumberMarker=after)
            for part in answer.get("Parts", []):
                found[part["PartNumber"]] = (part["Size"], part["ETag"].strip('"'))
            if not answer.get("IsTruncated"):
                return found
            after = answer["NextPartNumberMarker"]

    def _upload(self, state: Parts, method: str, **arguments: Any) -> Any:
        check(state, "s3", self._address)
        return self._call(method, UploadId=state.id, **arguments)

    def _call(self, method: str, **arguments: Any) -> Any:
        with ours(self._store.system, "{Bucket}/{Key}".format_map(self._place)):
            return self._store.files.call_s3(method, **self._place, **arguments)


class ObjectParts:
    """Parts as objects of their own beside the output's place, put together at the end (Google's and Azure's stores).

    To put them together they are read once more, checked, and sent as one upload, which such a store takes whole or not
    at all. That needs room for the output in this machine's folder for temporary files.

    Args:
        path: ``bucket/key``, checked by the caller.
        address: how the state calls it.
    """

    smallest = 0

    def __init__(self, store: Store, path: str, address: str) -> None:
        self._store = store
        self._path = path
        self._address = address

    def begin(self) -> Parts:
        """Nothing is asked yet."""
        return Parts(store="objects", address=self._address, id=new_id())

    def put(self, state: Parts, number: int, data: bytes | Path) -> Parts:
        """Raises NotFound, Refused, Unavailable: it can't be written."""
        check_number(state, number)
        size, tag = tag_of(pieces_of(data))
        with ours(self._store.system, self._path):
            if isinstance(data, bytes):
                self._store.files.pipe_file(self._part(state, number), data)
            else:
                self._store.files.put_file(str(data), self._part(state, number))
        return state.put(number, size, tag)

    def complete(self, state: Parts) -> None:
        """Raises NotFound, Refused, Unavailable: it isn't known whether it is complete. PartsLost: see the protocol."""
        check_sizes(state, self.smallest)
        with tempfile.NamedTemporaryFile(prefix="mlc-parts-") as whole:
            try:
                for number, part in enumerate(state.parts, start=1):
                    content = _noted(self._content(state, number), whole)
                    if tag_of(content) != part:
                        raise PartsLost("A part of the unfinished output is not what was put: begin it again.")
            except NotFound:
                if self.finished(state):
                    return
                raise PartsLost("A part of the unfinished output is gone: begin it again.") from None
            whole.flush()
            with ours(self._store.system, self._path):
                self._store.files.put_file(whole.name, self._path)
        self.abort(state)

    def abort(self, state: Parts) -> None:
        """Raises Refused, Unavailable: they can't be removed."""
        try:
            names = [found["name"] for found in self._store.names(self._folder(state))]
        except NotFound:
            return
        with ours(self._store.system, self._path):
            for name in names:
                self._store.files.rm_file(name)

    def resume(self, state: Parts) -> Parts | None:
        """By their sizes; their content is compared when they are put together. Raises Refused, Unavailable."""
        try:
            found = self._store.names(self._folder(state))
        except NotFound:
            return None
        if not found:
            return None
        sizes = {each["name"].rpartition("/")[2]: each["size"] for each in found}
        whole = []
        for number, (size, tag) in enumerate(state.parts, start=1):
            if sizes.get(f"{number:05d}") != size:
                break
            whole.append((size, tag))
        return state.model_copy(update={"parts": whole})

    def finished(self, state: Parts) -> bool:
        """Reads it. Raises Refused, Unavailable: it can't be told."""
        check(state, "objects", self._address)
        try:
            if self._store.info(self._path)["size"] != state.size:
                return False
        except NotFound:
            return False
        start = 0
        for size, tag in state.parts:
            if tag_of(self._ranges(self._path, start, start + size)) != (size, tag):
                return False
            start += size
        return True

    def _content(self, state: Parts, number: int) -> Iterator[bytes]:
        part = self._part(state, number)
        return self._ranges(part, 0, self._store.info(part)["size"])

    def _ranges(self, path: str, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, 8 * CHUNK):
            yield self._store.read(path, at, min(at + 8 * CHUNK, end))

    def _folder(self, state: Parts) -> str:
        check(state, "objects", self._address)
        return f"{self._path}.{state.id}.parts"

    def _part(self, state: Parts, number: int) -> str:
        return f"{self._folder(state)}/{number:05d}"


def _noted(pieces: Iterator[bytes], target: Any) -> Iterator[bytes]:
    for piece in pieces:
        target.write(piece)
        yield piece
