"""The API for files that nothing refers to: which there are, and remove them. It is no part of model-manage.

A file takes as long as its store does, so each is told of in a line of its own as it is found or gone.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from mlc.standalone.center.files.errors import CannotKeep
from mlc.standalone.center.files.leavings import LEAST_DAYS, UNUSED, USUAL_DAYS
from mlc.standalone.center.files.store import FileStore, Unused
from mlc.standalone.database.problems import why

_log = logging.getLogger(__name__)
Days = Annotated[int, Query(ge=LEAST_DAYS, le=36_500)]


def router(files: FileStore) -> APIRouter:
    """The routes; who may use them is for :mod:`mlc.standalone.access.routes` to say."""
    api = APIRouter(prefix=UNUSED)

    @api.get("")
    async def listed(days: Days = USUAL_DAYS) -> StreamingResponse:
        return StreamingResponse(_lines(files.unused(timedelta(days=days))), media_type="application/x-ndjson")

    @api.delete("")
    async def removed(days: Days = USUAL_DAYS) -> StreamingResponse:
        return StreamingResponse(_lines(files.remove_unused(timedelta(days=days))), media_type="application/x-ndjson")

    return api


async def _lines(found: Iterator[Unused]) -> AsyncIterator[str]:
    """One line a file; the last one says that these are all, or why there are no more."""
    try:
        while (file := await asyncio.to_thread(next, found, None)) is not None:
            yield _line({"sha256": file.digest, "size": file.size})
        yield _line({"complete": True})
    except CannotKeep as error:
        yield _line({"message": str(error)})
    except SQLAlchemyError as error:
        yield _line({"message": f"The database: {why(error)}."})
    except OSError as error:
        _log.warning("Files that nothing refers to could not be looked at or removed.", exc_info=True)
        yield _line({"message": f"The place where files are kept can't be used ({error.strerror})."})


def _line(told: dict[str, str | int | bool]) -> str:
    return json.dumps(told) + "\n"
