"""What was approved is what is deployed: the files of a snapshot as a question binds them, and what became of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlc.model.asset import Asset, AssetKind
from mlc.model.base import Record
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate

SCHEMA = "schema"
"""The role of a model's schema, which is no file and is bound like one."""
MOST_NAMED = 8
LONGEST_NAME = 80


class BoundFile(Record):
    """A file, source, external reference or schema as it is bound.

    ``sha256`` is hexadecimal. Without ``by_content`` nobody vouches for the content: then address, size and whatever
    the centre says of the hash are all that is bound.
    """

    name: str
    role: str
    sha256: str = ""
    by_content: bool = True
    address: str = ""
    size: int | None = None
    functions: dict[str, str] = {}
    primary: bool = False


class Binding(Record):
    """What a question binds, in short: ``digest`` is over all files, ``result_digest`` over the test result's values.

    ``count`` files, of which ``loose`` are not bound by their content.
    """

    digest: str
    count: int = 0
    loose: int = 0
    test_result_id: str | None = None
    result_digest: str = ""


def bound_files(snapshot: Snapshot, contents: Mapping[int, str]) -> list[BoundFile]:
    """The files and schemas of a snapshot, in their order by name and role.

    Its monitors are left out: they watch what is deployed, and some are added after the approval.

    Args:
        contents: SHA-256 by position among the snapshot's assets, of those whose content was read for it.
    """
    files = [_file(asset, contents.get(place)) for place, asset in enumerate(snapshot.assets)]
    for side, schemas in (("input", snapshot.model.input_schemas), ("output", snapshot.model.output_schemas)):
        files += [
            BoundFile(name=f"{side} schema {schema.name}".strip(), role=SCHEMA, sha256=digest_of(schema.definition))
            for schema in schemas
        ]
    return sorted(files, key=_line)


def unhashed(snapshot: Snapshot) -> list[int]:
    """Positions of the assets whose content the centre holds without telling its hash."""
    inside = {AssetKind.SOURCE, AssetKind.FILE}
    return [place for place, asset in enumerate(snapshot.assets) if asset.kind in inside and not asset.sha256]


def digest(files: Iterable[BoundFile]) -> str:
    """One SHA-256 over all that is bound, whatever its order."""
    return hashlib.sha256("\n".join(sorted(map(_line, files))).encode()).hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of JSON, whatever the order of its keys."""
    written = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()


def differences(before: Iterable[BoundFile], now: Iterable[BoundFile]) -> list[str]:
    """What changed, each as the end of a sentence, such as "model.pkl changed"; nothing if nothing did."""
    then, later = _by_name(before), _by_name(now)
    said = []
    for key in sorted(then.keys() | later.keys()):
        if then.get(key) != later.get(key):
            how = "changed" if key in then and key in later else "is gone" if key in then else "is new"
            said.append(f"{truncate(key[0], LONGEST_NAME)} {how}")
    return said


def in_short(said: Sequence[str]) -> list[str]:
    """As much of a list as a history may hold; how many there are besides is said."""
    more = len(said) - MOST_NAMED
    return [*said[:MOST_NAMED], *([f"{more} more changed"] if more > 0 else [])]


def _file(asset: Asset, read: str | None) -> BoundFile:
    sha256 = read or asset.sha256 or ""
    if asset.query is not None:
        sha256 = digest_of([asset.query, asset.parameters, asset.repository])
    # Whatever is said of a file at an address, another one may stand there tomorrow.
    inside = asset.kind in {AssetKind.SOURCE, AssetKind.FILE} and bool(sha256)
    return BoundFile(
        name=asset.name,
        role=asset.role,
        sha256=sha256,
        by_content=inside,
        address=asset.address or "",
        size=None if inside else asset.size,
        functions=asset.functions,
        primary=asset.primary,
    )


def _line(file: BoundFile) -> str:
    return json.dumps(file.model_dump(mode="json"), sort_keys=True)


def _by_name(files: Iterable[BoundFile]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for file in files:
        found.setdefault((file.name, file.role), []).append(_line(file))
    return {key: sorted(lines) for key, lines in found.items()}
