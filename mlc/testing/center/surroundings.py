"""The contract of a whole centre: what is around a snapshot, what comes along with a change, and what is made once.

Whether a centre brings things along or is asked for each of them, what is told is the same.
"""

import asyncio
import uuid
from pathlib import Path

import pytest

from mlc.center import Beside, Capability, Center, NewDeployment
from mlc.center.ledger import After
from mlc.model.deployment import DeploymentRecord, DeploymentState, Rank, Runtime
from mlc.model.failure import NotFound, Refused
from mlc.model.monitor_plan import CLASSIFICATION
from mlc.model.notification import Notification, NotificationKind
from mlc.model.result import Purpose, TestResultRecord
from mlc.model.snapshot import Snapshot
from mlc.testing.center.models import SOURCE, TABLE, VERDICT, a_model, a_snapshot, some_files

NOTHING = str(uuid.UUID(int=0))
WISHES = pytest.mark.parametrize("wished", [(), tuple(Beside)], ids=["nothing was wished for", "all was wished for"])


async def placed(center: Center, made: Snapshot, runtime: Runtime | None = None) -> DeploymentRecord:
    """A deployment with a rank, which is provisional at first."""
    async with center.open_snapshot(made.id) as snapshot:
        new = NewDeployment(str(uuid.uuid4()), snapshot, "dev", runtime, Rank.of(made.order))
        return await center.create_deployment(new)


async def placed_beside_each_other(center: Center, tmp_path: Path) -> tuple[str, list[DeploymentRecord]]:
    """Four deployments of two snapshots of one model, whose id comes first, and besides one of another model."""
    model = await center.save_model(a_model(), some_files(tmp_path))
    one, two = [await a_snapshot(center, tmp_path, name, model=model) for name in ("one", "two")]
    made = [await placed(center, each) for each in (one, two, one, two)]
    await placed(center, await a_snapshot(center, tmp_path))
    return model.id, made


async def tells_all_or_nothing(center: Center, after: After, model_id: str, *, beside: bool) -> None:
    """What a change tells besides: all of the model's deployments as they are then, if it was asked to, or none."""
    assert after.beside is None or after.beside == await center.list_deployments(model_id=model_id)
    assert beside or after.beside is None


def a_result(snapshot_id: str) -> TestResultRecord:
    job_id = str(uuid.uuid4())
    return TestResultRecord(
        id="", snapshot_id=snapshot_id, job_id=job_id, purpose=Purpose.BACK_TEST, values={"auc": 0.9}
    )


def a_notice(key: str, message: str = "said") -> Notification:
    return Notification(key=key, kind=NotificationKind.MODEL, message=message, snapshot_id=NOTHING)


class SurroundingsContract:
    """What the port promises where one step needs several things, kept by the adapter of the fixture ``center``."""

    @WISHES
    async def test_deployments_around_a_snapshot_are_those_of_its_model_in_every_state(
        self, center: Center, tmp_path: Path, wished: tuple[Beside, ...]
    ) -> None:
        model = await center.save_model(a_model(), some_files(tmp_path))
        one, two = [await a_snapshot(center, tmp_path, name, model=model) for name in ("one", "two")]
        made = [await placed(center, each) for each in (one, two, one, two, one)]
        await placed(center, await a_snapshot(center, tmp_path))
        await center.end_deployment(made[1].id)
        async with center.open_surroundings(one.id, *wished) as around:
            found = await around.deployments()
            assert await around.deployments() == found
        assert [deployment.id for deployment in found] == [deployment.id for deployment in reversed(made)]
        assert found == await center.list_deployments(model_id=model.id)

    @WISHES
    async def test_runtimes_around_a_snapshot_are_all_there_are(
        self, center: Center, tmp_path: Path, wished: tuple[Beside, ...]
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        async with center.open_surroundings(made.id, *wished) as around:
            assert await around.runtimes() == []
        for number in range(4):
            await center.register_runtime(Runtime(name=f"r{number}", stage="dev"))
        async with center.open_surroundings(made.id, *wished) as around:
            found = sorted(await around.runtimes(), key=lambda runtime: runtime.name)
            assert [runtime.name for runtime in found] == ["r0", "r1", "r2", "r3"]
            assert found == sorted(await center.list_runtimes(), key=lambda runtime: runtime.name)
            async with center.open_snapshot(made.id) as snapshot:
                chosen = next(runtime for runtime in found if runtime.name == "r2")
                deployment = await center.create_deployment(NewDeployment("k", snapshot, "dev", chosen))
        assert deployment.runtime_name == "r2"

    @WISHES
    async def test_monitors_around_a_snapshot_are_the_newest_of_their_names_and_open(
        self, center: Center, tmp_path: Path, wished: tuple[Beside, ...]
    ) -> None:
        name = CLASSIFICATION[0]
        monitor = await center.save_model(a_model(name, is_monitor=True), some_files(tmp_path))
        await center.save_model(a_model(name), some_files(tmp_path))  # a business model that is called so
        _, newest = [await a_snapshot(center, tmp_path, each, model=monitor) for each in ("old", "new")]
        other = await center.save_model(a_model("of our own", is_monitor=True), some_files(tmp_path))
        own = await a_snapshot(center, tmp_path, "own", model=other)
        made = await a_snapshot(center, tmp_path)
        async with center.open_surroundings(made.id, *wished) as around:
            found = await around.monitors([name, "of our own", "no such monitor"])
            assert {each: snapshot.id for each, snapshot in found.items()} == {name: newest.id, "of our own": own.id}
            (table,) = [asset for asset in found[name].assets if asset.name == "limits.dmn"]
            assert await center.read(table, limit=100) == TABLE
            assert await around.monitors([]) == {}

    @WISHES
    async def test_a_result_around_a_snapshot_is_as_it_is_kept(
        self, center: Center, tmp_path: Path, wished: tuple[Beside, ...]
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        kept = await center.keep_test_result(a_result(made.id))
        await center.record_verdict(kept.id, VERDICT)
        for announced in (kept.id, None):
            async with center.open_surroundings(made.id, *wished, result_id=announced) as around:
                found = await around.test_result(kept.id)
                assert (found.values, found.verdict) == (kept.values, VERDICT)
                assert found == await center.get_test_result(kept.id)
        async with center.open_surroundings(made.id, *wished, result_id=NOTHING) as around:
            with pytest.raises(NotFound):
                await around.test_result(NOTHING)

    @WISHES
    async def test_the_snapshot_among_its_surroundings_is_open_if_its_contents_are_wanted(
        self, center: Center, tmp_path: Path, wished: tuple[Beside, ...]
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        async with center.open_surroundings(made.id, *wished) as around:
            source = around.snapshot.assets[0]
            assert await center.read(source, limit=10_000) == SOURCE
        with pytest.raises(Refused):
            await center.read(source, limit=10_000)
        async with center.open_surroundings(made.id, *wished, contents=False) as around:
            assert around.snapshot == await center.get_snapshot(made.id)
            assert [asset.ref for asset in around.snapshot.assets] == [""] * 4
            with pytest.raises(Refused):
                await center.read(around.snapshot.assets[0], limit=10_000)

    @pytest.mark.parametrize("what", ["", "..", "a/b", "no-such-thing", NOTHING])
    async def test_nothing_has_no_surroundings(self, center: Center, what: str) -> None:
        with pytest.raises(NotFound):
            async with center.open_surroundings(what, *Beside):
                raise AssertionError("there is none")

    @pytest.mark.parametrize("beside", [False, True])
    async def test_what_is_confirmed_tells_its_models_deployments_as_they_are_then_or_none(
        self, center: Center, tmp_path: Path, beside: bool
    ) -> None:
        model_id, made = await placed_beside_each_other(center, tmp_path)
        for _ in range(2):
            after = await center.confirm_deployment(made[1].id, beside=beside)
            assert (after.deployment.id, after.deployment.provisional) == (made[1].id, False)
            assert after.deployment.state is DeploymentState.DEPLOYED
            await tells_all_or_nothing(center, after, model_id, beside=beside)
        with pytest.raises(NotFound):
            await center.confirm_deployment(NOTHING, beside=beside)

    @pytest.mark.parametrize("beside", [False, True])
    async def test_what_is_ended_tells_its_models_deployments_as_they_are_then_or_none(
        self, center: Center, tmp_path: Path, beside: bool
    ) -> None:
        model_id, made = await placed_beside_each_other(center, tmp_path)
        for _ in range(2):
            after = await center.end_deployment(made[2].id, beside=beside)
            assert after is not None
            assert (after.deployment.id, after.deployment.state) == (made[2].id, DeploymentState.UNDEPLOYED)
            await tells_all_or_nothing(center, after, model_id, beside=beside)
        assert await center.end_deployment(NOTHING, beside=beside) is None

    async def test_a_result_is_kept_once_and_its_snapshot_opened_as_it_is_then(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        result = a_result(made.id)
        async with center.open_tested(result) as (kept, snapshot):
            assert (kept.values, kept.purpose, kept.verdict) == ({"auc": 0.9}, Purpose.BACK_TEST, None)
            assert snapshot.id == made.id
            (table,) = [asset for asset in snapshot.assets if asset.name == "limits.dmn"]
            assert await center.read(table, limit=100) == TABLE
            assert await center.read(snapshot.assets[0], limit=10_000) == SOURCE
        with pytest.raises(Refused):
            await center.read(table, limit=100)
        assert kept == await center.get_test_result(kept.id)
        await center.record_verdict(kept.id, VERDICT)
        async with center.open_tested(result.model_copy(update={"values": {"auc": 1}})) as (again, _):
            assert again == await center.get_test_result(kept.id)
            assert (again.id, again.values, again.verdict) == (kept.id, {"auc": 0.9}, VERDICT)
        assert len(await center.list_test_results(made.id)) == 1

    async def test_a_result_of_a_snapshot_that_is_gone_is_kept_all_the_same(self, center: Center) -> None:
        with pytest.raises(NotFound):
            async with center.open_tested(a_result(NOTHING)):
                raise AssertionError("there is no snapshot")
        assert [kept.values for kept in await center.list_test_results(NOTHING)] == [{"auc": 0.9}]

    async def test_a_notification_of_one_key_is_there_once_where_the_centre_sees_to_that(self, center: Center) -> None:
        first = await center.create_notification(a_notice("k"), once=True)
        again = await center.create_notification(a_notice("k", "said in other words"), once=True)
        await center.create_notification(a_notice("other"), once=True)
        listed = await center.list_notifications(snapshot_id=NOTHING)
        if Capability.CREATES_ONCE not in center.capabilities:
            assert [each.key for each in listed] == ["other", "k", "k"]  # who writes looks before
            return
        assert first.id == again.id
        assert [(each.key, each.message) for each in listed] == [("other", "said"), ("k", "said")]
        await center.close_notification(first.id, "mended")
        await center.create_notification(a_notice("k"), once=True)
        closed = (await center.list_notifications(snapshot_id=NOTHING))[-1]
        assert (closed.id, closed.open, closed.message) == (first.id, False, "mended")

    async def test_notifications_of_one_key_at_the_same_time_are_one_where_the_centre_sees_to_that(
        self, center: Center
    ) -> None:
        if Capability.CREATES_ONCE not in center.capabilities:
            pytest.skip("this centre does not see to it")
        told = await asyncio.gather(*(center.create_notification(a_notice("k"), once=True) for _ in range(8)))
        assert len({each.id for each in told}) == 1
        assert len(await center.list_notifications(snapshot_id=NOTHING)) == 1

    async def test_notifications_that_need_not_be_one_are_as_many_as_were_made(self, center: Center) -> None:
        for _ in range(2):
            await center.create_notification(a_notice("k"))
        assert len(await center.list_notifications(snapshot_id=NOTHING)) == 2
