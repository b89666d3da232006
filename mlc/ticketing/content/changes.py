"""What changed between two snapshots of a model, as a reviewer wants to see it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from mlc.model.base import Record
from mlc.model.secret_names import HIDDEN
from mlc.ticketing.content.evidence import GIT_COMMIT, AssetFact, FieldFact, ModelCard, SchemaFact


class Part(StrEnum):
    """What of a model a change is about."""

    GIT = "Git"
    ASSETS = "Assets"
    METADATA = "Metadata"
    SCHEMAS = "Schemas"


HOW = ("added", "removed", "changed", "not comparable")


class Change(Record):
    """One difference: what, and its value in the snapshot before and in this one; None where it isn't there."""

    part: Part
    what: str
    before: str | None
    now: str | None

    @property
    def how(self) -> str:
        """Added, removed or changed; or that nobody can tell, such as of two files without hashes."""
        if self.before is None:
            return "added"
        if self.now is None:
            return "removed"
        return "changed" if self.before != self.now else "not comparable"


def changes(before: ModelCard, now: ModelCard) -> list[Change]:
    """All differences: where the source comes from, assets by their hashes, metadata, schemas field by field."""
    return [
        *_compared(Part.GIT, before.git(), now.git(), first=GIT_COMMIT),
        *_asset_changes(before.assets, now.assets),
        *_compared(Part.METADATA, _metadata(before), _metadata(now)),
        *_hidden_changes(before.hidden, now.hidden),
        *_schema_changes(before.schemas, now.schemas),
    ]


def summary(found: Sequence[Change]) -> str:
    """How many changes of which kind: "Git: 1 changed. Assets: 2 added, 1 changed."."""
    parts = []
    for part in Part:
        if count := Counter(change.how for change in found if change.part is part):
            parts.append(f"{part}: {', '.join(f'{count[how]} {how}' for how in HOW if count[how])}.")
    return " ".join(parts)


def _metadata(card: ModelCard) -> dict[str, str]:
    return {**card.core(), **card.metadata, **card.details}


def _hidden_changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    """Values that are not shown and are others now; that one came or went is among the metadata."""
    for name, mark in now.items():
        if before.get(name, mark) != mark:
            yield Change(part=Part.METADATA, what=name, before=HIDDEN, now=f"{HIDDEN}, another value")


def _compared(part: Part, old: Mapping[str, str], new: Mapping[str, str], *, first: str = "") -> Iterator[Change]:
    names = dict.fromkeys([first, *new, *old])
    for name in names:
        if old.get(name) != new.get(name):
            yield Change(part=part, what=name, before=old.get(name), now=new.get(name))


def _asset_changes(before: Iterable[AssetFact], now: Iterable[AssetFact]) -> Iterator[Change]:
    old, new = _by_name(before), _by_name(now)
    for key in sorted(old.keys() | new.keys()):
        was, is_ = old.get(key), new.get(key)
        # Two assets that nobody hashed may differ: they are shown rather than taken for equal.
        if was and is_ and was.sha256 == is_.sha256 and was.sha256:
            continue
        what = f"Asset {key[0]} ({key[1]})"
        yield Change(part=Part.ASSETS, what=what, before=_content(was), now=_content(is_))


def _by_name(assets: Iterable[AssetFact]) -> dict[tuple[str, str, int], AssetFact]:
    """By name and role; those that share both are told apart by their order."""
    seen: Counter[tuple[str, str]] = Counter()
    named = {}
    for asset in assets:
        key = (asset.name, asset.role)
        named[(*key, seen[key])] = asset
        seen[key] += 1
    return named


def _content(asset: AssetFact | None) -> str | None:
    if asset is None:
        return None
    return f"SHA-256 {asset.sha256}" if asset.sha256 else ", ".join(filter(None, [asset.place, "no hash known"]))


def _schema_changes(before: Sequence[SchemaFact], now: Sequence[SchemaFact]) -> Iterator[Change]:
    for side in dict.fromkeys(schema.side for schema in [*now, *before]):
        old = [schema for schema in before if schema.side == side]
        new = [schema for schema in now if schema.side == side]
        for was, is_ in _pairs(old, new):
            yield from _schema_change(was, is_, several=max(len(old), len(new)) > 1)


def _pairs(
    old: Sequence[SchemaFact], new: Sequence[SchemaFact]
) -> Iterator[tuple[SchemaFact | None, SchemaFact | None]]:
    """Schemas of the same name; if then one is left on either side, it was renamed."""
    by_name = {schema.name: schema for schema in old}
    yield from ((by_name[schema.name], schema) for schema in new if schema.name in by_name)
    names = {schema.name for schema in new}
    gone = [schema for schema in old if schema.name not in names]
    added = [schema for schema in new if schema.name not in by_name]
    if len(gone) == len(added) == 1:
        yield gone[0], added[0]
    else:
        yield from ((schema, None) for schema in gone)
        yield from ((None, schema) for schema in added)


def _schema_change(was: SchemaFact | None, is_: SchemaFact | None, *, several: bool) -> Iterator[Change]:
    shown = is_ or was
    if shown is None:
        return
    label = f"{shown.side} {shown.name}" if several else shown.side
    names = (was.name if was else None, is_.name if is_ else None)
    if names[0] != names[1]:
        what = f"{label}: name" if was and is_ else label
        yield Change(part=Part.SCHEMAS, what=what, before=names[0], now=names[1])
    old = {field.path: field for field in was.fields} if was else {}
    new = {field.path: field for field in is_.fields} if is_ else {}
    for path in dict.fromkeys([*new, *old]):
        yield from _field_changes(f"{label}, field {path}", old.get(path), new.get(path))


def _field_changes(what: str, was: FieldFact | None, is_: FieldFact | None) -> Iterator[Change]:
    if was is None or is_ is None:
        yield Change(part=Part.SCHEMAS, what=what, before=_described(was), now=_described(is_))
        return
    if was.type != is_.type:
        yield Change(part=Part.SCHEMAS, what=f"{what}: type", before=was.type, now=is_.type)
    for change in _compared(Part.SCHEMAS, was.properties, is_.properties):
        yield change.model_copy(update={"what": f"{what}: {change.what}"})


def _described(field: FieldFact | None) -> str | None:
    if field is None:
        return None
    properties = ", ".join(f"{name} {value}" for name, value in field.properties.items())
    return f"{field.type} ({properties})" if properties else field.type
