"""A file of online requests among the production data of a monitor's job: records that have their scores in them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from small_models import embedded
from test_joined_truth import truth
from test_production_data import BASELINE, MONITOR, hashed, job, production, scores

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.model.online_requests import OnlineSpan
from mlc.model.scored import ONLINE, Batch, Production, TruthColumns

Run = Callable[..., Any]
ANSWERED = Batch(job_id=ONLINE, inputs=1, outputs=0, online=OnlineSpan(count=2))
SCORED = Batch(job_id="j", inputs=1, outputs=1)


def asked(*records: dict[str, Any], name: str = "online-requests.jsonl") -> wire.Asset:
    return embedded(name, "".join(json.dumps(record) + "\n" for record in records))


def of(*batches: Batch, rows: int | None = None, labels: bool = False) -> dict[str, Any]:
    columns = TruthColumns(identifier="id", label="bad") if labels else None
    return job(Production(place=1, batches=list(batches), rows=rows, truth=columns).parameters())


@pytest.mark.parametrize("first", ["online", "job"])
async def test_it_is_read_among_the_jobs_as_one_batch(call: Run, first: str) -> None:
    online = [asked({"a": 1, "score": 0.1}, {"a": 2, "score": 0.2})]
    batch = [embedded("in.csv", "a\n3\n"), scores("out.jsonl", 0.3)]
    parts, batches = (
        ([*online, *batch], [ANSWERED, SCORED]) if first == "online" else ([*batch, *online], [SCORED, ANSWERED])
    )
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, *parts, job=of(*batches))
    columns, rows = production(ran)
    assert columns == ["a", "score"]
    newest_last = [[3, 0.3], [1, 0.1], [2, 0.2]] if first == "online" else [[1, 0.1], [2, 0.2], [3, 0.3]]
    assert rows == newest_last
    told = ran.runtime_info["production"]
    counts = {ONLINE: 2, "j": 1}
    assert told == {
        "records": 3,
        "jobs": [{"job": each.job_id, "records": counts[each.job_id]} for each in batches],
        "leftOut": {},
    }


async def test_a_window_takes_its_newest_rows(call: Run) -> None:
    file = asked(*({"a": number, "score": number} for number in range(5)))
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, file, job=of(ANSWERED, rows=2))
    assert production(ran)[1] == [[3, 3], [4, 4]]
    assert ran.runtime_info["production"]["jobs"] == [{"job": ONLINE, "records": 2}]


async def test_a_column_that_some_callers_leave_out_is_null_there(call: Run) -> None:
    file = asked({"a": 1, "score": 1}, {"score": 2})
    columns, rows = production(await call(JobKind.METRICS, MONITOR, BASELINE, file, job=of(ANSWERED)))
    assert dict(zip(columns, rows[1], strict=True)) == {"a": None, "score": 2}


async def test_labels_that_came_later_are_joined_to_it(call: Run) -> None:
    file = asked({"id": "7", "score": 1}, {"id": 7, "score": 2}, {"id": "x", "score": 3}, {"score": 4})
    ran = await call(JobKind.METRICS, MONITOR, BASELINE, truth({7: 1, "y": 0}), file, job=of(ANSWERED, labels=True))
    columns, rows = production(ran)
    assert [row[columns.index("bad")] for row in rows] == [1, 1, None, None]
    counted = ran.runtime_info["production"]["truth"]
    assert counted == {"known": 2, "matched": 2, "unmatchedRecords": 2, "unmatchedTruth": 1}


async def test_one_that_is_not_what_it_was_is_left_out_and_one_that_is_gone_too(call: Run) -> None:
    batch = [embedded("in.csv", "a\n3\n"), scores("out.jsonl", 0.3)]
    for file, why in (
        (hashed(asked({"a": 1, "score": 1}), b"other"), "its SHA-256 differs"),
        (wire.Asset(name="online-requests.jsonl", filename="online-requests.jsonl"), "online-requests.jsonl"),
        (asked({"a": 1}, name="gone.xyz"), "format"),
    ):
        ran = await call(JobKind.METRICS, MONITOR, BASELINE, file, *batch, job=of(ANSWERED, SCORED))
        assert production(ran)[1] == [[3, 0.3]]
        assert why in ran.runtime_info["production"]["leftOut"][ONLINE]
