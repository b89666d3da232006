"""Policies in the centre's database: of two that are put at once both are in the history, and the later is current."""

import threading
from datetime import datetime, tzinfo

import pytest
from database.test_store_races import Held, in_thread, once_it_begins
from sqlalchemy import event

from mlc.standalone.center.policies import store as policies
from mlc.standalone.center.store import Store

Stores = tuple[Store, Store]


def put(store: Store, text: str, by: str = "operator") -> bool:
    return store.policies.put(text, by)[1]


@pytest.mark.parametrize("second", ["b", "a"])
def test_two_that_are_put_at_once_are_put_one_after_the_other(stores: Stores, second: str) -> None:
    """The second waits until the first has committed, and sees it: the same policy twice is one entry."""
    one, other = stores
    held = Held(one.engine, "INSERT INTO policy_put")
    awaited = "BEGIN IMMEDIATE" if one.engine.dialect.name == "sqlite" else "LOCK TABLE policy_put"
    once_it_begins(other.engine, awaited, lambda: threading.Timer(0.1, held.may_commit.set).start())
    began, of_first = in_thread(lambda: put(one, "a", "ada"))
    assert held.has_written.wait(60)
    followed, of_second = in_thread(lambda: put(other, second, "bob"))
    for thread in (began, followed):
        thread.join(60)
    assert (of_first, of_second) == ([True], [second == "b"])
    history = one.policies.history()
    assert [each.put_by for each in history] == (["bob", "ada"] if second == "b" else ["ada"])
    assert sorted(history, key=lambda each: each.put_at, reverse=True) == history
    current = other.policies.policy()
    assert current is not None
    assert current.text == second


def test_a_policy_that_comes_back_is_current_again_and_its_text_is_kept_once(stores: Stores) -> None:
    one, other = stores
    assert [put(one, "a"), put(other, "b"), put(one, "a"), put(other, "a")] == [True, True, True, False]
    assert [each.sha256[:4] for each in one.policies.history()] == ["ca97", "3e23", "ca97"]
    kept = one.policies.policy()
    assert kept is not None
    assert (kept.text, kept.put_at) == ("a", one.policies.history()[0].put_at)


def test_a_clock_that_is_set_back_turns_no_history_round(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    put(stores[0], "a")

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls(1999, 1, 1, tzinfo=tz)

    monkeypatch.setattr(policies, "datetime", Clock)
    put(stores[1], "b")
    later, first = stores[0].policies.history()
    assert later.put_at == first.put_at
    kept = stores[0].policies.policy()
    assert kept is not None
    assert kept.text == "b"


def test_what_is_half_written_is_not_there(stores: Stores) -> None:
    put(stores[0], "a")

    def breaks(_connection: object, _cursor: object, said: str, *_: object) -> None:
        if said.startswith("INSERT INTO policy_put"):
            raise RuntimeError("the process is told to end")

    event.listen(stores[0].engine, "before_cursor_execute", breaks)
    with pytest.raises(RuntimeError):
        put(stores[0], "b")
    event.remove(stores[0].engine, "before_cursor_execute", breaks)
    assert [each.sha256[:4] for each in stores[1].policies.history()] == ["ca97"]
    assert put(stores[1], "b")
