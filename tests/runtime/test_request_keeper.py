"""Online requests on their way to the centre: each schedule of answers, outages and ends is stepped by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from servers import eventually

from mlc.center.capability import Unsupported
from mlc.model.failure import NotFound, Unavailable
from mlc.model.online_requests import LONGEST_RECORD, OnlineBatch
from mlc.model.snapshot import Model, Schema
from mlc.runtime import outages
from mlc.runtime.kept_columns import KeptColumns, kept_columns
from mlc.runtime.request_keeper import Limits, RequestKeeper

COLUMNS = KeptColumns(("id", "a"), ("score",), "id")
NOW = Limits(age=0.01)
FIELDS = [
    {"name": "id", "type": "string", "role": "identifier"},
    {"name": "a", "type": "double", "role": "predictor", "dataClass": "numerical"},
    {"name": "score", "type": "double", "role": "score", "dataClass": "numerical"},
]


class Centre:
    """Keeps batches once each, as the centre does, when it lets itself be reached."""

    def __init__(self) -> None:
        self.kept: dict[str, OnlineBatch] = {}
        self.calls = 0
        self.here = asyncio.Event()
        self.here.set()
        self.errors: list[Exception] = []
        self.lost_answers = 0

    async def keep_online_requests(self, batch: OnlineBatch) -> None:
        self.calls += 1
        await self.here.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.kept.setdefault(batch.id, batch)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("model centre", "The answer was lost.", maybe_done=True)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [request.record for batch in self.kept.values() for request in batch.requests]

    @property
    def missed(self) -> int:
        return sum(batch.missed for batch in self.kept.values())


@pytest.fixture
def centre() -> Centre:
    return Centre()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "LONGEST_PAUSE", 0.01)


@asynccontextmanager
async def keeping(centre: Centre, limits: Limits = NOW, grace: float = 30) -> AsyncIterator[RequestKeeper]:
    keeper = RequestKeeper(centre, grace=grace, limits=limits)  # type: ignore[arg-type]  # it asks for nothing else
    running = asyncio.create_task(keeper.run())
    yield keeper
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def answer(
    keeper: RequestKeeper, *records: Any, to: str = "d", score: Any = 0.5, columns: KeptColumns = COLUMNS
) -> None:
    outcomes = [{"outcome": "scored", "results": [score]} for _ in records]
    keeper.offer(to, columns, list(records), outcomes)


async def reached(what: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return what()

    await eventually(holds, seconds=60)


async def test_what_was_answered_comes_with_its_score_its_id_and_the_columns_of_the_schema_alone(
    centre: Centre,
) -> None:
    async with keeping(centre) as keeper:
        answer(keeper, {"id": 7.0, "a": 1, "name": "Ada", "score": 99}, {"id": None, "a": 2}, {"a": 3})
        answer(keeper, {"id": "x", "a": 4}, score={"score": 0.25, "why": "secret"})
        await reached(lambda: len(centre.records) == 4)
    assert centre.records == [
        {"id": 7.0, "a": 1, "score": 0.5},
        {"id": None, "a": 2, "score": 0.5},
        {"a": 3, "score": 0.5},
        {"id": "x", "a": 4, "score": 0.25},
    ]
    requests = [each for batch in centre.kept.values() for each in batch.requests]
    assert [each.record_id for each in requests] == ["7", None, None, "x"]
    assert all(each.moment.tzinfo for each in requests)


async def test_only_answered_records_are_kept_and_what_is_none_is_counted(centre: Centre) -> None:
    async with keeping(centre) as keeper:
        refused = {"outcome": "refused", "message": "no", "columns": {}}
        failed = {"outcome": "failed", "message": "no"}
        good = {"outcome": "scored", "results": [1]}
        keeper.offer("d", COLUMNS, [{"a": 1}, {"a": 2}, {"a": 3}], [refused, good, failed])
        several = {"outcome": "scored", "results": [1, 2]}
        keeper.offer("d", COLUMNS, [[1], {"id": [1], "a": 4}, {"a": 5}], [good, good, several])
        answer(keeper, {"a": "\ud800"}, {"a": "x" * LONGEST_RECORD}, {"id": "y" * 10_000_000, "a": 6}, {"a": 7})
        await reached(lambda: len(centre.records) == 2 and centre.missed == 6)
    assert [each["a"] for each in centre.records] == [2, 7]


async def test_many_records_in_one_request_are_batches_none_of_which_is_too_large(centre: Centre) -> None:
    async with keeping(centre, Limits(batch=70, age=0.01)) as keeper:
        answer(keeper, *({"a": number} for number in range(1_000)))
        await reached(lambda: len(centre.records) == 1_000)
    assert [each["a"] for each in centre.records] == list(range(1_000))
    assert max(len(batch.requests) for batch in centre.kept.values()) == 70


async def test_a_batch_ends_at_its_bytes(centre: Centre) -> None:
    async with keeping(centre, Limits(batch_bytes=1_000, age=0.01)) as keeper:
        answer(keeper, *({"a": "x" * 600} for _ in range(6)))
        await reached(lambda: len(centre.records) == 6)
    assert [len(batch.requests) for batch in centre.kept.values()] == [2, 2, 2]


async def test_a_batch_whose_answer_is_lost_is_sent_again_under_its_id(centre: Centre) -> None:
    centre.lost_answers = 3
    async with keeping(centre) as keeper:
        answer(keeper, {"a": 1})
        await reached(lambda: centre.calls == 4)
    assert (len(centre.kept), centre.records) == (1, [{"a": 1, "score": 0.5}])


async def test_while_the_centre_is_away_what_finds_no_room_is_counted_and_told_with_the_next_batch(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    centre.here.clear()
    async with keeping(centre, Limits(most=10, age=0.01)) as keeper:
        answer(keeper, {"a": 0})
        await reached(lambda: centre.calls == 1)  # it is on its way, and holds no room any more
        answer(keeper, *({"a": number} for number in range(1, 31)))
        await asyncio.sleep(0)
        centre.here.set()
        await reached(lambda: len(centre.records) == 11 and centre.missed == 20)
        answer(keeper, {"a": "after"})
        await reached(lambda: len(centre.records) == 12)
    assert [each["a"] for each in centre.records] == [*range(11), "after"]
    assert centre.missed == 20
    told = next(batch for batch in centre.kept.values() if batch.missed)
    assert told.since is not None
    assert "as many as may: more are not kept" in caplog.text
    assert "after" not in caplog.text


async def test_the_room_is_bounded_by_bytes_too(centre: Centre) -> None:
    centre.here.clear()
    async with keeping(centre, Limits(most_bytes=2_000, age=60)) as keeper:
        answer(keeper, *({"a": "x" * 900} for _ in range(5)))
        await asyncio.sleep(0)
        centre.here.set()
    assert (len(centre.records), centre.missed) == (2, 3)


@pytest.mark.parametrize("error", [NotFound("model centre", "gone"), Unsupported("model centre", "no", status=501)])
async def test_what_the_centre_refuses_is_counted_and_said_once_and_the_next_is_sent(
    centre: Centre, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    centre.errors = [error, error]
    async with keeping(centre) as keeper:
        for number in range(2):
            answer(keeper, {"a": f"secret {number}"})
            await reached(lambda number=number: len(centre.errors) == 1 - number)
        answer(keeper, {"a": 3})
        await reached(lambda: centre.missed == 2)
    assert [each["a"] for each in centre.records] == [3]
    assert caplog.text.count("Online requests of the deployment d are not kept") == 1
    assert "secret" not in caplog.text


async def test_a_fault_in_sending_ends_nothing_and_says_no_value(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    centre.errors = [RuntimeError("secret")]
    async with keeping(centre) as keeper:
        answer(keeper, {"a": 1})
        await reached(lambda: not centre.errors)
        answer(keeper, {"a": 2})
        await reached(lambda: len(centre.records) == 1)
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


async def test_each_deployment_has_its_batches_and_its_turn(centre: Centre) -> None:
    centre.here.clear()
    async with keeping(centre, Limits(batch=2, age=60)) as keeper:
        for number in range(4):
            for to in ("d", "e"):
                answer(keeper, {"a": number}, to=to)
        await asyncio.sleep(0)
        centre.here.set()
    assert [batch.deployment_id for batch in centre.kept.values()] == ["d", "e", "d", "e"]


async def test_at_the_end_what_is_left_is_sent_and_so_is_what_was_missed(centre: Centre) -> None:
    async with keeping(centre, Limits(age=600)) as keeper:
        answer(keeper, {"a": 1})
        answer(keeper, [1], to="e")
        await asyncio.sleep(0)
    assert (len(centre.records), centre.missed) == (1, 1)


async def test_at_the_end_a_batch_under_way_is_sent_again_under_its_id(centre: Centre) -> None:
    centre.here.clear()
    async with keeping(centre) as keeper:
        answer(keeper, {"a": 1})
        await reached(lambda: centre.calls == 1)
        centre.here.set()
    assert (len(centre.kept), len(centre.records)) == (1, 1)


async def test_at_the_end_a_centre_that_is_away_is_not_waited_for_and_the_log_says_what_is_lost(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    centre.here.clear()
    async with keeping(centre, grace=0.05) as keeper:
        answer(keeper, {"a": 1})
        await reached(lambda: centre.calls == 1)
        answer(keeper, {"a": 2}, [3])
        await asyncio.sleep(0)
    assert not centre.kept
    assert "is not told of 2 online requests, nor that 1 were not kept" in caplog.text


def test_of_records_the_schemas_columns_are_kept() -> None:
    columns, why = kept_columns(model(FIELDS))
    assert (columns, why) == (COLUMNS, "")
    assert columns is not None
    assert columns.record({"a": 1, "b": 2}, [0.5]) == {"a": 1, "score": 0.5}
    assert columns.record({"a": 1}, [{"other": 1}]) == {"a": 1}
    for sent, results in (([1], [1]), ("text", [1]), ({"a": 1}, []), ({"a": 1}, [[1, 2]])):
        assert columns.record(sent, results) is None


def test_two_identifier_columns_are_none() -> None:
    columns, _ = kept_columns(model([*FIELDS, {"name": "id2", "type": "string", "role": "identifier"}]))
    assert columns is not None
    assert columns.identifier is None


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Model(), "it has no extended input schema"),
        (Model(input_schemas=[Schema(definition={}), Schema(definition={})]), "it has 2 input schemas"),
        (Model(input_schemas=[Schema(definition=None)]), "is no use for monitors. The schema is no Avro record"),
        (Model(input_schemas=[Schema(definition={"type": "array", "items": "int"})]), "is no Avro record"),
        (
            Model(input_schemas=[Schema(definition={"type": "record", "fields": [{"name": "a", "type": "int"}]})]),
            "'a' has no role",
        ),
    ],
)
def test_without_one_extended_schema_nothing_is_kept_and_a_sentence_says_why(made: Model, why: str) -> None:
    columns, said = kept_columns(made)
    assert columns is None
    assert said.startswith("Its online requests are not kept for its monitors: ")
    assert why in said


def model(fields: list[dict[str, Any]]) -> Model:
    return Model(input_schemas=[Schema(definition={"type": "record", "name": "r", "fields": fields})])
