"""Monitors at work: which are meant, their results judged by which tables, and the breach that a result belongs to."""

import uuid
from typing import Any

import pytest
from backroom import GONE, Backroom, asset

from activities.watching import BreachToKeep, NoResult, WatchJudgement
from mlc.center.modelop import wire
from mlc.model.breach import Breach
from mlc.model.job import Job, JobKind, Watched
from mlc.model.meant_monitors import Wanted
from mlc.model.result import Purpose, TestResultRecord

DRIFT = "Data Drift Monitor: Comprehensive Analysis"
NOT_OVER = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="T" namespace="urn:t">
  <decision id="t" name="T"><decisionTable id="dt" hitPolicy="COLLECT">
    <input id="i" label="drift"><inputExpression id="e" typeRef="number"><text>drift</text></inputExpression></input>
    <output id="o1" name="passes" typeRef="boolean"/><output id="o2" name="action" typeRef="string"/>
    <rule id="r1"><inputEntry id="a"><text>&gt; 0.2</text></inputEntry>
      <outputEntry id="b"><text>false</text></outputEntry>
      <outputEntry id="c"><text>ACTION</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


def over(action: str = '"Jira"', name: str = "t.dmn") -> wire.Asset:
    return asset(name, "TEST_RESULT_COMPARATOR", NOT_OVER.replace("ACTION", action))


async def monitor(room: Backroom, name: str = DRIFT, *tables: wire.Asset) -> wire.DeployableModel:
    stored = wire.StoredModel(
        model_meta_data=wire.ModelMetaData(name=name, model_category="MODEL_MONITORING_MODEL"),
        model_assets=[asset("m.py", "MODEL_SOURCE"), *tables],
    )
    made = await room.center.create_stored_model(stored)
    return await room.center.create_snapshot(wire.DeployableModel(stored_model=made))


async def carrying(room: Backroom, *monitors: wire.DeployableModel, role: str = "DATA_DRIFT_MODEL") -> str:
    on_it = [wire.Association(association_role=role, associated_model=each.wire()) for each in monitors]
    return await room.snapshot(more={"associated_models": on_it})


async def ended(room: Backroom, of: wire.DeployableModel, id_: str, metrics: bytes, name: str = DRIFT) -> Job:
    """A job of the monitor that has come to a result."""
    made = await room.center.create_job(wire.Job(job_type="MODEL_BATCH_TEST_JOB", model=of))
    output = [asset("test_result.json", "UNKNOWN", metrics).wire()]
    await room.center.patch_job(made.id, {"jobStatus": "COMPLETE", "jobResult": "SUCCESS", "outputData": output})
    return Job(id=made.id, kind=JobKind.METRICS, snapshot_id=of.id, watched=Watched(snapshot_id=id_, monitor=name))


async def judged(room: Backroom, of: wire.DeployableModel, id_: str, drift: float) -> WatchJudgement:
    job = await ended(room, of, id_, f'{{"drift": {drift}}}'.encode())
    answer: WatchJudgement = await room.run(room.watching.judge_monitor, job)
    return answer


async def test_the_monitors_that_are_meant_are_found_by_name_or_role(room: Backroom) -> None:
    others = [await monitor(room, name) for name in ("B", "A Data drift of ours", DRIFT)]
    id_ = await carrying(room, *others)
    for wanted, found in (
        ({"monitor": DRIFT}, [DRIFT]),
        ({"role": "DATA_DRIFT_MODEL"}, ["B", "A Data drift of ours", DRIFT]),
        ({"role": "DATA_DRIFT_MODEL", "called": "Data Drift"}, ["B", "A Data drift of ours", DRIFT]),
        ({"role": "DATA_DRIFT_MODEL", "called": "of ours"}, ["A Data drift of ours"]),
    ):
        assert await room.run(room.watching.find_monitors, Wanted(snapshot_id=id_, **wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "names", "role", "said"),
    [
        ({"monitor": "b"}, ["B"], "DATA_DRIFT_MODEL", "no monitor 'b'; it has 'B'"),
        ({"monitor": "B"}, ["B", "B"], "DATA_DRIFT_MODEL", "2 monitors of the name 'B'"),
        ({"role": "DATA_DRIFT_MODEL"}, ["B", "B"], "DATA_DRIFT_MODEL", "2 monitors of the name 'B'"),
        ({"monitor": "B"}, ["B"], "MODEL_USE_CASE", "no monitor 'B'; it has none"),
        ({"role": "METRICS_MODEL"}, ["B"], "DATA_DRIFT_MODEL", "no monitor in the role METRICS_MODEL"),
        ({"monitor": "B"}, [], "DATA_DRIFT_MODEL", "it has none"),
    ],
)
async def test_one_that_is_not_there_or_several_times_is_said(
    room: Backroom, wanted: dict[str, str], names: list[str], role: str, said: str
) -> None:
    id_ = await carrying(room, *[await monitor(room, name) for name in names], role=role)
    failure = await room.failure(room.watching.find_monitors, Wanted(snapshot_id=id_, **wanted))
    assert (failure.type, failure.non_retryable) == ("NoSuchMonitor", True)
    assert said in failure.message


async def test_a_snapshot_that_is_not_there_is_said(room: Backroom) -> None:
    for function, asked in (
        (room.watching.find_monitors, Wanted(snapshot_id=GONE, monitor=DRIFT)),
        (room.watching.find_monitor_snapshot, Watched(snapshot_id=GONE, monitor=DRIFT)),
    ):
        failure = await room.failure(function, asked)
        assert (failure.type, GONE in failure.message) == ("NoSuchSnapshot", True)


async def test_the_monitors_snapshot_is_the_one_that_is_carried_or_else_the_newest(room: Backroom) -> None:
    drift = await monitor(room)
    newer = await room.center.create_snapshot(wire.DeployableModel(stored_model=drift.stored_model))
    watched = Watched(snapshot_id=await carrying(room, drift), monitor=DRIFT)
    assert await room.run(room.watching.find_monitor_snapshot, watched) == drift.id
    nameless = {"storedModel": {"modelMetaData": {"name": DRIFT}}}
    told = await room.snapshot(more={"associated_models": [wire.Association(associated_model=nameless)]})
    found = await room.run(room.watching.find_monitor_snapshot, Watched(snapshot_id=told, monitor=DRIFT))
    assert found == newer.id
    unknown = {"storedModel": {"modelMetaData": {"name": "Nobody's"}}}
    told = await room.snapshot(more={"associated_models": [wire.Association(associated_model=unknown)]})
    failure = await room.failure(room.watching.find_monitor_snapshot, Watched(snapshot_id=told, monitor="Nobody's"))
    assert 'The model centre has no snapshot of the monitor "Nobody\'s"' in failure.message


async def test_a_breach_is_written_down_before_anybody_is_asked_and_goes_on_until_it_is_over(room: Backroom) -> None:
    drift = await monitor(room, DRIFT, over())
    id_ = await carrying(room, drift)
    fine = await judged(room, drift, id_, 0.1)
    assert (fine.actions, fine.before, fine.alarms) == ([], None, False)
    first = await judged(room, drift, id_, 0.3)
    opened = Breach(opened_by=first.test_result.id)
    assert (first.actions, first.before, first.alarms) == (["ticket"], None, True)
    assert (await room.port.get_test_result(first.test_result.id)).breach == opened
    second = await judged(room, drift, id_, 0.4)
    assert second.before == opened
    assert (await room.port.get_test_result(second.test_result.id)).breach == opened
    good = await judged(room, drift, id_, 0.1)
    assert (good.before, good.alarms) == (opened, False)
    await room.run(
        room.watching.keep_breach,
        BreachToKeep(result_id=good.test_result.id, breach=opened.model_copy(update={"over": True})),
    )
    assert (await judged(room, drift, id_, 0.1)).before == opened.model_copy(update={"over": True})
    assert (await judged(room, drift, id_, 0.3)).before is None


async def test_what_the_tables_asked_for_is_among_the_numbers_that_a_history_keeps(room: Backroom) -> None:
    drift = await monitor(room, DRIFT, over())
    id_ = await carrying(room, drift)
    many = ", ".join(f'"column_{number}_ks_pvalue": 0.5' for number in range(50))
    job = await ended(room, drift, id_, f'{{{many}, "drift": 0.3}}'.encode())
    judgement: WatchJudgement = await room.run(room.watching.judge_monitor, job)
    assert next(iter(judgement.test_result.metrics.items())) == ("drift", 0.3)


async def test_judging_again_says_the_same_and_is_one_result(room: Backroom) -> None:
    drift = await monitor(room, DRIFT, over())
    id_ = await carrying(room, drift)
    job = await ended(room, drift, id_, b'{"drift": 0.3}')
    once, again = [await room.run(room.watching.judge_monitor, job) for _ in range(2)]
    assert once == again
    assert len(await room.port.list_test_results(id_)) == 1


async def test_other_monitors_results_and_the_models_own_begin_and_end_nothing(room: Backroom) -> None:
    drift, other = await monitor(room, DRIFT, over()), await monitor(room, "Other", over())
    id_ = await carrying(room, drift, other)
    await judged(room, drift, id_, 0.3)
    job = await ended(room, other, id_, b'{"drift": 0.1}', "Other")
    assert (await room.run(room.watching.judge_monitor, job)).before is None
    for purpose in (Purpose.OWN, Purpose.BACK_TEST, Purpose.MONITOR):
        await room.port.keep_test_result(
            TestResultRecord(id="", snapshot_id=id_, job_id=str(uuid.uuid4()), purpose=purpose, values={"drift": 0.1})
        )
    assert (await judged(room, drift, id_, 0.3)).before is not None


@pytest.mark.parametrize("lacks", [{}, {"t.dmn": "<definitions>"}])
async def test_a_table_that_cant_be_read_is_no_pass(room: Backroom, lacks: dict[str, Any]) -> None:
    tables = [asset(name, "TEST_RESULT_COMPARATOR", content) for name, content in lacks.items()]
    drift = await monitor(room, DRIFT, *tables or [asset("t.dmn", "TEST_RESULT_COMPARATOR", "x" * 30_000)])
    judgement = await judged(room, drift, await carrying(room, drift), 0.1)
    assert judgement.actions == ["ticket"]
    assert "t.dmn can't be used." in judgement.verdict.problems[0]


async def test_no_result_is_kept_as_one_and_is_no_pass(room: Backroom) -> None:
    id_ = await carrying(room, await monitor(room))
    lack = NoResult(
        watched=Watched(snapshot_id=id_, monitor=DRIFT), first_run_id="r", message="The data are gone." * 1_000
    )
    once, again = [await room.run(room.watching.judge_no_result, lack) for _ in range(2)]
    assert once == again
    (kept,) = await room.port.list_test_results(id_)
    assert (kept.monitor, kept.purpose, kept.values) == (DRIFT, "monitor", {})
    assert kept.verdict is not None
    assert (kept.verdict.passed, once.actions) == (False, ["ticket"])
    assert kept.verdict.problems[0].startswith("The monitor came to no result. The data are gone.")
    assert len(kept.verdict.problems[0]) <= 1_000
