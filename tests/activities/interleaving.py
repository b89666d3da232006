"""Several runs of DeployModel over their steps at the centre, in an order that a test chooses."""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from backroom import Backroom

from activities.deployments import DeploymentActivities, Deployments
from activities.precedence import Claim, PrecedenceActivities
from activities.surveys import Places, SurveyActivities
from mlc.model.deployment import DeploymentMode, DeploymentRequest, Rank

BATCH = "batch"


class WorkerDied(Exception):
    """Of an attempt from which nothing is heard any more."""


class _Gated:
    """The centre for one run: before each call that others could notice, or that notices others, the run waits."""

    def __init__(self, center: Any, run: "PlayedRun") -> None:
        self._center = center
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._center, name)

    async def list_deployments(self, **by: Any) -> Any:
        if "model_id" in by:
            await self._run.gate("list")
        return await self._center.list_deployments(**by)

    async def create_deployment(self, new: Any) -> Any:
        await self._run.gate("deploy")
        return await self._center.create_deployment(new)

    async def confirm_deployment(self, id_: str, **_: Any) -> Any:
        if self._run.confirms:
            await self._run.gate("confirm")
        return await self._center.confirm_deployment(id_)

    async def end_deployment(self, id_: str, **_: Any) -> Any:
        await self._run.gate("end")
        return await self._center.end_deployment(id_)


class PlayedRun:
    """What a run of DeployModel does with its activities from its deployment on, one step at a time."""

    def __init__(
        self,
        room: Backroom,
        snapshot_id: str,
        *,
        asks: bool = False,
        allows: bool = True,
        rank: Rank | None = None,
        confirms: bool = False,
    ) -> None:
        center: Any = _Gated(room.port, self)
        self.room = room
        self.snapshot_id = snapshot_id
        self.deployments = DeploymentActivities(center, room.settings, [])
        self.precedence = PrecedenceActivities(center, room.settings)
        self.surveys = SurveyActivities(center, room.settings, ())
        self.asks = asks
        """Whether it looks for newer ones before it deploys; else they were not there yet when it looked."""
        self.allows = allows
        self.rank = rank
        self.confirms = confirms
        """Whether confirming is a step of its own; else it goes with deploying."""
        self.replaces: list[str] = []
        self.dies_at = 0
        """The number of the step, after it has deployed, before which its worker dies; 0: none."""
        self.id = ""
        self.outcome = ""
        self.at = ""
        """What it is about to do."""
        self._gates = 0
        self._reached = asyncio.Event()
        self._go = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Come to the first step."""
        self._task = asyncio.create_task(self._play())
        await self._reached.wait()

    async def step(self) -> bool:
        """Let it do what it is about to do, and come to the next; False if it has ended."""
        if not self.outcome:
            self._reached.clear()
            self._go.set()
        await self._reached.wait()
        return not self.outcome

    async def end(self) -> None:
        while await self.step():
            pass
        assert self._task is not None
        await self._task

    async def gate(self, what: str) -> None:
        self._gates += 1
        if self._gates == self.dies_at:
            raise WorkerDied
        self.at = what
        self._reached.set()
        await self._go.wait()
        self._go.clear()

    async def _play(self) -> None:
        try:
            self.outcome = await self._run()
        except BaseException as error:
            self.outcome = repr(error)
            raise
        finally:
            self._reached.set()

    async def _run(self) -> str:
        allowed: Rank | None = None
        while self.asks:
            wanted = Places(snapshot_id=self.snapshot_id, places=[BATCH], allowed=allowed)
            survey = await self.room.run(self.surveys.find_newer, wanted)
            if not survey.newer:
                self.rank = survey.rank
                break
            await self.gate("ask")
            if not self.allows:
                return "stopped"
            self.replaces += [each.snapshot_id for each in survey.newer]
            allowed = survey.highest
        if self.rank is None:
            self.rank = Rank.of((await self.room.port.get_snapshot(self.snapshot_id)).order)
        request = DeploymentRequest(
            snapshot_id=self.snapshot_id,
            mode=DeploymentMode.BATCH,
            key=uuid.uuid4().hex,
            workflow_id="w",
            rank=self.rank,
        )
        self._gates = -99  # only what comes after is tried again
        self.id = (await self.room.run(self.deployments.deploy, request)).id
        claim = Claim(snapshot_id=self.snapshot_id, deployments={BATCH: self.id}, rank=self.rank)
        self._gates = 0
        settled = await self._tried(self.precedence.take_over, claim)
        if settled.gone:
            return "gone"
        if settled.overtaken:
            undone = Deployments(snapshot_id=self.snapshot_id, ids=[self.id])
            await self._tried(self.deployments.undo_deployments, undone)
            return "overtaken"
        return "deployed"

    async def _tried(self, function: Callable[..., Any], argument: Any) -> Any:
        try:
            return await self.room.run(function, argument)
        except WorkerDied:
            return await self.room.run(function, argument)


def orders(*steps: int) -> Iterator[tuple[int, ...]]:
    """Every order in which runs can take so many steps each: which of them is next, again and again."""
    if not any(steps):
        yield ()
    for number, left in enumerate(steps):
        if left:
            for rest in orders(*steps[:number], left - 1, *steps[number + 1 :]):
                yield number, *rest


def different(order: Sequence[int]) -> bool:
    """Whether no other order comes to the same: two steps of one kind (both list, say) next to each other may change
    places, so that only the order with the first run's first is needed. For runs that all take the same steps.
    """
    taken = [(run, order[:number].count(run)) for number, run in enumerate(order)]
    return all(kind != next_kind or run <= next_run for (run, kind), (next_run, next_kind) in pairwise(taken))


async def played(runs: Sequence[PlayedRun], order: Sequence[int]) -> None:
    """Let the runs take their steps in an order, and then come to their ends."""
    for run in runs:
        await run.begin()
    for number in order:
        await runs[number].step()
    for run in runs:
        await run.end()
