"""The store of files: what is at the same time, killed, lost, full or wrong, by a controlled schedule."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.files import place as places
from mlc.standalone.center.files import store as stores
from mlc.standalone.center.files import unfinished as drafts
from mlc.standalone.center.files.errors import CannotKeep, Misplaced, NoRoom, UnknownFile
from mlc.standalone.center.files.store import FileStore
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.store import Store
from mlc.standalone.center.tables import FOUND_BY

MODELS, JOBS = KINDS["storedModels"], KINDS["jobs"]
NOW = timedelta(0)
"""No grace at all."""
DATA = b"weights of a model"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "center.db")
    yield made
    made.close()


def a_model(digest: str = DIGEST) -> dict[str, Any]:
    asset = {"name": "w.bin", "contentHash": {"hashType": "SHA-256", "hexString": digest}}
    return {"modelMetaData": {"name": "m"}, "modelAssets": [asset]}


def sent(store: Store, data: bytes = DATA, sender: str = "") -> str:
    """A file that was sent whole."""
    digest = hashlib.sha256(data).hexdigest()
    with store.files.unfinished.taken(digest, sender) as draft:
        draft.write([data])
        store.files.take(draft, digest, sender=sender)
    return digest


def removed(store: Store, grace: timedelta) -> list[str]:
    return [file.digest for file in store.files.remove_unused(grace)]


def lying(folder: Path) -> list[str]:
    """Without the mark that the first centre leaves."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if not re.fullmatch(rb"[0-9a-f]{32}", path.read_bytes()))


def test_a_file_is_for_our_account_alone_and_leaves_no_draft(store: Store, tmp_path: Path) -> None:
    sent(store)
    folder = tmp_path / "center.contents"
    assert lying(folder) == [DIGEST]
    found = [folder, *folder.rglob("*")]
    assert {folder / "unfinished", folder / DIGEST[:2] / DIGEST} < set(found)
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}


def test_what_nothing_refers_to_is_removed_and_all_else_stays(store: Store) -> None:
    kept, gone = sent(store), sent(store, b"unused")
    model = store.create(MODELS, a_model(kept))
    assert removed(store, timedelta(days=7)) == []
    assert removed(store, NOW) == [gone]
    assert (store.files.size(kept), store.files.size(gone)) == (len(DATA), None)
    with pytest.raises(UnknownFile, match=r"w\.bin"):
        store.create(MODELS, a_model(gone))
    store.delete(MODELS, model["id"])
    assert removed(store, timedelta(hours=1)) == [], "its time of grace begins when nothing refers to it"
    assert removed(store, NOW) == [kept]


def test_a_file_that_an_entity_refers_to_no_more_is_removed(store: Store) -> None:
    first, second = sent(store), sent(store, b"the next weights")
    model = store.create(MODELS, a_model(first))
    store.change(MODELS, model["id"], lambda body: body.update(a_model(second)))
    assert removed(store, NOW) == [first]


def test_a_reference_made_before_the_removal_holds_the_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made when the remover has chosen the file already."""
    sent(store)
    known = store.files.place.known

    def chosen(before: datetime) -> Iterator[str]:
        for digest in known(before):
            store.create(MODELS, a_model(digest))
            yield digest

    monkeypatch.setattr(store.files.place, "known", chosen)
    assert removed(store, NOW) == []
    assert store.files.size(DIGEST) == len(DATA)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_reference_made_during_the_removal_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """The remover has taken the file off the list and removed it, and commits only when the other one has begun."""
    sent(store)
    other = store if processes == 1 else Store(tmp_path / "center.db")
    removing, referring = threading.Event(), threading.Event()

    class Waiting:
        """The lock of a process's writes, for whoever refers."""

        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def __enter__(self) -> None:
            if processes == 1 and removing.is_set():
                referring.set()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def begins(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if removing.is_set() and statement.startswith("BEGIN IMMEDIATE"):
            referring.set()

    store._line = Waiting(store._line)
    event.listen(other.engine, "before_cursor_execute", begins)
    remove = store.files.place.remove

    def slowly(digest: str) -> None:
        remove(digest)
        removing.set()
        assert referring.wait(60)

    monkeypatch.setattr(store.files.place, "remove", slowly)
    remover = threading.Thread(target=removed, args=[store, NOW])
    remover.start()
    assert removing.wait(60)
    with pytest.raises(UnknownFile):
        other.create(MODELS, a_model())
    remover.join(20)
    assert referring.is_set()
    assert store.files.size(DIGEST) is None
    if other is not store:
        other.close()


def test_a_file_sent_again_while_it_is_removed_is_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender saw that it is there, and then the remover took it."""
    sent(store)
    size, asked = store.files.place.size, []

    def then_removed(digest: str) -> int | None:
        found = size(digest)
        asked.append(found)
        if len(asked) == 1:
            monkeypatch.setattr(store.files.place, "size", size)
            assert removed(store, NOW) == [DIGEST]
            monkeypatch.setattr(store.files.place, "size", then_removed)
        return found

    monkeypatch.setattr(store.files.place, "size", then_removed)
    sent(store)
    assert asked == [len(DATA), None]
    assert store.files.content(DIGEST, len(DATA)) == DATA
    assert store.create(MODELS, a_model())["modelAssets"][0]["fileSize"] == len(DATA)


def test_one_of_two_senders_has_a_file_and_the_other_hears_how_far_it_is(store: Store) -> None:
    with store.files.unfinished.taken(DIGEST, "") as first:
        first.write([DATA[:5]])
        with pytest.raises(Misplaced) as told, store.files.unfinished.taken(DIGEST, ""):
            raise AssertionError("both have it")
        assert (told.value.offset, told.value.busy) == (5, True)
        with store.files.unfinished.taken(DIGEST, "runtime:r") as another:  # what it sends is not in the first's way
            another.write([b"something else"])
        first.write([DATA[5:]])
        store.files.take(first, DIGEST)
    assert store.files.content(DIGEST, 100) == DATA
    assert store.files.unfinished.size(DIGEST, "") is None


def test_who_waited_for_a_file_that_went_to_its_place_begins_a_new_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has opened the draft when the first one puts it into its place."""
    flock, taken = drafts.fcntl.flock, contextlib.ExitStack()
    first = taken.enter_context(store.files.unfinished.taken(DIGEST, ""))
    first.write([DATA])

    def after(descriptor: int, how: int) -> None:
        monkeypatch.setattr(drafts.fcntl, "flock", flock)
        store.files.take(first, DIGEST)
        taken.close()
        flock(descriptor, how)

    monkeypatch.setattr(drafts.fcntl, "flock", after)
    with store.files.unfinished.taken(DIGEST, "") as second:
        assert second.size == 0
        second.write([b"x"])
    assert store.files.content(DIGEST, 100) == DATA
    assert store.files.unfinished.size(DIGEST, "") == 1


def test_what_is_unfinished_for_a_day_is_removed_but_not_what_is_sent_now(store: Store) -> None:
    files = store.files
    for digest in ("0" * 64, "1" * 64):
        with files.unfinished.taken(digest, "") as draft:
            draft.write([b"begun"])
    later = datetime.now(UTC) + timedelta(hours=23)
    assert files.expire(now=later) == 0
    with files.unfinished.taken("0" * 64, ""):
        assert files.expire(now=later + timedelta(hours=2)) == 1
    assert (files.unfinished.size("0" * 64, ""), files.unfinished.size("1" * 64, "")) == (5, None)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_is_full_keeps_nothing_of_what_came_embedded(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(descriptor: int, data: bytes, offset: int) -> int:
        if offset >= 4:
            raise OSError(code, os.strerror(code))
        return os.write(descriptor, data[:4])

    monkeypatch.setattr(drafts.os, "pwrite", full)
    model = {"modelMetaData": {"name": "m"}, "modelAssets": [{"name": "w", "fileContent": "AAAAAAAAAAAAAAAA"}]}
    with pytest.raises(CannotKeep if code == errno.EIO else NoRoom, match="MLC_CENTER_FILES"):
        store.create(MODELS, model)
    assert lying(tmp_path / "center.contents") == []
    assert store.page(MODELS).total == 0


def test_a_file_that_was_lost_can_be_sent_again(store: Store, tmp_path: Path) -> None:
    """Somebody has removed it from the folder, or its end, whatever the database says."""
    sent(store)
    path = tmp_path / "center.contents" / DIGEST[:2] / DIGEST
    for spoil in (path.unlink, lambda: os.truncate(path, 3)):
        spoil()
        sent(store)
        assert store.files.content(DIGEST, 100) == DATA


def test_snapshots_of_a_model_share_its_files(store: Store, tmp_path: Path) -> None:
    model = store.create(
        MODELS, {"modelMetaData": {"name": "m"}, "modelAssets": [{"name": "w", "fileContent": "AAAA"}]}
    )
    for _ in range(20):
        store.create(KINDS["deployableModels"], {"storedModel": model})
    assert len(lying(tmp_path / "center.contents")) == 1


def test_a_place_elsewhere_keeps_files_just_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "center.db", f"memory://{tmp_path.name}")
    digest = sent(store, bytes(3_000_000))
    assert [len(piece) for piece in store.files.read(digest, 10, 2_000_000)] == [1024 * 1024, 951_414]
    model = store.create(
        MODELS, {"modelMetaData": {"name": "m"}, "modelAssets": [{"name": "w", "fileContent": "AAAA"}]}
    )
    assert store.get(MODELS, model["id"])["modelAssets"][0]["fileContent"] == "AAAA"
    assert removed(store, NOW) == [digest]
    assert store.files.size(digest) is None
    assert lying(tmp_path / "center.contents") == []
    store.close()


def test_a_place_that_shows_half_a_file_is_given_it_under_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_WHOLE_OR_NOT_AT_ALL", frozenset())
    place = places.place_at(f"memory://{tmp_path.name}")
    assert isinstance(place, places.RemotePlace)
    (tmp_path / "draft").write_bytes(DATA)
    put = place._store.put_file

    def half(local: str, remote: str, **how: Any) -> None:
        put(local, remote, **how)
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(place._store, "put_file", half)
    with pytest.raises(NoRoom):
        place.put(tmp_path / "draft", DIGEST)
    assert place.size(DIGEST) is None
    assert place._store.find(place._root) == []
    monkeypatch.setattr(place._store, "put_file", put)
    place.put(tmp_path / "draft", DIGEST)
    assert b"".join(place.read(DIGEST, 0, 100)) == DATA


def test_a_store_elsewhere_that_fails_is_a_sentence_without_its_librarys_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Exception):
        pass

    def fails(*_: Any, **__: Any) -> Any:
        raise Odd("the key AKIA is wrong")

    store = Store(tmp_path / "center.db", f"memory://{tmp_path.name}")
    for name in ("info", "open", "put_file"):
        monkeypatch.setattr(store.files.place._store, name, fails)  # type: ignore[attr-defined]
    for attempt in (lambda: sent(store), lambda: store.files.size(DIGEST), lambda: store.files.content(DIGEST, 5)):
        with pytest.raises(CannotKeep, match=r"\(Odd\)") as raised:
            attempt()
        assert "AKIA" not in str(raised.value)
    store.close()


def as_it_was_before(path: Path, contents: dict[str, bytes]) -> None:
    """Make a database as earlier releases had it: contents in a table, and none of the tables that came later."""
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        for table in (
            *("stored_file", "file_use", "file_sender", "truth"),
            *("online_request", "online_batch", "online_export", "policy", "policy_put"),
        ):
            old.execute(f"DROP TABLE {table}")
        for column in FOUND_BY:
            old.execute(f"DROP INDEX entity_by_{column}_changed")
        old.execute("UPDATE center_revision SET version_num = 'r0002_listings'")
        old.execute("CREATE TABLE content (digest VARCHAR NOT NULL PRIMARY KEY, data BLOB NOT NULL)")
        old.executemany("INSERT INTO content VALUES (?, ?)", contents.items())


def test_what_a_database_of_before_holds_becomes_files_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is killed after each of them; and runtimes read what is theirs, as before."""
    path = tmp_path / "center.db"
    store = Store(path)
    contents = {hashlib.sha256(data).hexdigest(): data for data in (b"one", b"two", b"unused")}
    one, two, unused = contents
    for data in (b"one", b"two"):
        sent(store, data)
    model = store.create(MODELS, a_model(one))
    job = {
        "jobType": "x",
        "jobStatus": "RUNNING",
        "targetEngine": {"name": "r"},
        "inputData": a_model(two)["modelAssets"],
    }
    job = store.create(JOBS, job)
    store.close()
    for file in (tmp_path / "center.contents").rglob("*"):
        if file.is_file():
            file.unlink()
    as_it_was_before(path, contents)

    class Killed(BaseException):
        pass

    keep, kept = FileStore.keep, list[bytes]()

    def then_killed(files: FileStore, session: Any, data: bytes) -> str:
        if data in kept:
            return keep(files, session, data)
        kept.append(data)
        keep(files, session, data)
        raise Killed

    monkeypatch.setattr(stores.FileStore, "keep", then_killed)
    for _ in contents:
        with pytest.raises(Killed):
            Store(path)
    monkeypatch.setattr(stores.FileStore, "keep", keep)
    for _ in range(2):
        store = Store(path)
        assert store.get(MODELS, model["id"])["modelAssets"][0]["fileContent"] == "b25l"
        assert store.get(JOBS, job["id"])["inputData"][0]["fileContent"] == "dHdv"
        assert [store.files.is_readable(digest, ["runtime:r"]) for digest in contents] == [False, True, False]
        with store.engine.connect() as connection:
            tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        assert "content" not in tables
        store.close()
    store = Store(path)
    assert removed(store, NOW) == [unused]
    store.close()


def test_contents_that_do_not_fit_on_the_disk_stay_in_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "center.db"
    Store(path).close()
    as_it_was_before(path, {DIGEST: DATA})
    with monkeypatch.context() as patch:
        patch.setattr(drafts.os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(NoRoom):
            Store(path)
    store = Store(path)
    assert store.files.content(DIGEST, 100) == DATA
    store.close()


def test_sources_stand_in_the_document_and_other_files_do_not(store: Store) -> None:
    small, large = "def score(r): ...\n", "# " + "x" * 64 * 1024
    binary = sent(store, b"\xff\xfe")
    assets = [
        {"name": "small.py", "assetType": "SOURCE_CODE", "sourceCode": small},
        {"name": "large.py", "assetType": "SOURCE_CODE", "sourceCode": large},
        {"name": "odd.py", "assetType": "SOURCE_CODE", **a_model(binary)["modelAssets"][0]},
        {"name": "w.bin", "fileContent": "AAAA"},
    ]
    model = store.create(MODELS, {"modelMetaData": {"name": "m"}, "modelAssets": assets})
    referred = store.get(MODELS, model["id"], Contents.REFERENCE)["modelAssets"]
    assert [asset.get("sourceCode") for asset in referred] == [small, None, None, None]
    assert [asset["fileSize"] for asset in referred] == [len(small), len(large), 2, 3]
    assert not [asset for asset in referred if "fileContent" in asset]


def test_a_database_whose_files_are_elsewhere_is_not_used(tmp_path: Path) -> None:
    """A second centre on it with a place of its own, or a folder that was lost."""
    Store(tmp_path / "center.db", str(tmp_path / "files")).close()
    Store(tmp_path / "center.db", str(tmp_path / "files")).close()
    with pytest.raises(CannotKeep, match="set MLC_CENTER_FILES to where they are"):
        Store(tmp_path / "center.db", str(tmp_path / "others"))
    shutil.rmtree(tmp_path / "files")
    with pytest.raises(CannotKeep, match="or restore them"):
        Store(tmp_path / "center.db", str(tmp_path / "files"))


def test_of_two_that_start_at_once_with_places_of_their_own_the_second_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one starts after the first has seen that the database is new, and when that says where files are."""
    note, others = stores.note_seal, list[Exception]()

    def noting(session: Session, digest: str) -> None:
        monkeypatch.setattr(stores, "note_seal", note)
        note(session, digest)
        session.commit()
        with pytest.raises(CannotKeep) as refused:
            Store(tmp_path / "center.db", str(tmp_path / "others"))
        others.append(refused.value)

    monkeypatch.setattr(stores, "note_seal", noting)
    Store(tmp_path / "center.db", str(tmp_path / "files"))
    assert len(others) == 1
