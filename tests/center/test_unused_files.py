"""What removes files that nothing refers to: beside senders, beside another of its kind, killed, in a wrong place."""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN, no_temporal, served
from pydantic import SecretStr
from sqlalchemy import update
from sqlalchemy.orm import Session
from test_file_store import DATA, DIGEST, MODELS, NOW, a_model, lying, removed, sent

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app
from mlc.standalone.center.files.errors import CannotKeep, UnknownFile
from mlc.standalone.center.files.leavings import UNUSED
from mlc.standalone.center.files.place import Folder
from mlc.standalone.center.files.table import StoredFile
from mlc.standalone.center.store import Store

DAY = timedelta(days=1)


class Killed(BaseException):
    pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "center.db")
    yield made
    made.close()


def grow_old(store: Store, digest: str = DIGEST, *, days: float = 8) -> None:
    """As if a file had been sent so long ago, and nobody had asked for it since."""
    then = datetime.now(UTC) - timedelta(days=days)
    with Session(store.engine) as session, session.begin():
        session.execute(update(StoredFile).where(StoredFile.digest == digest).values(noted=then.isoformat()))
    path = Path(store.files.place._root) / digest[:2] / digest  # type: ignore[attr-defined]
    os.utime(path, (then.timestamp(), then.timestamp()))


def test_what_was_just_sent_stays_and_so_does_what_somebody_has_just_asked_for(store: Store) -> None:
    """A submission hears that the centre has a file, doesn't send it, and refers to it an hour later."""
    sent(store)
    assert removed(store, DAY) == []
    grow_old(store)
    assert [file.digest for file in store.files.unused(DAY)] == [DIGEST]
    assert store.files.wanted(DIGEST) == len(DATA)
    assert removed(store, DAY) == []
    store.create(MODELS, a_model())
    assert removed(store, NOW) == []


def test_a_file_in_its_place_of_which_the_database_knows_nothing_yet_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender has just put it there, and is about to say so."""
    put, gone = store.files.place.put, list[str]()

    def then_removed(draft: Path, digest: str) -> None:
        put(draft, digest)
        gone.extend(removed(store, DAY))

    monkeypatch.setattr(store.files.place, "put", then_removed)
    sent(store)
    assert gone == []
    assert store.files.content(DIGEST, 100) == DATA


@pytest.mark.parametrize("moment", ["before it is gone", "when it is gone"])
def test_one_that_is_killed_in_between_leaves_nothing_listed_that_is_not_there(
    store: Store, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    sent(store)
    with monkeypatch.context() as patch:
        remove = store.files.place.remove

        def killed(digest: str) -> None:
            if moment == "when it is gone":
                remove(digest)
            raise Killed

        patch.setattr(store.files.place, "remove", killed)
        with pytest.raises(Killed):
            removed(store, NOW)
    with pytest.raises(UnknownFile):
        store.create(MODELS, a_model())
    assert store.files.wanted(DIGEST) is None, "so that it is sent again"
    assert removed(store, NOW) == ([DIGEST] if moment == "before it is gone" else [])
    sent(store)
    assert store.create(MODELS, a_model())["modelAssets"][0]["fileSize"] == len(DATA)
    assert removed(store, NOW) == []


def test_of_two_at_once_one_removes_a_file_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one does all its work when the first has seen that the file is unused."""
    digests = {sent(store), sent(store, b"another")}
    remove, other = store.files._remove_unused, list[str]()

    def after_the_other(digest: str, before: datetime) -> bool:
        monkeypatch.setattr(store.files, "_remove_unused", remove)
        other.extend(removed(store, NOW))
        return remove(digest, before)

    monkeypatch.setattr(store.files, "_remove_unused", after_the_other)
    assert removed(store, NOW) == []
    assert set(other) == digests


@pytest.mark.parametrize("how", ["embedded", "by itself"])
def test_a_file_that_comes_again_when_it_is_off_the_list_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    sent(store)
    embedded = {"modelMetaData": {"name": "m"}, "modelAssets": [{"name": "w", "fileContent": b64encode(DATA).decode()}]}
    write, begun = store.files._write, list[int]()

    def written() -> AbstractContextManager[Session]:
        begun.append(1)
        if len(begun) == 2:  # the first one took it off the list, the second one would remove it
            with pytest.raises(UnknownFile):
                store.create(MODELS, a_model())
            store.create(MODELS, embedded) if how == "embedded" else sent(store)
        return write()

    monkeypatch.setattr(store.files, "_write", written)
    assert removed(store, NOW) == []
    assert store.files.content(DIGEST, 100) == DATA
    assert store.create(MODELS, a_model())["modelAssets"][0]["fileSize"] == len(DATA)


def test_nothing_but_the_centres_own_is_touched(store: Store, tmp_path: Path) -> None:
    sent(store)
    place = tmp_path / "center.contents"
    others = [place / DIGEST[:2] / "notes.txt", place / "ab" / DIGEST[:32], place / "README"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("not the centre's")
    half = place / DIGEST[:2] / f"{DIGEST}.{'0' * 32}"
    half.write_bytes(b"left by a centre that was killed")
    assert removed(store, NOW) == sorted([DIGEST, half.name])
    assert sorted(lying(place)) == sorted(path.name for path in others)


@pytest.mark.parametrize("where", ["a folder", "a store elsewhere"])
def test_a_place_with_another_databases_files_is_left_alone(tmp_path: Path, where: str) -> None:
    place = str(tmp_path / "files") if where == "a folder" else f"memory://{tmp_path.name}"
    one, other = Store(tmp_path / "one.db", place), Store(tmp_path / "other.db", place)
    model = other.create(MODELS, a_model(sent(other)))
    for look in (one.files.unused, one.files.remove_unused, other.files.remove_unused):
        with pytest.raises(CannotKeep, match=r"Give each database a place of its own") as told:
            list(look(NOW))
    assert other.get(MODELS, model["id"])["modelAssets"][0]["fileContent"]
    other.close()
    mark = str(told.value).partition("the file ")[2].partition(" ")[0]
    assert other.files.place.size(mark) == 32, "so it says which file"
    one.close()


def test_a_place_that_is_down_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "center.db", f"memory://{tmp_path.name}")
    sent(store)

    def down(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the key AKIA is wrong")

    for name in ("find", "rm_file"):
        with monkeypatch.context() as patch:
            patch.setattr(store.files.place._store, name, down)  # type: ignore[attr-defined]
            with pytest.raises(CannotKeep, match=r"\(RuntimeError\)"):
                removed(store, NOW)
        sent(store)
    assert removed(store, NOW) == [DIGEST]
    store.close()


@contextmanager
def a_center(tmp_path: Path) -> Iterator[tuple[str, Callable[..., httpx.Response]]]:
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    with served(create_app(settings, connect=no_temporal)) as address:

        def ask(method: str, path: str, **how: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {TOKEN}"} | how.pop("headers", {})
            return httpx.request(method, address + path, headers=headers, timeout=60, **how)

        yield address, ask


def test_a_head_before_a_submission_keeps_a_file_and_a_get_does_not(tmp_path: Path, store: Store) -> None:
    sent(store)
    contents = f"/model-manage/api/contents/{DIGEST}"
    with a_center(tmp_path) as (_, ask):
        grow_old(store)
        assert ask("GET", contents).content == DATA
        assert [line["sha256"] for line in lines(ask("GET", UNUSED)) if "size" in line] == [DIGEST]
        assert ask("HEAD", contents).status_code == 200
        assert lines(ask("DELETE", UNUSED, params={"days": 1})) == [{"complete": True}]
        grow_old(store, days=2)
        assert lines(ask("DELETE", UNUSED)) == [{"complete": True}]
        assert lines(ask("DELETE", UNUSED, params={"days": 1}))[0] == {"sha256": DIGEST, "size": len(DATA)}
        assert ask("HEAD", contents).status_code == 404
        for days in ("0", "-1", "x", "99999999999"):
            refused = ask("DELETE", UNUSED, params={"days": days})
            assert (refused.status_code, "days" in refused.json()["message"]) == (400, True)


def test_a_store_that_goes_away_in_the_middle_is_the_last_line(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (DATA, b"another"):
        grow_old(store, sent(store, data))
    remove, gone = Folder.remove, list[str]()

    def once(place: Folder, digest: str) -> None:
        if gone:
            raise OSError(5, "Input/output error")
        gone.append(digest)
        remove(place, digest)

    monkeypatch.setattr(Folder, "remove", once)
    with a_center(tmp_path) as (_, ask):
        told = lines(ask("DELETE", UNUSED))
    assert [line.get("sha256") for line in told] == [gone[0], None]
    assert "Input/output error" in told[1]["message"]


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]
