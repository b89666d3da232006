"""What is in a snapshot's places before it is deployed there, and what of it is newer: somebody has to allow that."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.matching import places_of, suiting
from activities.occupied import LIVE, named
from mlc.center import Beside, Center
from mlc.model.base import Record
from mlc.model.deployment import DeploymentRecord, DeploymentState, OtherDeployment, Rank, RuntimeRef
from mlc.model.failure import NotFound
from mlc.model.snapshot import Snapshot
from mlc.settings import ProcessSettings

MOST_NAMED = 3
"""Deployments that a ticket names; how many more there are is a number."""


class Places(Record):
    """Where a snapshot is to be deployed: runtimes' ids, or ``batch``."""

    snapshot_id: str
    places: list[str]
    allowed: Rank | None = None
    """What ranks no higher than this may be replaced: somebody said so."""


class Survey(Record):
    """What is active or being loaded where a snapshot is to be deployed."""

    rank: Rank
    """The rank of a deployment that replaces all that it may."""
    newer: list[OtherDeployment] = []
    """Newer snapshots' that nobody allowed to be replaced, the highest first; the first few."""
    count: int = 0
    highest: Rank | None = None
    """The highest rank of those."""


class Sought(Record):
    """Where a snapshot belongs, and what is there; ``yielded`` are places that it has given up."""

    snapshot_id: str
    yielded: list[str] = []
    allowed: Rank | None = None
    """As in ``Places``."""


class Found(Record):
    """The runtimes that suit a snapshot, those that serve online first; and what is in its places, seen with them."""

    runtimes: list[RuntimeRef]
    survey: Survey


@dataclass
class SurveyActivities:
    center: Center
    settings: ProcessSettings
    review_tags: Iterable[str]
    """The tags that ask for a review in one ticket system."""

    @activity.defn
    async def find_places(self, sought: Sought) -> Found:
        """``match_runtimes``, and ``find_newer`` for the places that follow from it, by one look at the centre.

        Raises:
            ApplicationError: ``NoMatchingRuntime`` (final) with what was looked for and what there is.
        """
        with translated():
            async with self.center.open_surroundings(
                sought.snapshot_id, Beside.RUNTIMES, Beside.DEPLOYMENTS, contents=False
            ) as around:
                snapshot = around.snapshot
                runtimes = suiting(snapshot, await around.runtimes(), self.settings, self.review_tags)
                places = places_of(runtimes) - set(sought.yielded)
                live = await self._live(snapshot, places, await around.deployments()) if snapshot.model.id else []
        return Found(runtimes=runtimes, survey=_survey(snapshot, live, sought.allowed))

    @activity.defn
    async def find_newer(self, wanted: Places) -> Survey:
        """What newer snapshots of the model are active or being loaded in these places, and are not allowed for yet."""
        with translated():
            snapshot = await self.center.get_snapshot(wanted.snapshot_id)
            live = await self._others(snapshot, wanted.places)
        return _survey(snapshot, live, wanted.allowed)

    async def _others(self, snapshot: Snapshot, places: Collection[str]) -> list[DeploymentRecord]:
        """As ``_live``. Of no model there are none: nobody can say."""
        if not snapshot.model.id:
            return []
        return await self._live(snapshot, places, await self.center.list_deployments(model_id=snapshot.model.id))

    async def _live(
        self, snapshot: Snapshot, places: Collection[str], listed: Iterable[DeploymentRecord]
    ) -> list[DeploymentRecord]:
        """Deployments of the model's other snapshots in these places, active or being loaded."""
        return await told(self.center, (d for d in listed if d.place in places and d.snapshot_id != snapshot.id), LIVE)


def _survey(snapshot: Snapshot, live: Sequence[DeploymentRecord], allowed: Rank | None) -> Survey:
    """What is live in a snapshot's places, and what of it is newer and not allowed for."""
    own, plain = snapshot.order, Rank.of(snapshot.order)
    newer = [d for d in live if d.order > own and not (allowed and d.rank <= allowed)]
    newer.sort(key=lambda d: d.rank, reverse=True)
    below = max((d.rank for d in live if d not in newer), default=None)
    return Survey(
        rank=below.above(own) if below and below >= plain else plain,
        newer=[named(d) for d in newer[:MOST_NAMED]],
        count=len(newer),
        highest=newer[0].rank if newer else None,
    )


async def told(
    center: Center, listed: Iterable[DeploymentRecord], states: Collection[DeploymentState]
) -> list[DeploymentRecord]:
    """Those in certain states; a listing that leaves out when a snapshot was created is asked for each of them."""
    found = []
    for record in listed:
        if record.state not in states:
            continue
        if record.snapshot_created is None and record.placed is None:
            try:
                record = await center.get_deployment(record.id)  # noqa: PLW2901
            except NotFound:
                continue
        if record.state in states:
            found.append(record)
    return found
