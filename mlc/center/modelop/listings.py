"""Entities of model-manage as they are read: one by its id, or those that a listing or a finder gives."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

from pydantic import ValidationError

from mlc.center.modelop import ids
from mlc.center.modelop.answers import garbled, misfit
from mlc.center.modelop.hal import Hal, JsonObject
from mlc.center.modelop.keeping import Keep
from mlc.center.modelop.scan import Sink
from mlc.center.modelop.wire import Entity
from mlc.model.failure import NotFound

E = TypeVar("E", bound=Entity)
NEWEST_FIRST = {"sort": "createdDate,desc"}


class Listings:
    """Reads entities; ``limit`` is how many of the newest are looked through where the centre has no such finder."""

    def __init__(self, hal: Hal, *, limit: int) -> None:
        self._hal = hal
        self._limit = limit
        self._no_such_finder: set[str] = set()

    async def get(self, kind: type[E], plural: str, entity_id: str, into: Sink | None = None) -> E:
        path = ids.path(plural, entity_id)
        return one(kind, await self._hal.get(path, into=into), f"GET {path}", write=False)

    async def find(
        self, kind: type[E], plural: str, finder: str, values: list[str], keep: Keep[E], *, limit: int | None = None
    ) -> list[E]:
        """What a finder finds and ``keep`` keeps; where the centre has no such finder, of the newest entities.

        A finder is never believed: it may be made for something else, ignore what it is asked, or leave things out.
        With a ``limit`` so many are enough.
        """
        path, asked = _search(plural, finder, values)
        if asked and path not in self._no_such_finder:
            try:
                found = self._few_then_all(kind, path, asked, limit)
                return await self._kept(kind, plural, found, keep, enough=limit)
            except NotFound:
                pass
        most = self._limit
        newest = self._pages(kind, plural, NEWEST_FIRST, set(), limit=most)
        kept = await self._kept(kind, plural, newest, keep, most=most)
        self._no_such_finder.add(path)  # only now: a centre that is just starting may not know the listing either
        return kept

    async def _few_then_all(
        self, kind: type[E], path: str, asked: Mapping[str, str], limit: int | None
    ) -> AsyncIterator[list[E]]:
        """As many as are wanted at first, which is all that a good finder is asked for; then whole pages."""
        seen = set[str]()
        if limit:
            async for page in self._pages(kind, path, asked, seen, limit=limit):
                yield page
                break
            else:
                return
        async for page in self._pages(kind, path, asked, seen):
            yield page

    async def _kept(
        self,
        kind: type[E],
        plural: str,
        pages: AsyncIterator[list[E]],
        keep: Keep[E],
        *,
        enough: int | None = None,
        most: int | None = None,
    ) -> list[E]:
        """What ``keep`` keeps of pages, newest first, until there is ``enough`` or the ``most`` have been looked at."""
        kept: list[E] = []
        looked = 0
        async for page in pages:
            for entity in page:
                if (believed := await self._believed(kind, plural, entity, keep)) is not None:
                    kept.append(believed)
            looked += len(page)
            if (enough and len(kept) >= enough) or (most and looked >= most):
                break
        return sorted(kept, key=_created, reverse=True)

    async def _believed(self, kind: type[E], plural: str, entity: E, keep: Keep[E]) -> E | None:
        """The entity, if it is to be kept; as it is when it is read by its id, if too little is told of it."""
        known = _id(entity)
        answer = keep(entity) if known else False
        if answer is None:
            try:
                entity = await self.get(kind, plural, known)
            except NotFound:
                return None
            answer = keep(entity) and _id(entity) == known
        return entity if answer else None

    async def iterate(self, kind: type[E], plural: str, finder: str, values: list[str]) -> AsyncIterator[E]:
        """What a finder finds, as it comes; where the centre has no such finder, everything in the collection."""
        path, asked = _search(plural, finder, values)
        seen = set[str]()
        if asked and path not in self._no_such_finder:
            try:
                async for page in self._pages(kind, path, asked, seen):
                    for entity in page:
                        if _id(entity):
                            yield entity
                return
            except NotFound:
                pass
        async for page in self._pages(kind, plural, NEWEST_FIRST, seen):
            self._no_such_finder.add(path)
            for entity in page:
                if _id(entity):
                    yield entity

    async def listed(self, kind: type[E], path: str, params: Mapping[str, str], *, limit: int | None = None) -> list[E]:
        found: list[E] = []
        async for page in self._pages(kind, path, params, set(), limit=limit):
            found += page
            if limit and len(found) >= limit:
                break
        return sorted(found, key=_created, reverse=True)

    async def _pages(
        self, kind: type[E], path: str, params: Mapping[str, str], seen: set[str], *, limit: int | None = None
    ) -> AsyncIterator[list[E]]:
        """Pages of a listing, each newest first, of what is not ``seen`` yet, by id; what has none is never the same.

        What is created meanwhile moves entities on to the next page.
        """
        async for items in self._hal.pages(path, params, limit=limit):
            page: list[E] = []
            for item in items:
                key = str(item.get("id") or "")
                if key not in seen:
                    page.append(read(kind, item, f"GET {path}", write=False))
                seen |= {key} - {""}
            yield sorted(page, key=_created, reverse=True)


def _search(plural: str, finder: str, values: list[str]) -> tuple[str, dict[str, str]]:
    """A finder's path and what to ask it; nothing to ask if none is set."""
    name, _, parameters = finder.partition("?")
    asked = dict(zip(parameters.split(","), values, strict=True)) | NEWEST_FIRST if name else {}
    return f"{plural}/search/{name}", asked


def one(kind: type[E], data: JsonObject, asked: str, *, write: bool) -> E:
    """The entity that was asked for, or was made or changed.

    Raises:
        Garbled: the answer is something else. Whatever lacks an id is no entity, though its fields have defaults.
    """
    if not any(isinstance(data.get(field), str) and data[field] for field in ("id", "assetId")):
        raise garbled(asked, "not with an entity, which has an id", write=write, status=HTTPStatus.OK)
    return read(kind, data, asked, write=write)


def read(kind: type[E], data: JsonObject, asked: str, *, write: bool) -> E:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise misfit(asked, f"{place} there is not understood: {first['msg']}", write=write) from error


def _id(entity: Entity) -> str:
    """Empty if it has none."""
    return str(getattr(entity, "id", None) or "")


def _created(entity: Entity) -> datetime:
    created = getattr(entity, "created_date", None)
    if not isinstance(created, datetime):
        return datetime.min.replace(tzinfo=UTC)
    return created if created.tzinfo else created.replace(tzinfo=UTC)
