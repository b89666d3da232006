"""Truth in the centre's database: the last time wins, whoever sends it when. Each schedule is stepped by hand."""

import csv
import io
import itertools
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from database.test_store_races import Held, in_thread, once_it_begins

from mlc.model.truth import KeptTruth as Kept
from mlc.model.truth import Truth, as_csv, identifier_of, label_of
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.store import Store
from mlc.standalone.center.truth import table

Stores = tuple[Store, Store]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_model(store: Store) -> str:
    return str(store.create(KINDS["storedModels"], {"modelMetaData": {"name": "m"}})["id"])


def true(identifier: object, label: object, hours: float = 0) -> Truth:
    return Truth(identifier_of(identifier), label_of(label), NOON + timedelta(hours=hours))


def known(store: Store, model: str) -> dict[str, Any]:
    made = store.truth.file(model)
    if made is None:
        return {}
    text = (store.files.content(made.digest, made.size) or b"").decode()
    return {row["id"]: json.loads(row["label"]) for row in csv.DictReader(io.StringIO(text, newline=""))}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_last_time_wins_in_whatever_order_truth_arrives(stores: Stores, order: tuple[int, ...]) -> None:
    model, rows = a_model(stores[0]), [true("a", hour, hour) for hour in range(3)]
    for turn, place in enumerate(order):
        stores[turn % 2].truth.keep(model, [rows[place]])
    assert known(stores[0], model) == known(stores[1], model) == {"a": 2}
    assert stores[0].truth.keep(a_model(stores[0]), [rows[place] for place in order]) == Kept(1, 0, 2, 0)


def test_what_became_of_each_row_is_told(stores: Stores) -> None:
    truth, model = stores[0].truth, a_model(stores[0])
    assert truth.keep(model, [true("a", 1), true("b", 1)]) == Kept(new=2)
    again = [true("a", 1), true("b", 2), true("c", 3), true("c", 4, -1)]
    assert truth.keep(model, again) == Kept(new=1, replaced=1, older=1, same=1)
    assert truth.keep(model, [true("a", 9, -1)]) == Kept(older=1)
    assert truth.keep(model, []) == Kept()
    assert known(stores[1], model) == {"a": 1, "b": 2, "c": 3}


def test_of_equal_times_the_one_that_arrives_later_is_right(stores: Stores) -> None:
    model = a_model(stores[0])
    assert stores[0].truth.keep(model, [true("a", "no"), true("a", "yes")]) == Kept(new=1, older=1)
    assert known(stores[0], model) == {"a": "yes"}
    assert stores[1].truth.keep(model, [true("a", "no")]) == Kept(replaced=1)
    assert known(stores[0], model) == {"a": "no"}


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_that_are_written_at_once_the_last_time_wins(stores: Stores, first: int) -> None:
    """The second one waits for the first one's row; it sees what was committed, not what was there when it began."""
    one, other = stores
    model, rows = a_model(one), [true("a", "older"), true("a", "newer", 1)]
    held = Held(one.engine, "INSERT INTO truth")
    awaited = "BEGIN IMMEDIATE" if one.engine.dialect.name == "sqlite" else "INSERT INTO truth"
    once_it_begins(other.engine, awaited, lambda: threading.Timer(0.1, held.may_commit.set).start())
    began, of_first = in_thread(lambda: one.truth.keep(model, [rows[first]]))
    assert held.has_written.wait(60)
    followed, of_second = in_thread(lambda: other.truth.keep(model, [rows[1 - first]]))
    for thread in (began, followed):
        thread.join(60)
    assert [*of_first, *of_second] == [Kept(new=1), Kept(older=1) if first else Kept(replaced=1)]
    assert known(other, model) == {"a": "newer"}


def test_truth_of_many_is_written_in_pieces_each_row_once(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "AT_ONCE", 7)
    model, other = a_model(stores[0]), a_model(stores[0])
    odd = ['"', "a,b", "line\nand\r\nline", " b ", "ä€", "A", "a", "ß", "07", "-", "__", "Ä"]
    rows = {**{str(number): number / 4 for number in range(50)}, **dict.fromkeys(odd, "x,\n")}
    stores[0].truth.keep(model, [true(identifier, label) for identifier, label in rows.items()])
    stores[0].truth.keep(other, [true("elsewhere", True)])
    assert known(stores[1], model) == rows
    assert known(stores[1], other) == {"elsewhere": True}


def test_thousands_of_rows_at_once_are_kept_and_told_one_by_one(stores: Stores) -> None:
    model, rows = a_model(stores[0]), [true(number, number % 2) for number in range(2_500)]
    assert stores[0].truth.keep(model, rows) == Kept(new=2_500)
    assert stores[1].truth.keep(model, rows) == Kept(same=2_500)
    later = [true(number, number % 2, 1) for number in range(1_000, 3_000)]
    assert stores[1].truth.keep(model, rows[:500] + later) == Kept(new=500, replaced=1_500, same=500)


def test_the_same_truth_is_the_same_file(stores: Stores) -> None:
    model = a_model(stores[0])
    assert stores[0].truth.file(model) is None
    stores[0].truth.keep(model, [true("a", 1)])
    first = stores[0].truth.file(model)
    assert first == stores[1].truth.file(model)
    assert first is not None
    assert stores[0].files.wanted(first.digest) == first.size
    stores[0].truth.keep(model, [true("a", 2)])
    assert stores[0].truth.file(model) != first


def test_a_file_is_of_one_moment(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "AT_ONCE", 2)
    one, other = stores
    model = a_model(one)
    one.truth.keep(model, [true(name, 1) for name in "abcd"])
    written = as_csv

    def and_meanwhile(rows: Any) -> bytes:
        if rows and rows[0][0] == "a":
            other.truth.keep(model, [true("c", 2, 1), true("e", 2)])
        return written(rows)

    monkeypatch.setattr("mlc.standalone.center.truth.table.as_csv", and_meanwhile)
    assert known(one, model) == dict.fromkeys("abcd", 1)
    assert known(other, model) == {"a": 1, "b": 1, "c": 2, "d": 1, "e": 2}


def test_what_goes_wrong_while_a_file_is_written_leaves_nothing(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = a_model(stores[0])
    stores[0].truth.keep(model, [true("a", 1)])

    def broken(_: Any) -> bytes:
        raise OSError("gone")

    monkeypatch.setattr("mlc.standalone.center.truth.table.as_csv", broken)
    with pytest.raises(OSError, match="gone"):
        stores[0].truth.file(model)
    assert list(stores[0].files.unfinished._folder.iterdir()) == []


def test_truth_is_forgotten_by_its_identifier_and_with_its_model(stores: Stores) -> None:
    one, other = stores
    model = a_model(one)
    one.truth.keep(model, [true("a", 1), true("b", 1)])
    assert [other.truth.forget(model, "a"), other.truth.forget(model, "a")] == [1, 0]
    assert known(one, model) == {"b": 1}
    one.delete(KINDS["storedModels"], model)
    for ask in (lambda: one.truth.keep(model, [true("a", 1)]), lambda: one.truth.file(model)):
        with pytest.raises(NoSuchEntity):
            ask()
    with one.engine.connect() as connection:
        assert not table.is_known(connection, model)


@pytest.mark.parametrize("no_model", ["", "5b0b2ad4-0000-4000-8000-000000000001", "\0", "x" * 10_000])
def test_truth_of_no_model_is_kept_nowhere(stores: Stores, no_model: str) -> None:
    for ask in (
        lambda: stores[0].truth.keep(no_model, [true("a", 1)]),
        lambda: stores[0].truth.forget(no_model, "a"),
        lambda: stores[0].truth.file(no_model),
    ):
        with pytest.raises(NoSuchEntity, match="nothing in storedModels"):
            ask()
