"""The API for truth that arrives later. It is no part of model-manage, and stands beside it at the same address."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from mlc.model.truth import MOST_AT_ONCE, NoTruth, Truth, identifier_of, label_of, time_of
from mlc.standalone.center.bodies import json_object
from mlc.standalone.center.rules import BadRequest
from mlc.standalone.center.truth.store import TruthStore

TRUTH = "/truth/{model_id}"
FILE = f"{TRUTH}/file"
_PIECES = f"send at most {MOST_AT_ONCE:,} rows at once, in as many requests as you like"
_NOTHING = "Nothing of the request was kept."
_NAMES = ("id", "label", "time")


def router(prefix: str, truth: TruthStore, limit: int) -> APIRouter:
    """The routes; who may use them is for :mod:`mlc.standalone.access.routes` to say.

    Args:
        prefix: of their addresses.
        limit: bytes of a request.
    """
    api = APIRouter(prefix=prefix)

    @api.post(TRUTH)
    async def keep(request: Request, model_id: str) -> dict[str, int]:
        """``{"truth": [{"id": 7, "label": "yes", "time": "2026-03-01T12:00:00Z"}, ...]}``: all of it, or nothing."""
        document = await json_object(request, limit, _PIECES)
        rows = await asyncio.to_thread(rows_of, document, datetime.now(UTC))
        return (await asyncio.to_thread(truth.keep, model_id, rows))._asdict()

    @api.delete(TRUTH)
    async def forget(model_id: str, identifier: Annotated[str, Query(alias="id")]) -> dict[str, int]:
        """Forget the truth of a record: 0 if none is kept."""
        try:
            found = identifier_of(identifier)
        except NoTruth as problem:
            raise BadRequest(f"id {problem}.") from None
        return {"forgotten": await asyncio.to_thread(truth.forget, model_id, found)}

    @api.post(FILE)
    async def file(model_id: str) -> dict[str, str | int]:
        """All truth of a model as a file of the centre's, at this moment; an empty object if there is none."""
        made = await asyncio.to_thread(truth.file, model_id)
        return {} if made is None else {"sha256": made.digest, "size": made.size}

    return api


def rows_of(document: dict[str, Any], now: datetime) -> list[Truth]:
    """The rows of a request.

    Raises:
        BadRequest: one of them can't be kept; the text says which, and why.
    """
    listed = document.get("truth")
    if not isinstance(listed, list) or len(document) > 1:
        raise BadRequest(f'Send an object with "truth", a list of objects with id, label and time. {_NOTHING}')
    if len(listed) > MOST_AT_ONCE:
        raise BadRequest(f"There are {len(listed):,} rows: {_PIECES}. {_NOTHING}")
    return [_row(row, number, now) for number, row in enumerate(listed, start=1)]


def _row(row: Any, number: int, now: datetime) -> Truth:
    what = ""
    try:
        if not isinstance(row, dict):
            raise NoTruth("is no object with id, label and time")
        if unknown := next((name for name in row if name not in _NAMES), None):
            raise NoTruth(f"has the unknown field {unknown[:60]!r} beside id, label and time")
        what = ": id"
        identifier = identifier_of(row.get("id"))
        what = ": label"
        label = label_of(row.get("label"))
        what = ": time"
        return Truth(identifier, label, time_of(row.get("time"), now=now))
    except NoTruth as problem:
        raise BadRequest(f"Row {number}{what} {problem}. {_NOTHING}") from None
