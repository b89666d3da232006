"""What an approval binds is known from hashes; gigabytes are not fetched for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.bound_files import files_of
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.snapshot import Snapshot

SHA256 = "a" * 64


class Centre:
    """Has one snapshot, and tells which contents were read."""

    def __init__(self, *assets: Asset) -> None:
        self._snapshot = Snapshot(id="s", assets=list(assets))
        self.read: list[str] = []

    async def get_snapshot(self, _: str) -> Snapshot:
        return self._snapshot

    @asynccontextmanager
    async def open_snapshot(self, _: str) -> AsyncIterator[Snapshot]:
        yield self._snapshot

    async def stream(self, asset: Asset) -> AsyncIterator[bytes]:
        self.read.append(asset.name)
        yield b"content"


def file(name: str, sha256: str | None) -> Asset:
    return Asset(name=name, role=AssetRole.WEIGHTS_FILE, kind=AssetKind.FILE, sha256=sha256, size=2**31, ref=name)


@pytest.mark.parametrize(("sha256", "read"), [(SHA256, []), (None, ["weights.bin"])], ids=["told", "not told"])
async def test_contents_are_read_only_where_the_centre_tells_no_hash(sha256: str | None, read: list[str]) -> None:
    centre = Centre(file("weights.bin", sha256), file("other.bin", SHA256))
    _, files = await files_of(centre, "s")  # type: ignore[arg-type]
    assert centre.read == read
    assert all(each.by_content and each.sha256 for each in files)
