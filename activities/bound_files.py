"""The files of a snapshot as an approval binds them, by their hashes; and which are not what was judged or tested."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from mlc.center import Center
from mlc.model.asset import Asset
from mlc.model.binding import BoundFile, bound_files, digest, unhashed
from mlc.model.result import TestResultRecord
from mlc.model.snapshot import Snapshot

MOST_KNOWN, MOST_FILES = 200, 100
"""Lists of files that a process keeps in mind, and files of one of them."""
_known: OrderedDict[str, list[BoundFile]] = OrderedDict()


def remembered(files: list[BoundFile]) -> str:
    """The digest of files, by which this process will know them: it is over all that the list says of them."""
    found = digest(files)
    if len(files) <= MOST_FILES:
        _known[found] = files
        _known.move_to_end(found)
        if len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
    return found


def known_files(bound: str) -> list[BoundFile] | None:
    """The files of a digest, if this process has seen them: exactly those, since nothing else has that digest."""
    return _known.get(bound)


async def files_of(center: Center, snapshot_id: str) -> tuple[Snapshot, list[BoundFile]]:
    """A snapshot and its files as they are bound. Contents are read only where the centre tells no hash of them."""
    snapshot = await center.get_snapshot(snapshot_id)
    if not unhashed(snapshot):
        return snapshot, bound_files(snapshot, {})
    async with center.open_snapshot(snapshot_id) as opened:
        return snapshot, await files_of_open(center, opened)


async def files_of_open(center: Center, snapshot: Snapshot) -> list[BoundFile]:
    """The same of a snapshot that is open."""
    contents = {place: await _sha256(center, snapshot.assets[place]) for place in unhashed(snapshot)}
    return bound_files(snapshot, {place: read for place, read in contents.items() if read})


async def _sha256(center: Center, asset: Asset) -> str:
    """Empty of an asset that holds no content."""
    if not asset.ref:
        return ""
    read = hashlib.sha256()
    async for piece in center.stream(asset):
        read.update(piece)
    return read.hexdigest()


def unjudged(judged: Mapping[str, str], files: Iterable[BoundFile]) -> list[str]:
    """What of a snapshot is not what was judged; of files with unknown hashes nobody can tell."""
    now: dict[str, list[str]] = {}
    for file in files:
        now.setdefault(file.name, []).append(file.sha256)
    return [
        name for name, then in judged.items() if not any(not sha or sha.startswith(then) for sha in now.get(name, []))
    ]


def untested(snapshot: Snapshot, result: TestResultRecord) -> list[str]:
    """What of a snapshot is not what its test was run on, by the hashes that were noted then."""
    then: Mapping[str, str] = result.provenance.source | result.provenance.artefacts | result.provenance.inputs
    now = {asset.name: asset.sha256 for asset in snapshot.assets if asset.sha256}
    return sorted(name for name in then.keys() & now.keys() if then[name] != now[name])
