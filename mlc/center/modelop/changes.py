"""What changed in the centre since a moment, by its own clock: the newest pages of two listings, and no more."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from mlc.center.modelop import ids
from mlc.center.modelop.hal import Hal, JsonObject
from mlc.center.modelop.snapshots import moment
from mlc.model.change import Changes, OfModel
from mlc.model.failure import MlcError

PAGE = 50
MODIFIED = "lastModifiedDate"
LAST_CHANGED_FIRST = {"sort": f"{MODIFIED},desc"}


class _Item(NamedTuple):
    id: str
    modified: datetime
    of: OfModel


class NotSorted(MlcError):
    """The centre does not sort, or does not say when things changed."""


async def changes(hal: Hal, deployments: str, since: datetime | None) -> Changes | None:
    """Deployments and snapshots that were made or changed after a moment; None if the centre can't tell.

    Args:
        deployments: their collection.
        since: exclusive; None: nothing is asked but when the last change was.
    """
    try:
        found = [
            *await _newest(hal, deployments, since, lambda item: _part(item, "deployableModel")),
            *await _newest(hal, "deployableModels", since, lambda item: item),
        ]
    except NotSorted:
        return None
    until = max((item.modified for item in found), default=since)
    later = [item.of for item in found if since is not None and item.modified > since]
    return Changes(until=until, models=list(dict.fromkeys(later)))


async def _newest(
    hal: Hal, path: str, since: datetime | None, snapshot_of: Callable[[JsonObject], JsonObject]
) -> list[_Item]:
    """Items that are later than ``since``, and one that isn't.

    Where several pages were read they are read again: what was deleted meanwhile has moved others from a page that was
    still to come to one that had been read.
    """
    found: dict[str, _Item] = {}
    for again in (False, True):
        pages = 0
        last: datetime | None = None
        async for items in hal.pages(path, LAST_CHANGED_FIRST, limit=PAGE):
            pages += 1
            for item in _read(items, snapshot_of):
                if last is not None and item.modified > last:
                    raise NotSorted
                last = item.modified
                found[item.id] = item
            if since is None or (last is not None and last <= since):
                break
        if again or pages <= 1:
            break
    return list(found.values())


def _read(items: list[JsonObject], snapshot_of: Callable[[JsonObject], JsonObject]) -> Iterator[_Item]:
    for item in items:
        modified = moment(_date(item.get(MODIFIED)))
        if modified is None or not _text(item):
            raise NotSorted
        snapshot = snapshot_of(item)
        of = OfModel(model_id=_id(_part(snapshot, "storedModel")), snapshot_id=_id(snapshot))
        yield _Item(_text(item), modified, of)


def _part(item: JsonObject, name: str) -> JsonObject:
    part = item.get(name)
    return part if isinstance(part, dict) else {}


def _text(item: JsonObject) -> str:
    return str(item.get("id") or "")


def _id(item: JsonObject) -> str:
    return ids.encode(_text(item)) if _text(item) else ""


def _date(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
