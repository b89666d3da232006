"""Files that came with a signal: kept in the model centre, so that only their ids go into a workflow's history."""

import base64
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from uuid import NAMESPACE_URL, uuid5

from mlc.center import Center, wire
from mlc.model.failure import NotFound, Refused
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
    asset_id = str(uuid5(NAMESPACE_URL, f"{place}|{digest}"))
    asset = wire.Asset(
        id=asset_id,
        name=file.filename,
        filename=file.filename,
        asset_type="FILE",
        file_format=file.file_format or "UNKNOWN",
        file_content=base64.b64encode(file.content).decode(),
    )
    try:
        stored = await center.create_asset(asset)
    except NotFound as error:
        text = "The model centre keeps no files by themselves: set MLC_CENTER_ASSETS, or give the files' addresses."
        raise Refused(error.system, text, status=error.status) from error
    except Refused as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        return asset_id
    # A centre that gives ids of its own keeps a second one when asked again; no run takes it up.
    return stored.id or stored.asset_id or asset_id
