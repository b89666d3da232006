"""What changed since a moment, from listings that may not be sorted, and move while they are read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlc.center.modelop.changes import changes
from mlc.model.change import OfModel

START = datetime(2026, 12, 1, tzinfo=UTC)
SORT = "lastModifiedDate,desc"


def snapshot(number: int, minutes: int) -> dict[str, Any]:
    modified = (START + timedelta(minutes=minutes)).isoformat()
    return {"id": f"s{number}", "lastModifiedDate": modified, "storedModel": {"id": f"m{number}"}}


class Listing:
    """Pages of snapshots, two on each, as each reading of it finds them; no deployments."""

    def __init__(self, *readings: list[dict[str, Any]]) -> None:
        self.readings = list(readings)
        self.pages_read = 0

    async def pages(self, path: str, params: dict[str, str], *, limit: int) -> AsyncIterator[list[dict[str, Any]]]:
        assert params == {"sort": SORT}
        if path != "deployableModels":
            return
        items = self.readings.pop(0)
        for start in range(0, len(items), 2):
            self.pages_read += 1
            yield items[start : start + 2]


async def models(listing: Listing, minutes: int) -> list[str] | None:
    found = await changes(listing, "deployedModels", START + timedelta(minutes=minutes))  # type: ignore[arg-type]
    return [of.model_id for of in found.models] if found else None


async def test_no_page_is_read_beyond_the_moment() -> None:
    listing = Listing([snapshot(n, 10 - n) for n in range(8)])
    assert await models(listing, 9) == ["m0"]
    assert listing.pages_read == 1


async def test_what_changed_at_the_very_moment_is_known_already_and_of_one_moment_all_are_found() -> None:
    same = [snapshot(n, 5) for n in range(3)]
    assert await models(Listing([*same, snapshot(3, 4)], [*same, snapshot(3, 4)]), 4) == ["m0", "m1", "m2"]
    assert await models(Listing([*same, snapshot(3, 4)]), 5) == []


async def test_what_a_deletion_moved_to_a_page_that_was_read_is_found() -> None:
    before = [snapshot(n, 10 - n) for n in range(5)]
    # s0 is deleted when the first page has been read: s2 moves there, and is on no page that is still to come.
    moved = [before[0], before[1], before[3], before[4]]
    assert await models(Listing(moved, before[1:]), 0) == ["m0", "m1", "m3", "m4", "m2"]


@pytest.mark.parametrize(
    "items",
    [
        [snapshot(0, 1), snapshot(1, 2)],
        [snapshot(0, 1) | {"lastModifiedDate": None}],
        [snapshot(0, 1) | {"lastModifiedDate": "yesterday"}],
        [snapshot(0, 1) | {"id": None}],
    ],
)
async def test_a_listing_that_is_not_sorted_or_does_not_say_when_tells_nothing(items: list[dict[str, Any]]) -> None:
    assert await models(Listing(items), 0) is None


async def test_a_document_without_its_model_is_known_by_its_snapshot_and_times_without_a_zone_are_utc() -> None:
    bare = {"id": "s", "lastModifiedDate": "2026-12-01T00:05:00", "storedModel": "?"}
    found = await changes(Listing([bare]), "deployedModels", START)  # type: ignore[arg-type]
    assert found is not None
    assert found.models == [OfModel(snapshot_id="s")]
    assert found.until == START + timedelta(minutes=5)


async def test_without_a_moment_only_the_last_change_is_told() -> None:
    listing = Listing([snapshot(n, 10 - n) for n in range(8)])
    found = await changes(listing, "deployedModels", None)  # type: ignore[arg-type]
    assert found is not None
    assert (found.until, found.models, listing.pages_read) == (START + timedelta(minutes=10), [], 1)
