"""model-manage's REST API: HAL, paging, finders, merge patches, bearer token."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from mlc.standalone.access.routes import principal_of
from mlc.standalone.center.accounts import AccountsCenter
from mlc.standalone.center.beside import Wish, beside, read_wish
from mlc.standalone.center.bodies import json_object
from mlc.standalone.center.entities import KINDS, SUMMARIES, Kind, kind_of_path, rel_of
from mlc.standalone.center.files import routes as files
from mlc.standalone.center.files.routes import Visitor
from mlc.standalone.center.policies import routes as kept_policies
from mlc.standalone.center.representation import HEADER, REFERENCE, Contents
from mlc.standalone.center.requests import routes as requests
from mlc.standalone.center.rules import BadRequest
from mlc.standalone.center.runtimes import RuntimesCenter
from mlc.standalone.center.service import ModelCenter
from mlc.standalone.center.truth import routes as truths

JsonObject = dict[str, Any]
ROOT = "/model-manage/api"
_LARGEST_PAGE = 1000
_SORT = re.compile(r"([A-Za-z]\w{0,60}(?:\.[A-Za-z]\w{0,60}){0,5})(?:,(asc|desc))?", re.ASCII | re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?"?(\d{1,12})"?', re.ASCII)


Seen = ModelCenter | RuntimesCenter | AccountsCenter


def seen_by(center: ModelCenter, request: Request) -> Seen:
    """The centre as it is for whoever asks."""
    principal = principal_of(request)
    if principal.is_runtime:
        return RuntimesCenter(center, principal.name)
    return center if principal.account is None else AccountsCenter(center, principal.account)


def contents(center: ModelCenter, limit: int) -> APIRouter:
    """The routes of files, of at most ``limit`` bytes. They come before the others, which take any name."""

    async def visitor(request: Request) -> Visitor:
        return await seen_by(center, request).visitor()

    return files.router(ROOT, center.store.files, limit, visitor)


def truth(center: ModelCenter, max_body: int) -> APIRouter:
    """The routes of truth, which come before the others, too."""
    return truths.router(ROOT, center.store.truth, max_body)


def policies(center: ModelCenter) -> APIRouter:
    """The routes of policies, which come before the others, too."""
    return kept_policies.router(ROOT, center.store.policies)


def online_requests(center: ModelCenter, max_body: int) -> APIRouter:
    """The routes of online requests; they, too, come before the others."""

    async def body(request: Request) -> JsonObject:
        return await json_object(request, max_body, "send fewer requests at a time")

    return requests.router(ROOT, center.store, lambda request: seen_by(center, request), body)


def router(center: ModelCenter, max_body: int) -> APIRouter:
    """The routes under ``/model-manage/api``: whoever may use them has the centre as it is for them."""
    api = APIRouter(prefix=ROOT)

    def seen(request: Request) -> Seen:
        return seen_by(center, request)

    async def body(request: Request) -> JsonObject:
        return await json_object(request, max_body, "make assets smaller, or external")

    @api.get("")
    @api.get("/", include_in_schema=False)
    async def entities(request: Request) -> JsonObject:
        names = [*KINDS, *SUMMARIES]
        told = {}
        if not principal_of(request).is_runtime:
            told = {"mlcDatabase": asdict(await asyncio.to_thread(center.store.state))}
        return told | {
            "_links": {
                name: {"href": f"{_base(request)}/{name}{{?page,size,sort}}", "templated": True} for name in names
            }
            | {"contents": {"href": f"{_base(request)}{files.CONTENTS}", "templated": True}}
        }

    @api.get("/{entity}")
    async def listing(request: Request, entity: str, paging: Annotated[Paging, Depends()]) -> Response:
        return await _listing(request, entity, _kind(entity), {}, paging)

    @api.post("/{entity}")
    async def create(request: Request, entity: str, document: Annotated[JsonObject, Depends(body)]) -> Response:
        kind, wish = _writable(entity), _wish(request)
        created, new = await seen(request).create(kind, document)
        along = await _beside(wish, created)
        answer = _entity(request, kind, created, status=201 if new else 200, beside=along)
        answer.headers["Location"] = f"{_base(request)}/{kind.plural}/{created['id']}"
        return answer

    @api.get("/{entity}/search")
    async def finders(request: Request, entity: str) -> JsonObject:
        base = f"{_base(request)}/{entity}/search"
        found = _kind(entity).finders
        return {
            "_links": {
                name: {
                    "href": f"{base}/{name}{{?{','.join([*parameters, 'page', 'size', 'sort'])}}}",
                    "templated": True,
                }
                for name, parameters in found.items()
            }
        }

    @api.get("/{entity}/search/{finder}")
    async def find(request: Request, entity: str, finder: str, paging: Annotated[Paging, Depends()]) -> Response:
        kind = _kind(entity)
        if finder not in kind.finders:
            known = ", ".join(kind.finders)
            raise HTTPException(404, f"{entity} has no finder {finder[:100]}; it has: {known}.")
        where = {}
        for parameter, column in kind.finders[finder].items():
            if parameter not in request.query_params:
                raise BadRequest(f"{parameter}: the finder {finder} needs this parameter.")
            where[column] = request.query_params[parameter]
        return await _listing(request, entity, kind, where, paging)

    @api.get("/{entity}/{entity_id}")
    async def get(request: Request, entity: str, entity_id: str) -> Response:
        kind, wish = _kind(entity), _wish(request)
        referred = request.headers.get(HEADER, "").strip().lower() == REFERENCE
        document = await seen(request).get(kind, entity_id, Contents.REFERENCE if referred else Contents.EMBEDDED)
        answer = _entity(request, kind, document, beside=await _beside(wish, document))
        answer.headers["Vary"] = HEADER
        if referred:
            answer.headers[HEADER] = REFERENCE
        return answer

    @api.patch("/{entity}/{entity_id}")
    async def patch(
        request: Request, entity: str, entity_id: str, changes: Annotated[JsonObject, Depends(body)]
    ) -> Response:
        kind, wish = _writable(entity), _wish(request)
        changed = await seen(request).patch(kind, entity_id, changes, version=_if_match(request))
        return _entity(request, kind, changed, beside=await _beside(wish, changed))

    @api.delete("/{entity}/{entity_id}", status_code=204)
    async def delete(request: Request, entity: str, entity_id: str) -> None:
        await seen(request).delete(_writable(entity), entity_id)

    def _wish(request: Request) -> Wish | None:
        """To a runtime nothing is told but what it asks for by itself, as far as that is its own."""
        if "mlcWith" not in request.query_params or principal_of(request).is_runtime:
            return None
        return read_wish(request.query_params)

    async def _beside(wish: Wish | None, document: JsonObject) -> dict[str, list[JsonObject]]:
        return {} if wish is None else await asyncio.to_thread(beside, center.store, document, wish)

    async def _listing(request: Request, entity: str, kind: Kind, where: dict[str, str], paging: Paging) -> Response:
        page = await seen(request).page(
            kind, where, sort=paging.sort, descending=paging.descending, number=paging.number, size=paging.size
        )
        listed = {
            "_embedded": {entity: [_linked(request, kind, item) for item in page.items]},
            "_links": {"self": {"href": str(request.url)}},
            "page": {
                "size": paging.size,
                "totalElements": page.total,
                "totalPages": -(-page.total // paging.size),
                "number": paging.number,
            },
        }
        return JSONResponse(listed)

    return api


class Paging:
    """``page`` (from 0), ``size`` and ``sort=field,asc|desc``; oldest first if not asked otherwise."""

    def __init__(
        self,
        page: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        size: Annotated[int, Query(ge=1)] = 20,
        sort: Annotated[str, Query(max_length=400)] = "",
    ) -> None:
        match = _SORT.fullmatch(sort) if sort else None
        if sort and match is None:
            raise BadRequest("sort: give a field and a direction, such as createdDate,desc.")
        self.number, self.size = page, min(size, _LARGEST_PAGE)
        self.sort = match[1] if match else ""
        self.descending = bool(match and (match[2] or "").lower() == "desc")


def _kind(entity: str) -> Kind:
    kind = kind_of_path(entity)
    if kind is None:
        raise HTTPException(404, f"There is no entity {entity[:100]}; GET {ROOT} lists them.")
    return kind


def _writable(entity: str) -> Kind:
    if entity in SUMMARIES:
        raise HTTPException(405, f"{entity} are read only; write to {SUMMARIES[entity]}.")
    return _kind(entity)


def _if_match(request: Request) -> int | None:
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    match = _ETAG.fullmatch(header)
    if match is None:
        raise BadRequest('If-Match: give the ETag of a GET, such as "3".')
    return int(match[1])


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + ROOT


def _linked(request: Request, kind: Kind, document: JsonObject) -> JsonObject:
    rel = rel_of(kind, document)
    place = rel if kind is KINDS["jobs"] and rel != "job" else kind.plural
    href = f"{_base(request)}/{place}/{document['id']}"
    return document | {"_links": {"self": {"href": href}, rel: {"href": href}}}


def _entity(
    request: Request,
    kind: Kind,
    document: JsonObject,
    *,
    status: int = 200,
    beside: Mapping[str, list[JsonObject]] = MappingProxyType({}),
) -> Response:
    etag = f'"{document["versionNumber"]}"'
    linked = _linked(request, kind, document)
    if beside:
        linked["_embedded"] = dict(beside)
    return JSONResponse(linked, status_code=status, headers={"ETag": etag})
