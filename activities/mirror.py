"""The mirror: the model centre's schedules as Temporal Schedules, made, changed and removed as they are there.

One that can't run now, but is still there, is paused with a note of the mirror's own, and set going again when it can.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from activities.failures import translated
from activities.mirrored_schedules import CREATED, RESTED, UPDATED, Mirror, mirrored, origin_of, remove
from activities.schedule_notices import notify_of_problems
from activities.schedule_plan import SchedulePlan, edition, schedule_plan
from mlc.center import Center
from mlc.model.base import Record
from mlc.model.change import OfModel
from mlc.model.deployment import DeploymentRecord, DeploymentState
from mlc.model.file import FileRules
from mlc.model.schedule import MirrorLook, MirrorReport, ScheduleProblem
from mlc.model.signal import Signals
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings

SHOWN, LONGEST = 5, 300
"""Problems in a report, and bytes of each: reports are kept in histories."""


class LastLook(Record):
    """What the last look that ended well said; None if there is none."""

    looked: MirrorLook | None = None


@dataclass
class MirrorActivities:
    center: Center
    settings: ProcessSettings
    files: FileRules
    signals: Signals
    """What the signals of schedules start. (No activity knows a workflow.)"""

    @activity.defn
    async def mirror_schedules(self) -> MirrorReport:
        """Bring Temporal's Schedules in line with the centre's, and tell of those that can't run."""
        with translated():
            return await self._mirror(await self._plan(None), None)

    @activity.defn
    async def mirror_changes(self, last: LastLook) -> MirrorReport:
        """The same, by reading what changed since the last look; everything where that can't be, or is due."""
        now = activity.info().current_attempt_scheduled_time
        with translated():
            made_by = edition(self.settings, self.files)
            known = last.looked
            if known is None or known.edition != made_by or now - known.full_at >= self.settings.mirror_full_interval:
                return await self._look_at_everything(now, made_by)
            changed = await self.center.changes(known.due_since(now, self.settings.mirror_overlap))
            if changed is None:
                return await self._look_at_everything(now, made_by)
            models = [*changed.models, *(of for of in known.again if of not in changed.models)]
            looked = known.went_on(changed.until, now)
            return await self._mirror(await self._plan(models), looked) if models else MirrorReport(looked=looked)

    async def _plan(self, models: Collection[OfModel] | None) -> SchedulePlan:
        return await schedule_plan(
            self.center, settings=self.settings, files=self.files, signals=self.signals, models=models
        )

    async def _look_at_everything(self, now: datetime, made_by: str) -> MirrorReport:
        # Asked before anything is read: what changes meanwhile is read again by the next look.
        before = await self.center.changes(None)
        plan = await self._plan(None)
        after = await self.center.changes(None) if before and before.until else None
        looked = None
        # A listing that isn't sorted as was asked has the last change somewhere: nothing could be told by it.
        is_sorted = after and after.until and not (plan.last_change and plan.last_change > after.until)
        if before and before.until and is_sorted:
            looked = MirrorLook(full=True, full_at=now, until=before.until, until_at=now, edition=made_by)
        return await self._mirror(plan, looked)

    async def _mirror(self, plan: SchedulePlan, looked: MirrorLook | None) -> MirrorReport:
        mirror = Mirror(activity.client(), activity.info().task_queue, self.center, self.settings)
        right = {planned.id for planned in plan.schedules if await mirror.bring(planned)}
        problems = [*plan.problems, *mirror.problems]
        resting = {problem.mirrored_id: problem.what for problem in problems} | plan.resting
        for schedule_id in resting.keys() - right - {""}:
            await mirror.rest(schedule_id, resting[schedule_id])
        deleted = await self._remove_gone(mirror, plan, keep=right | resting.keys())
        await self._tell(mirror, plan, problems)
        return MirrorReport(
            schedules=len(right),
            created=mirror.done[CREATED],
            updated=mirror.done[UPDATED],
            paused=mirror.done[RESTED],
            deleted=deleted,
            looked=looked and looked.with_again(mirror.again),
            unheard=len(plan.unheard),
            problem_count=len(problems),
            problems=[truncate(problem.text, LONGEST) for problem in problems[:SHOWN]],
        )

    async def _remove_gone(self, mirror: Mirror, plan: SchedulePlan, *, keep: Container[str]) -> int:
        removed = 0
        async for schedule_id in mirrored(mirror.client, mirror.task_queue):
            if schedule_id in keep or not plan.is_about(schedule_id):
                continue
            if (description := await mirror.described(schedule_id)) is None:
                continue
            origin = await origin_of(description)
            if plan.owners is not None and (origin is None or origin.snapshot_id not in plan.owners):
                continue  # that of another, whose id begins alike
            if origin and (overlooked := await self._overlooked(origin.snapshot_id, plan)):
                mirror.again.append(OfModel(model_id=overlooked.model_id, snapshot_id=origin.snapshot_id))
                continue  # until the next look
            if origin:
                mirror.changed.add(origin.snapshot_id)
            removed += await remove(mirror.client, schedule_id)
        return removed

    async def _overlooked(self, snapshot_id: str, plan: SchedulePlan) -> DeploymentRecord | None:
        """An active deployment of the snapshot that the plan does not know.

        One that ends while the centre's listing is read moves another from the next page to the one that was read.
        """
        for deployment in await self.center.list_deployments(snapshot_id=snapshot_id):
            if deployment.state is DeploymentState.DEPLOYED and deployment.id not in plan.deployments:
                return deployment
        return None

    async def _tell(self, mirror: Mirror, plan: SchedulePlan, problems: Sequence[ScheduleProblem]) -> None:
        """Tell what is wrong, and that it isn't any more where something changed."""
        about = defaultdict[str, list[ScheduleProblem]](list)
        for problem in problems:
            about[problem.snapshot_id].append(problem)
        changed = set(mirror.changed)
        if activity.info().attempt > 1:  # an earlier try may have changed things and told nobody
            changed |= {planned.origin.snapshot_id for planned in plan.schedules}
        for snapshot_id in about.keys() | changed:
            await notify_of_problems(self.center, snapshot_id, about[snapshot_id])
