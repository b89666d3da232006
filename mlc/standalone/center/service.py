"""The centre's work behind its API: store what is allowed, and tell those who wait for it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from mlc.standalone.center.entities import KINDS, Kind
from mlc.standalone.center.files.routes import Visitor
from mlc.standalone.center.listings import Page
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.rules import accept, merge
from mlc.standalone.center.store import Change, Conflict, Known, Store

JsonObject = dict[str, Any]
Listener = Callable[[Kind, JsonObject | None, JsonObject], None]
"""Is told, on the event loop, of an entity before (None: it is new) and after a change; without asset contents."""

AUTHOR = "standalone"


class ModelCenter:
    """Create, read and change entities. Raises what :mod:`store` and :mod:`rules` raise."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def create(self, kind: Kind, document: JsonObject) -> tuple[JsonObject, bool]:
        """Store a new entity. The second part is False if it is not new.

        Of a key that is known already the first entity is returned as it is; a runtime of a known name is updated.
        """
        while True:
            try:
                return await self._create(kind, document), True
            except Known as error:
                if kind is not KINDS["engines"]:
                    return error.first, False
                known = error.first["id"]
            with suppress(NoSuchEntity):  # deleted just now: so it is new
                return await self.patch(kind, known, document), False

    async def patch(self, kind: Kind, entity_id: str, changes: JsonObject, *, version: int | None = None) -> JsonObject:
        return await self.change(kind, entity_id, lambda body: merge(kind, body, changes), version=version)

    async def change(self, kind: Kind, entity_id: str, change: Change, *, version: int | None = None) -> JsonObject:
        """Let ``change`` alter an entity's document; what it raises changes nothing."""
        before, after = await asyncio.to_thread(self.store.change, kind, entity_id, change, version=version, by=AUTHOR)
        self._tell(kind, before, after)
        return after

    async def get(self, kind: Kind, entity_id: str, contents: Contents = Contents.EMBEDDED) -> JsonObject:
        return await asyncio.to_thread(self.store.get, kind, entity_id, contents)

    async def visitor(self) -> Visitor:
        """As whom it reads and sends files."""
        return Visitor()

    async def delete(self, kind: Kind, entity_id: str) -> None:
        if kind.append_only:
            raise Conflict(f"{kind.plural} are never deleted.")
        await asyncio.to_thread(self.store.delete, kind, entity_id)

    async def page(self, kind: Kind, where: Mapping[str, str] | None = None, **how: Any) -> Page:
        return await asyncio.to_thread(self.store.page, kind, where, **how)

    async def _create(self, kind: Kind, document: JsonObject) -> JsonObject:
        def store() -> JsonObject:
            return self.store.create(kind, accept(kind, document, self._lookup), by=AUTHOR)

        created = await asyncio.to_thread(store)
        self._tell(kind, None, created)
        return created

    def _lookup(self, kind: Kind, entity_id: str) -> JsonObject | None:
        try:
            return self.store.get(kind, entity_id, Contents.NONE)
        except NoSuchEntity:
            return None

    def _tell(self, kind: Kind, before: JsonObject | None, after: JsonObject) -> None:
        for listener in self._listeners:
            listener(kind, before, after)
