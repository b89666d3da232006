"""What both halves of the adapter stand on: the client, what is open, and where a record of ours came from."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from mlc.center.capability import Capability
from mlc.center.catalogue import NewFile
from mlc.center.modelop import wire
from mlc.center.modelop.assets import changed_asset, new_asset, read_asset, with_reference
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.contents import OpenContents
from mlc.center.modelop.sent_file import SentFile
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.spool import Files, Spools
from mlc.center.modelop.token import TokenProvider
from mlc.center.modelop.transport import new_client
from mlc.center.modelop.uploads import Stored, Uploads
from mlc.center.progress import Tell, untold
from mlc.model.asset import Asset, AssetKind
from mlc.model.base import Record

E = TypeVar("E", bound=wire.Entity)


class ModelOpAccess:
    """One instance serves one event loop; ``aclose`` it.

    Args:
        settings: address, token, finders and literals.
        http: an httpx client to use instead of one of its own; it stays its owner's to close.
        tell: is told how far a file is that goes to the centre by itself.

    Attributes:
        model_manage: a client in ModelOp's terms, for whoever plays ModelOp. Unlike this one it keeps contents of files
            in memory.
    """

    def __init__(self, settings: CenterSettings, *, http: httpx.AsyncClient | None = None, tell: Tell = untold) -> None:
        self.settings = settings
        self._own_http = new_client(settings) if http is None else None
        client = http or self._own_http
        assert client is not None
        self._spools = Spools(settings.spool)
        tokens = TokenProvider(settings, client)
        self._manage = ModelManage(settings, http=client, spools=self._spools, tokens=tokens)
        self.model_manage = ModelManage(settings, http=client, tokens=tokens)
        self.text_limit = settings.text_limit
        self._contents = OpenContents(self._spools, self._manage.downloads)
        self._uploads = Uploads(settings, client, tell, tokens=tokens)
        self._origins: dict[int, wire.Entity] = {}

    async def aclose(self) -> None:
        if self._own_http:
            await self._own_http.aclose()

    @property
    def capabilities(self) -> Collection[Capability]:
        missing = {Capability.NAMES_THE_ACTOR, Capability.SIGNED_EVENTS}
        if self.settings.contents == "embedded":
            missing.add(Capability.RANGED_READS)
        if not self.settings.assets:
            missing.add(Capability.KEEPS_FILES)
        if not self.settings.assets or not self.settings.reads_any_asset:
            missing.add(Capability.READS_ANY_ASSET)
        if not self.settings.standalone:
            missing |= {Capability.CREATES_ONCE, Capability.EMBEDS_BY_ID, Capability.JOINS_SCORES}
            missing |= {Capability.KEEPS_TRUTH, Capability.KEEPS_REQUESTS, Capability.KEEPS_POLICY}
        return frozenset(Capability) - missing

    async def read(self, asset: Asset, *, limit: int) -> bytes:
        return await self._contents.read(asset, limit=limit)

    def stream(self, asset: Asset, *, start: int = 0) -> AsyncGenerator[bytes]:
        return self._contents.stream(asset, start=start)

    def keeps_by_hash(self, asset: Asset) -> bool:
        return self._contents.refers(asset)

    def _remember(self, record: Record, origin: wire.Entity) -> None:
        """Keep what a record was made of for as long as the record lives."""
        self._origins[id(record)] = origin
        weakref.finalize(record, self._origins.pop, id(record), None).atexit = False

    def _origin(self, kind: type[E], record: Record) -> E | None:
        origin = self._origins.get(id(record))
        return origin if isinstance(origin, kind) else None

    def _held(self, asset: Asset, near: Iterable[wire.Asset] = ()) -> wire.Asset:
        """The centre's own asset, as it is to be sent back.

        ``near`` are those that one without content (an address) may be one of; otherwise it is a new one.
        """
        if asset.ref:
            held = self._contents.entity(wire.Asset, asset.ref, f"The file {asset.name!r}")
            return changed_asset(held, asset, self.settings)
        for candidate in near:
            if _is_meant(read_asset(candidate, self.settings), asset):
                return changed_asset(candidate, asset, self.settings)
        return new_asset(asset, self.settings)

    async def _with_content(self, asset: wire.Asset, file: NewFile, files: Files) -> wire.Asset:
        """An asset with a file's content, which is sent from where it lies, if it does not stay outside the centre."""
        if file.path is None:
            return asset
        is_source = file.asset.kind is AssetKind.SOURCE
        if self.settings.contents == "reference" and (stored := await self._sent_alone(file, file.path, files)):
            return with_reference(asset, *stored)
        token = await asyncio.to_thread(files.add, file.path, text=is_source)
        return asset.model_copy(update={"source_code" if is_source else "file_content": token})

    async def _sent_alone(self, file: NewFile, path: Path, files: Files) -> Stored | None:
        """A file that the centre has now, by its hash; None if it is so small that it goes along in the document."""
        with await asyncio.to_thread(SentFile, path, file.asset.name) as sent:
            if files.has_room(sent.size):
                return None
            if file.asset.kind is AssetKind.SOURCE:
                await asyncio.to_thread(sent.check_text)
            return await self._uploads.send(sent, file.asset.sha256)


def _is_meant(candidate: Asset, asset: Asset) -> bool:
    return (candidate.name, candidate.address, candidate.kind) == (asset.name, asset.address, asset.kind)


def documents(entities: Iterable[wire.Entity]) -> list[dict[str, Any]]:
    return [entity.wire() for entity in entities]
