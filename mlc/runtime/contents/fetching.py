"""What the centre's files contain, written to working directories: small ones straight, large ones from the cache."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path, PurePosixPath

from mlc.center import Contents
from mlc.model.asset import Asset
from mlc.model.failure import Refused
from mlc.runtime.contents.cache import ContentCache, Waiting
from mlc.runtime.contents.content import Content, Unfetched, WrongContent
from mlc.runtime.contents.download import Doing, Download
from mlc.runtime.contents.laying import Target
from mlc.runtime.isolation import Level
from mlc.runtime.outages import patiently
from mlc.runtime.working_directory import WorkingDirectory
from mlc.settings import RuntimeSettings

MEGABYTE = 1024**2
SMALL = MEGABYTE
"""Bytes of a file that is fetched for each use: looking for it would cost as much."""


class Fetching:
    """Brings contents to one working directory after another.

    Args:
        contents: what the centre's files contain, while their owner is open.
        cache: keeps those that the centre keeps by their hash.
        linked: whether what a model may only read is safe from it, so that several may share a file.
        time: seconds that one file may take while the centre is there.
        doing: told how far a file is that takes long.

    Attributes:
        told: whether ``doing`` was told something.
    """

    def __init__(self, contents: Contents, cache: ContentCache, *, linked: bool, time: float, doing: Doing) -> None:
        self._contents = contents
        self._cache = cache
        self._linked = linked
        self._time = time
        self._doing = doing
        self.told = False

    async def fetch(self, asset: Asset, directory: WorkingDirectory, name: PurePosixPath, *, fixed: bool) -> str | None:
        """Write an asset's content to a name; a centre that is away is waited for.

        Args:
            fixed: whether nobody but a model writes to it from now on, at a level that lets it.

        Returns:
            Its SHA-256 in hexadecimal, if the centre vouches for it.

        Raises:
            Refused: the centre doesn't give it, and nobody can tell whether it is there.
            Unfetched: it is there, and doesn't come, isn't what its hash says, has no room, or takes too long.
            OSError: it can't be written.
        """
        content = None
        if asset.sha256 and self._contents.keeps_by_hash(asset):
            content = Content(asset.sha256, asset.size, asset.name)
        try:
            if content is None or (content.size is not None and content.size <= SMALL):
                await patiently(lambda: self._save(asset, directory, name, content))
            else:
                target = Target(directory, name, linked=fixed and self._linked)
                await self._cache.lay(content, target, partial(self._download, asset, content), self._waiting(content))
        except Refused as refusal:
            if content is None:
                raise
            directory.unlink(name)
            raise Unfetched(f"The file {asset.name} of the model centre can't be had: {refusal}") from None
        return content and content.sha256

    async def _download(self, asset: Asset, content: Content, part: Path) -> None:
        def pieces(start: int) -> AsyncIterator[bytes]:
            return self._contents.stream(asset, start=start)

        await Download(content, part, pieces, time=self._time, doing=self._tell).run()

    def _waiting(self, content: Content) -> Waiting:
        return partial(self._tell, f"waiting until another has fetched {content.name}")

    async def _tell(self, doing: str) -> None:
        self.told = True
        await self._doing(doing)

    async def _save(
        self, asset: Asset, directory: WorkingDirectory, name: PurePosixPath, content: Content | None
    ) -> None:
        digest = hashlib.sha256()
        try:
            with await asyncio.to_thread(directory.create, name) as file:
                async for piece in self._contents.stream(asset):
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
        except OSError:  # the disk is full, say: half of it would pass for the whole
            directory.unlink(name)
            raise
        if content is not None and digest.hexdigest() != content.sha256:
            directory.unlink(name)
            raise WrongContent(content, f"its SHA-256 is {digest.hexdigest()}")


def cache_of(settings: RuntimeSettings) -> ContentCache:
    """Where the settings say."""
    return ContentCache(settings.contents_folder, settings.contents_limit_mb * MEGABYTE)


def fetching(contents: Contents, settings: RuntimeSettings, level: Level, doing: Doing) -> Fetching:
    """As the settings say, for a model that a level isolates."""
    return Fetching(contents, cache_of(settings), linked=level.reads_only, time=settings.fetch_time_limit, doing=doing)
