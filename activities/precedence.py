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

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bound_files import files_of_open
from activities.deployments import deployment_of, end_each
from activities.failures import non_retryable, not_finished, translated
from activities.occupied import named
from activities.surveys import told
from mlc.center import Center
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
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

ACTIVE = frozenset({DeploymentState.DEPLOYED})
ENDED = frozenset({DeploymentState.UNDEPLOYED, DeploymentState.FAILED})
LAG_PAUSE = timedelta(seconds=1)


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


@dataclass
class PrecedenceActivities:
    center: Center
    settings: ProcessSettings

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
                views = {}
                for place in own:
                    active = await told(self.center, (d for d in listed if d.place == place), ACTIVE)
                    views[place] = _View(claim, place, rank, active)
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
                there = [d for d in await told(self.center, listed, ACTIVE) if not d.provisional]
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
