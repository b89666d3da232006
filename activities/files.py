"""Files that came with a signal: kept in the model centre, so that only their ids go into a workflow's history."""

import hashlib
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from mlc.center import Center
from mlc.model.asset import Asset
from mlc.model.signal import EmbeddedFile


async def store_files(center: Center, scope: str, files: Sequence[EmbeddedFile]) -> list[str]:
    """Store files in the centre, one after the other, and return their ids in the same order.

    An id follows from ``scope`` (the id of the workflow that is to be started), the file's place and its content. So
    whoever asks again with the same gets the same ids, and the centre, which has them already, keeps no second ones;
    another content never takes an earlier one's place.

    Raises:
        ExternalError: the centre did not take one; those before it stay there.
    """
    return [await _store(center, f"{scope}|{index}", file) for index, file in enumerate(files)]


async def _store(center: Center, place: str, file: EmbeddedFile) -> str:
    digest = hashlib.sha256(file.content).hexdigest()
    file_id = str(uuid5(NAMESPACE_URL, f"{place}|{digest}"))
    if file.foreign:
        return await center.keep_asset(file_id, file.content)
    asset = Asset(name=file.filename or file_id, format=file.file_format or "", size=len(file.content), sha256=digest)
    return await center.keep_file(file_id, asset, file.content)
