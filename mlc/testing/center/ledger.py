"""The contract of a ledger, second part: runtimes, deployments, schedules, monitors on snapshots, notifications."""

import asyncio
import uuid
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlc.center import Center, NewDeployment, NewMonitor
from mlc.model.asset import AssetRole
from mlc.model.binding import BoundFile
from mlc.model.decision import DecisionRecord, RecordEvent
from mlc.model.deployment import DeploymentMode, DeploymentRecord, DeploymentState, Rank, Runtime
from mlc.model.failure import NotFound, Refused
from mlc.model.notification import Notification, NotificationKind, Severity
from mlc.model.schedule import Schedule, Timing
from mlc.model.snapshot import Snapshot, SnapshotOrder
from mlc.testing.center.models import DATA, SOURCE, TABLE, a_model, a_snapshot, some_files

NOTHING = str(uuid.UUID(int=0))
SCHEDULE = Schedule(
    id="s-1",
    name="weekly",
    cron="0 0 6 * * ?",
    time_zone="Europe/Berlin",
    signal="com.example.Signal",
    variables={"MODEL_ID": "x", "INPUT_FILE": {"fileUrl": "https://example.org/in.csv"}},
    rest={"enabled": True, "metaData": {"tags": ["t"]}},
)
ONLINE = Runtime(name="online", stage="dev", endpoint="http://runtime:8093/online/api")


def a_record(snapshot_id: str, key: str, event: RecordEvent) -> DecisionRecord:
    """An entry as any run writes it."""
    return DecisionRecord(
        key=key,
        snapshot_id=snapshot_id,
        workflow_id="w",
        first_run_id="r",
        event=event,
        at=datetime.now(UTC),
        digest="d",
        files=[BoundFile(name="model.pkl", role=AssetRole.WEIGHTS_FILE, sha256="ab", functions={"score": "action"})],
        policy={"on_failed_verdict": "reject"},
    )


async def deployed(center: Center, made: Snapshot, runtime: Runtime | None = None, key: str = "") -> DeploymentRecord:
    async with center.open_snapshot(made.id) as snapshot:
        return await center.create_deployment(NewDeployment(key or str(uuid.uuid4()), snapshot, "dev", runtime))


class LedgerContract:
    """What the port promises of deployments and notifications, kept by the adapter of the fixture ``center``."""

    async def test_a_runtime_is_registered_by_its_name_and_updated(self, center: Center) -> None:
        heard = datetime.now(UTC)
        runtime = Runtime(name="r", stage="dev", tags=["a"], platforms={"python": "3.12"}, heartbeat=heard)
        first = await center.register_runtime(runtime)
        await center.register_runtime(runtime.model_copy(update={"tags": ["b"]}))
        (listed,) = await center.list_runtimes()
        assert (listed.id, listed.name, listed.stage, listed.tags) == (first.id, "r", "dev", ["b"])
        assert listed.platforms == {"python": "3.12"}
        assert (listed.mode, listed.failed) == (DeploymentMode.BATCH, False)
        assert listed.heartbeat is not None
        assert abs((listed.heartbeat - heard).total_seconds()) < 60

    async def test_a_runtime_tells_that_it_serves_online_or_has_failed(self, center: Center) -> None:
        await center.register_runtime(ONLINE)
        await center.register_runtime(Runtime(name="failed", failed=True))
        online, failed = sorted(await center.list_runtimes(), key=lambda runtime: runtime.failed)
        assert (online.endpoint, online.mode, online.heartbeat) == (ONLINE.endpoint, DeploymentMode.ONLINE, None)
        assert (failed.failed, failed.mode) == (True, DeploymentMode.BATCH)

    async def test_a_runtime_tells_that_it_holds_one_model_only(self, center: Center) -> None:
        await center.register_runtime(ONLINE)
        await center.register_runtime(ONLINE.model_copy(update={"name": "small", "single_model": True}))
        assert {r.name: r.single_model for r in await center.list_runtimes()} == {"online": False, "small": True}

    async def test_a_rank_goes_with_its_deployment_which_is_provisional_until_it_is_confirmed(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        assert made.created is not None
        rank = Rank.of(SnapshotOrder(created=made.created - timedelta(days=1), id="other")).above(made.order)
        runtime = await center.register_runtime(ONLINE)
        async with center.open_snapshot(made.id) as snapshot:
            created = await center.create_deployment(NewDeployment("k", snapshot, "dev", runtime, rank))
        assert (created.rank, created.provisional, created.order) == (rank, True, made.order)
        await center.finish_loading(created.id, DeploymentState.DEPLOYED)
        for _ in range(2):
            await center.confirm_deployment(created.id)
        (listed,) = await center.list_deployments(snapshot_id=made.id)
        assert (listed.rank, listed.provisional, listed.state) == (rank, False, DeploymentState.DEPLOYED)
        await center.end_deployment(created.id)
        await center.confirm_deployment(created.id)
        assert (await center.get_deployment(created.id)).state is DeploymentState.UNDEPLOYED
        other = await deployed(center, made)
        assert (other.rank, other.provisional) == (Rank.of(made.order), False)

    async def test_a_batch_deployment_is_deployed_at_once(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        created = await deployed(center, made, key="k")
        deployment = await center.get_deployment(created.id)
        assert (deployment.state, deployment.stage) == (DeploymentState.DEPLOYED, "dev")
        assert (deployment.snapshot_id, deployment.snapshot_name) == (made.id, made.name)
        assert (deployment.model_id, deployment.runtime_id, deployment.key) == (made.model.id, None, "k")
        assert deployment.snapshot is None

    async def test_a_key_makes_one_deployment(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        first = await deployed(center, made, key="k")
        assert (await deployed(center, made, key="k")).id == first.id
        assert (await deployed(center, made, key="other")).id != first.id

    async def test_an_open_deployment_carries_its_snapshots_contents(self, center: Center, tmp_path: Path) -> None:
        created = await deployed(center, await a_snapshot(center, tmp_path))
        async with center.open_deployment(created.id) as deployment:
            assert deployment.snapshot is not None
            assert await center.read(deployment.snapshot.assets[0], limit=10_000) == SOURCE
            await center.save_definition(deployment, tmp_path / "definition.json")
        assert created.id in (tmp_path / "definition.json").read_text()
        with pytest.raises(Refused):
            await center.read(deployment.snapshot.assets[0], limit=10_000)

    @pytest.mark.parametrize("end", [DeploymentState.DEPLOYED, DeploymentState.FAILED])
    async def test_a_runtime_finishes_loading_once(self, center: Center, tmp_path: Path, end: DeploymentState) -> None:
        runtime = await center.register_runtime(ONLINE)
        created = await deployed(center, await a_snapshot(center, tmp_path), runtime)
        assert (created.state, created.runtime_id, created.runtime_name) == (
            DeploymentState.DEPLOYING,
            runtime.id,
            "online",
        )
        finished = await center.finish_loading(created.id, end, ["no", "memory"])
        assert (finished.state, finished.messages) == (end, ["no", "memory"])
        for other in (DeploymentState.DEPLOYED, DeploymentState.FAILED):
            again = await center.finish_loading(created.id, other, ["later"])
            assert (again.state, again.messages) == (end, ["no", "memory"])

    async def test_a_deployment_tells_where_it_answers_and_what_should_be_known_of_it(
        self, center: Center, tmp_path: Path
    ) -> None:
        runtime = await center.register_runtime(ONLINE)
        made = await a_snapshot(center, tmp_path)
        created = await deployed(center, made, runtime)
        assert (created.address, created.warning) == ("", "")
        loaded, address = DeploymentState.DEPLOYED, "http://runtime:8093/online/deployments/x/score"
        await center.finish_loading(created.id, loaded, address=address, warning="not tried")
        for moved in ("", address, "http://elsewhere/x"):  # the runtime may be started again, at another address
            told = await center.finish_loading(created.id, loaded, address=moved, warning="another")
            assert (told.state, told.address, told.warning) == (loaded, moved or address, "not tried")
        failed = await deployed(center, made, runtime)
        await center.finish_loading(failed.id, DeploymentState.FAILED)
        await center.finish_loading(failed.id, loaded, address=address)
        for listed, wanted in zip(await center.list_deployments(runtime_id=runtime.id), ("", moved), strict=True):
            assert listed.address == wanted

    async def test_a_deployment_that_ended_stays_so_and_has_no_schedules(self, center: Center, tmp_path: Path) -> None:
        created = await deployed(center, await a_snapshot(center, tmp_path))
        await center.set_schedules(created.id, [SCHEDULE])
        for _ in range(2):
            await center.end_deployment(created.id)
        assert (await center.finish_loading(created.id, DeploymentState.DEPLOYED)).state is DeploymentState.UNDEPLOYED
        ended = await center.get_deployment(created.id)
        assert (ended.state, ended.schedules) == (DeploymentState.UNDEPLOYED, [])

    async def test_deployments_are_found_by_what_they_belong_to(self, center: Center, tmp_path: Path) -> None:
        model = await center.save_model(a_model(), some_files(tmp_path))
        one, two = [await a_snapshot(center, tmp_path, name, model=model) for name in ("one", "two")]
        runtime = await center.register_runtime(ONLINE)
        first, second = await deployed(center, one, runtime), await deployed(center, two)
        other = await deployed(center, await a_snapshot(center, tmp_path))

        async def found(**by: str) -> list[str]:
            return [deployment.id for deployment in await center.list_deployments(**by)]

        assert await found() == [other.id, second.id, first.id]
        assert await found(model_id=model.id) == [second.id, first.id]
        assert await found(snapshot_id=two.id) == [second.id]
        assert await found(runtime_id=runtime.id) == [first.id]
        assert await found(snapshot_id=two.id, runtime_id=runtime.id) == []

    async def test_deployments_are_walked_through_by_state_newest_first(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        active = [await deployed(center, made) for _ in range(4)]
        ended = await deployed(center, made)
        await center.end_deployment(ended.id)
        walked = [d.id async for d in center.iter_deployments(state=DeploymentState.DEPLOYED)]
        assert walked == [deployment.id for deployment in reversed(active)]
        assert len([d async for d in center.iter_deployments()]) == 5
        async with aclosing(center.iter_deployments(state=DeploymentState.UNDEPLOYED)) as some:
            async for deployment in some:
                assert deployment.id == ended.id
                break

    async def test_what_changed_since_a_moment_is_told_by_its_model_or_not_at_all(
        self, center: Center, tmp_path: Path
    ) -> None:
        first, second = [await deployed(center, await a_snapshot(center, tmp_path)) for _ in range(2)]
        before = await center.changes(None)
        if before is None:
            pytest.skip("this centre can't tell")
        assert before.until is not None
        assert before.models == []
        await center.set_schedules(first.id, [SCHEDULE])
        since = await center.changes(before.until)
        assert since is not None
        assert since.until is not None
        assert since.until > before.until
        assert [of.model_id for of in since.models] == [first.model_id]
        assert await center.changes(since.until) == since.model_copy(update={"models": []})
        await center.end_deployment(second.id)
        ended = await center.changes(since.until)
        assert ended is not None
        assert [(of.model_id, of.snapshot_id) for of in ended.models] == [(second.model_id, second.snapshot_id)]

    async def test_schedules_are_kept_as_they_are_and_no_others(self, center: Center, tmp_path: Path) -> None:
        created = await deployed(center, await a_snapshot(center, tmp_path))
        other = SCHEDULE.model_copy(update={"id": "s-2", "name": "", "time_zone": "", "rest": {}})
        await center.set_schedules(created.id, [SCHEDULE, other])
        assert (await center.get_deployment(created.id)).schedules == [SCHEDULE, other]
        await center.set_schedules(created.id, [other])
        assert (await center.get_deployment(created.id)).schedules == [other]
        assert (await center.list_deployments())[0].schedules[0].signal == SCHEDULE.signal

    async def test_monitors_are_added_beside_those_that_are_there(self, center: Center, tmp_path: Path) -> None:
        watcher = await center.save_model(
            a_model("watcher", is_monitor=True, association_role="DATA_DRIFT_MODEL"), some_files(tmp_path)
        )
        monitor = await a_snapshot(center, tmp_path, "watcher_v1", model=watcher)
        made = await a_snapshot(center, tmp_path)
        for number in (1, 2):
            async with center.open_snapshot(made.id) as snapshot, center.open_snapshot(monitor.id) as carried:
                new = NewMonitor(
                    carried,
                    snapshot.with_role(AssetRole.TEST_DATA),
                    snapshot.with_role(AssetRole.TEST_RESULT_COMPARATOR),
                    [SCHEDULE],
                    Timing(cron="0 0 3 * * ?", time_zone="Europe/Vienna"),
                )
                await center.add_monitors(snapshot, [new])
            async with center.open_snapshot(made.id) as snapshot:
                assert [(on.name, on.snapshot_id) for on in snapshot.monitors] == [("watcher", monitor.id)] * number
                for on in snapshot.monitors:
                    data, table = on.assets
                    assert data.usage
                    assert await center.read(data, limit=len(DATA)) == DATA
                    assert await center.read(table, limit=100) == TABLE
                    brought, timed = on.schedules
                    assert brought == SCHEDULE
                    assert (timed.cron, timed.time_zone) == ("0 0 3 * * ?", "Europe/Vienna")
                assert len({on.schedules[1].id for on in snapshot.monitors}) == 1, "it follows from snapshot and name"
                assert len(snapshot.assets) == 4

    async def test_notifications_are_listed_newest_first_and_closed(self, center: Center) -> None:
        snapshot_id = str(uuid.uuid4())
        for number in range(3):
            new = Notification(
                key=f"k{number}",
                kind=NotificationKind.MODEL_TEST,
                severity=Severity.WARN,
                message=str(number),
                snapshot_id=snapshot_id,
                model_id=NOTHING,
            )
            await center.create_notification(new)
        await center.create_notification(Notification(message="of nothing"))
        assert [n.message for n in await center.list_notifications()] == ["of nothing", "2", "1", "0"]
        newest, *_ = found = await center.list_notifications(snapshot_id=snapshot_id)
        assert [n.key for n in found] == ["k2", "k1", "k0"]
        assert (newest.kind, newest.severity, newest.open) == (NotificationKind.MODEL_TEST, Severity.WARN, True)
        assert (newest.snapshot_id, newest.model_id) == (snapshot_id, NOTHING)
        await center.close_notification(newest.id, "mended")
        closed = (await center.list_notifications(snapshot_id=snapshot_id))[0]
        assert (closed.open, closed.message, closed.key) == (False, "mended", "k2")

    async def test_what_is_not_there_is_not_found(self, center: Center) -> None:
        for asked in (
            center.get_deployment(NOTHING),
            center.get_job(NOTHING),
            center.get_test_result(NOTHING),
            center.set_schedules(NOTHING, []),
            center.begin_job("no such"),
        ):
            with pytest.raises(NotFound):
                await asked
        await center.end_deployment(NOTHING)

    async def test_decision_records_are_only_ever_added_to(self, center: Center, tmp_path: Path) -> None:
        made, other = await a_snapshot(center, tmp_path), await a_snapshot(center, tmp_path, "other_v1")
        asked = a_record(made.id, "k1", RecordEvent.ASKED)
        assert await center.append_decision(asked) == asked
        # The same key again, from a try that got no answer, or from somebody who would overwrite it.
        forged = asked.model_copy(update={"note": "something else"})
        assert await center.append_decision(forged) == asked
        decided = a_record(made.id, "k2", RecordEvent.DECIDED)
        await center.append_decision(decided)
        await center.append_decision(a_record(other.id, "k3", RecordEvent.DECIDED))
        assert await center.list_decisions(made.id) == [asked, decided]
        assert [record.key for record in await center.list_decisions(other.id)] == ["k3"]
        assert await center.list_decisions(NOTHING) == []
        read = await center.get_snapshot(made.id)
        assert read == made

    async def test_entries_of_two_runs_at_the_same_time_are_both_kept(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        records = [a_record(made.id, f"k{number}", RecordEvent.ENDED) for number in range(6)]
        await asyncio.gather(*(center.append_decision(record) for record in [*records, *records]))
        kept = [record.key for record in await center.list_decisions(made.id)]
        assert sorted(kept) == [record.key for record in records]
