"""Which of a model's snapshots stays where several were deployed: exactly the highest, whoever comes when.

The rule, by which every run decides for itself and anew at each try, from nothing but the centre's list:

* Each deployment has a rank (``Rank``): all who look see the same total order.
* A run looks only after its own deployment is active, and confirmed: from then on it takes it back for one reason only,
  a higher one. In each place it then either ends what is lower, or gives way to what is higher, never both.
* It gives way only to a higher deployment that is active and confirmed. One that is being loaded, or whose run may
  still take it back, will look later than this run, and will end this run's deployment then; if it comes to nothing,
  this run's is still there.

So the highest of those that were confirmed is ended by nobody, and of two confirmed ones the lower is ended by one of
both runs: whichever of them was confirmed later sees the other one. That holds as long as the centre's list shows
writes in their order, however late: a run waits until the list shows its own deployment, and so all that came before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bound_files import files_of_open
from activities.deployments import deployment_of, end_each, places_of, suiting
from activities.failures import non_retryable, not_finished, translated
from activities.occupied import LIVE, named
from mlc.center import Beside, Center
from mlc.center.ledger import After
from mlc.model.base import Record
from mlc.model.binding import digest
from mlc.model.deployment import (
    BATCH,
    Deployment,
    DeploymentRecord,
    DeploymentState,
    OtherDeployment,
    PushedOut,
    Rank,
    Runtime,
    RuntimeRef,
)
from mlc.model.failure import FailureType, NotFound, Refused
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

ACTIVE = frozenset({DeploymentState.DEPLOYED})
ENDED = frozenset({DeploymentState.UNDEPLOYED, DeploymentState.FAILED})
MOST_NAMED = 3
"""Deployments that a ticket names; how many more there are is a number."""
LAG_PAUSE = timedelta(seconds=1)


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


class Claim(Record):
    """A run's own deployments, by place."""

    snapshot_id: str
    deployments: dict[str, str]
    rank: Rank | None = None
    """None: that of the snapshot."""
    ends_others: bool = True
    """Else it is only asked whether something higher is there: the run is stopped, and ends nothing more."""


class Settled(Record):
    """What became of a claim, by place. Where nothing is said, the run's own deployment stays, seen active."""

    ended: int = 0
    """How many others this try ended."""
    overtaken: dict[str, OtherDeployment] = {}
    """Something higher is there: the run's own is to be taken back, if it hasn't been ended already."""
    adopted: dict[str, Deployment] = {}
    """The run's own is gone, and another one of the same snapshot is there."""
    pushed_out: dict[str, PushedOut] = {}
    """Of what is higher: what this run's own load has pushed out of a runtime that holds one model, or may have."""
    gone: dict[str, str] = {}
    """The run's own is gone, and nothing is there that had a right to end it; with what the centre says of it."""


class Loads(Record):
    """Runtimes that a run has loaded, or may have, and where nothing of its own stays."""

    runtimes: list[str]


class PushedOutByLoads(Record):
    """What was pushed out by it, by runtime. Where nothing is said there was nothing, or it is there still."""

    deployments: dict[str, PushedOut] = {}


class _View:
    """What is active in one place, seen by the run that has a claim to it."""

    def __init__(self, claim: Claim, place: str, rank: Rank, active: Sequence[DeploymentRecord]) -> None:
        self.active = active
        self.mine = next((d for d in active if d.id == claim.deployments[place]), None)
        self.same = next((d for d in active if d.snapshot_id == claim.snapshot_id), None)
        # The centre's word, or the run's own if somebody has allowed it more since.
        self.rank = max(rank, self.mine.rank) if self.mine else rank
        others = [d for d in active if d.snapshot_id != claim.snapshot_id]
        higher = [d for d in others if d.rank > self.rank and not d.provisional]
        self.higher = max(higher, key=lambda d: d.rank, default=None)

    @property
    def lower(self) -> list[DeploymentRecord]:
        """What the run's own deployment ends: nothing where it gives way, or is gone itself."""
        if self.mine is None or self.higher is not None:
            return []
        mine = self.mine
        return [
            d for d in self.active if (d.made < mine.made if d.snapshot_id == mine.snapshot_id else d.rank < self.rank)
        ]


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


@dataclass
class PrecedenceActivities:
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

    @activity.defn
    async def take_over(self, claim: Claim) -> Settled:
        """Confirm a run's deployments; in each place end all that is lower, or say what is higher.

        Raises:
            ApplicationError: ``NotFinished`` while the centre's list doesn't show the run's own deployment yet;
                ``DeploymentFailed`` (final) if it still doesn't after the index lag; ``Refused`` (final) if one can't
                be ended, after all others have been.
        """
        with translated():
            own, listed = await self._confirmed(claim)
            there = [record for record in own.values() if isinstance(record, DeploymentRecord)]
            rank, model_id = claim.rank, there[0].model_id if there else None
            if rank is None or model_id is None:
                snapshot = await self.center.get_snapshot(claim.snapshot_id)
                rank, model_id = rank or Rank.of(snapshot.order), snapshot.model.id
            ended = set[str]()
            while True:
                if listed is None:
                    listed = await self._list(model_id, claim.snapshot_id)
                listed = self._seen(there, listed)
                views = {
                    place: _View(claim, place, rank, await self._told((d for d in listed if d.place == place), ACTIVE))
                    for place in own
                }
                lower = {d.id for view in views.values() for d in view.lower} - ended
                if not lower or not claim.ends_others:
                    return await self._settled(views, own, len(ended))
                listed = await end_each(self.center, lower)
                ended |= lower

    @activity.defn
    async def find_pushed_out(self, loads: Loads) -> PushedOutByLoads:
        """What a run has pushed out of runtimes that hold one model, or may have: the highest that is active there.

        One that its own run may still take back is left to that run.
        """
        found = PushedOutByLoads()
        with translated():
            for runtime in await self.center.list_runtimes():
                if not runtime.single_model or runtime.id not in loads.runtimes:
                    continue
                listed = await self.center.list_deployments(runtime_id=runtime.id)
                there = [d for d in await self._told(listed, ACTIVE) if not d.provisional]
                if there:
                    highest = max(there, key=lambda d: (d.rank, d.made))
                    found.deployments[runtime.id] = await self._pushed_out(runtime, highest)
        return found

    async def _confirmed(self, claim: Claim) -> tuple[dict[str, DeploymentRecord | str], list[DeploymentRecord] | None]:
        """By place each deployment that is active, and from now on confirmed, or what the centre says of it.

        And the model's deployments after the last of these, if the centre told them along.
        """
        own: dict[str, DeploymentRecord | str] = {}
        listed = None
        for number, (place, id_) in enumerate(claim.deployments.items(), 1):
            listed = None
            try:
                after = await self._confirm(id_, beside=number == len(claim.deployments))
            except NotFound:
                own[place] = "it is no longer in the model centre"
                continue
            record, listed = after
            active = record.state in ACTIVE
            own[place] = record if active else deployment_of(record).problem or f"it is {record.state}"
        return own, listed

    async def _confirm(self, deployment_id: str, *, beside: bool) -> After:
        """What has ended may be confirmed as well, which changes nothing. A centre may refuse that."""
        try:
            return await self.center.confirm_deployment(deployment_id, beside=beside)
        except Refused:
            record = await self.center.get_deployment(deployment_id)
            if record.state in ACTIVE:
                raise
            return After(record)

    async def _list(self, model_id: str, snapshot_id: str) -> list[DeploymentRecord]:
        """The model's deployments; of no model those of the snapshot alone: nobody can say which others belong."""
        by = {"model_id": model_id} if model_id else {"snapshot_id": snapshot_id}
        return await self.center.list_deployments(**by)

    def _seen(self, own: Iterable[DeploymentRecord], listed: list[DeploymentRecord]) -> list[DeploymentRecord]:
        """The list, in which the run's own deployments are seen.

        Raises:
            ApplicationError: it doesn't show what the run has just done, so it may lack what others did before.
        """
        seen = {d.id: d for d in listed}
        for record in own:
            shown = seen.get(record.id)
            if shown is None or (shown.state not in ENDED and (shown.state not in ACTIVE or shown.provisional)):
                raise self._lagging(record)
        return listed

    def _lagging(self, record: DeploymentRecord) -> ApplicationError:
        info = activity.info()
        if info.attempt > 1 and info.started_time - info.scheduled_time > self.settings.center_index_lag:
            return non_retryable(
                FailureType.DEPLOYMENT_FAILED,
                f"Deployment {record.id} is active, but the model centre's list of the model's deployments doesn't "
                f"show it so after {self.settings.center_index_lag}; is its finder right?",
            )
        return not_finished(f"The model centre's list doesn't show deployment {record.id} as it is yet.", LAG_PAUSE)

    async def _settled(
        self, views: Mapping[str, _View], own: Mapping[str, DeploymentRecord | str], ended: int
    ) -> Settled:
        settled = Settled(ended=ended)
        for place, view in views.items():
            if view.higher is not None:
                settled.overtaken[place] = named(view.higher)
            elif view.mine is None and view.same is not None:
                settled.adopted[place] = deployment_of(view.same)
            elif view.mine is None:
                said = own[place]
                settled.gone[place] = said if isinstance(said, str) else "it was undeployed meanwhile"
        if any(place != BATCH for place in settled.overtaken):
            for runtime in await self.center.list_runtimes():
                if runtime.single_model and runtime.id in settled.overtaken:
                    winner = views[runtime.id].higher
                    assert winner is not None
                    settled.pushed_out[runtime.id] = await self._pushed_out(runtime, winner)
        return settled

    async def _pushed_out(self, runtime: Runtime, there: DeploymentRecord) -> PushedOut:
        return PushedOut(
            snapshot_id=there.snapshot_id,
            deployment_id=there.id,
            runtime=RuntimeRef(id=runtime.id, name=truncate(runtime.name, 100), mode=runtime.mode),
            rank=there.rank,
            digest=await self._carried(there.id),
        )

    async def _carried(self, deployment_id: str) -> str:
        """The digest of the files that a deployment carries; empty if it has none, or is gone."""
        with suppress(NotFound):
            async with self.center.open_deployment(deployment_id) as opened:
                if opened.snapshot:
                    return digest(await files_of_open(self.center, opened.snapshot))
        return ""

    async def _others(self, snapshot: Snapshot, places: Collection[str]) -> list[DeploymentRecord]:
        """As ``_live``. Of no model there are none: nobody can say."""
        if not snapshot.model.id:
            return []
        return await self._live(snapshot, places, await self.center.list_deployments(model_id=snapshot.model.id))

    async def _live(
        self, snapshot: Snapshot, places: Collection[str], listed: Iterable[DeploymentRecord]
    ) -> list[DeploymentRecord]:
        """Deployments of the model's other snapshots in these places, active or being loaded."""
        return await self._told((d for d in listed if d.place in places and d.snapshot_id != snapshot.id), LIVE)

    async def _told(
        self, listed: Iterable[DeploymentRecord], states: Collection[DeploymentState]
    ) -> list[DeploymentRecord]:
        """Those in certain states; a listing that leaves out when a snapshot was created is asked for each of them."""
        told = []
        for record in listed:
            if record.state not in states:
                continue
            if record.snapshot_created is None and record.placed is None:
                try:
                    record = await self.center.get_deployment(record.id)  # noqa: PLW2901
                except NotFound:
                    continue
            if record.state in states:
                told.append(record)
        return told
