"""Online requests over HTTP: runtimes send them, monitors' jobs get a file of them, and the operator forgets some."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from mlc.model.online_requests import LONGEST_RECORD, OnlineBatch
from mlc.model.truth import NoTruth, identifier_of
from mlc.standalone.center.entities import KINDS, Kind
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.requests.store import MOST_EXPORTED, Of
from mlc.standalone.center.rules import BadRequest
from mlc.standalone.center.store import Store

JsonObject = dict[str, Any]
REQUESTS, EXPORTS = "/online-requests", "/online-requests/exports"
_DEPLOYMENTS, _SNAPSHOTS, _MODELS = KINDS["deployedModels"], KINDS["deployableModels"], KINDS["storedModels"]


class Reads(Protocol):
    """The centre as it is for whoever asks."""

    async def get(self, kind: Kind, entity_id: str, contents: Contents = ...) -> JsonObject: ...


class _Window(BaseModel):
    """Which requests are wanted in a file: of a snapshot, the newest, and none from before ``since``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    snapshot: str
    since: AwareDatetime | None = None
    most: int = Field(MOST_EXPORTED, ge=1)


def router(
    prefix: str, store: Store, seen: Callable[[Request], Reads], body: Callable[[Request], Awaitable[JsonObject]]
) -> APIRouter:
    """The routes; who may use them is for :mod:`mlc.standalone.access.routes` to say.

    Args:
        prefix: of their addresses.
        seen: gives whoever asks the centre as it is for them: a runtime sends requests of its own deployments only.
        body: reads a request's JSON object.
    """
    api = APIRouter(prefix=prefix)

    @api.post(REQUESTS)
    async def keep(request: Request, document: Annotated[JsonObject, Depends(body)]) -> JsonObject:
        """Keep a batch of answered records. The same batch again changes nothing."""
        batch = _batch(document)
        deployment = await seen(request).get(_DEPLOYMENTS, batch.deployment_id, Contents.NONE)
        new = await asyncio.to_thread(store.requests.keep, batch, _of(deployment), batch.deployment_id)
        return {"new": new}

    @api.post(EXPORTS)
    async def export(request: Request, document: Annotated[JsonObject, Depends(body)]) -> JsonObject:
        """Write a snapshot's newest requests into a file, and say which; no ``file`` if there are none."""
        try:
            window = _Window.model_validate(document)
        except ValidationError as error:
            raise _bad(error) from None
        snapshot = await seen(request).get(_SNAPSHOTS, window.snapshot, Contents.NONE)
        of = _of({"deployableModel": snapshot})
        made = await asyncio.to_thread(store.requests.export, of, since=window.since, most=window.most)
        file = {"file": {"sha256": made.file.digest, "size": made.file.size}} if made.file else {}
        return made.span.model_dump(mode="json") | file

    @api.delete(REQUESTS)
    async def forget(request: Request, model: str, identifier: str) -> JsonObject:
        """Delete what is kept of the record with an identifier, of all snapshots of a model."""
        await seen(request).get(_MODELS, model, Contents.NONE)
        try:
            known = identifier_of(identifier)
        except NoTruth as error:
            raise BadRequest(f"identifier: it {error}.") from None
        return (await asyncio.to_thread(store.requests.forget, model, known)).model_dump()

    return api


def _batch(document: JsonObject) -> OnlineBatch:
    """A batch that can be kept.

    Raises:
        BadRequest: it can't, and nothing of it is.
    """
    try:
        batch = OnlineBatch.model_validate(document)
    except ValidationError as error:
        raise _bad(error) from None
    for number, each in enumerate(batch.requests, 1):
        if each.moment.tzinfo is None:
            raise BadRequest(f"requests: the moment of number {number} has no zone.")
        if each.record_id is not None and not _is_identifier(each.record_id):
            raise BadRequest(f"requests: the record_id of number {number} is no identifier in its one form.")
        if len(to_json(each.record)) > LONGEST_RECORD:
            raise BadRequest(f"requests: the record of number {number} has more than {LONGEST_RECORD} bytes.")
    if batch.since is not None and batch.since.tzinfo is None:
        raise BadRequest("since: it has no zone.")
    return batch


def _is_identifier(text: str) -> bool:
    try:
        return identifier_of(text) == text
    except NoTruth:
        return False


def _bad(error: ValidationError) -> BadRequest:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"][:4])
    return BadRequest(f"{place}: {first['msg']}.")


def _of(deployment: JsonObject) -> Of:
    snapshot = deployment.get("deployableModel")
    snapshot = snapshot if isinstance(snapshot, dict) else {}
    model = snapshot.get("storedModel")
    found = (model if isinstance(model, dict) else {}).get("id"), snapshot.get("id")
    if not all(isinstance(each, str) and each for each in found):
        raise HTTPException(409, "It names no snapshot of a model, so that nobody would find its requests.")
    return Of(str(found[0]), str(found[1]))
