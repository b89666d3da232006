"""Outputs that are written in parts: whole or not at all, and gone on with by whoever has the state."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from s3_server import S3Server, cutting

from mlc.data.parts import LEFT_BEHIND, FileParts, Parts, PartsLost, PartsWriter
from mlc.data.store_parts import SMALLEST, ObjectParts, S3Parts
from mlc.data.stores import Store
from mlc.model.failure import NotFound, Refused, Unavailable

BIG, SMALL, LAST = b"a" * SMALLEST, b"b" * SMALLEST, b"the end\n"


class MemoryStore(Store):
    """fsspec's store in memory, which answers as Google's and Azure's do: an object is there or isn't."""

    def __init__(self) -> None:
        self.kind, self.system = "gcs", "connection lake (gcs)"
        self.files = fsspec.filesystem("memory", skip_instance_cache=True)
        self.files.store.clear()


class Place:
    """Somewhere to write: makes writers, each of which knows nothing of the others, and tells what is there."""

    def __init__(self, kind: str, tmp_path: Path, s3: S3Server, bucket: str) -> None:
        self.kind, self.path, self.s3, self.bucket = kind, tmp_path / "new" / "out.csv", s3, bucket
        self.memory = MemoryStore()

    def writer(self) -> PartsWriter:
        name = f"{self.bucket}/new/out.csv"
        match self.kind:
            case "file":
                return FileParts(self.path)
            case "s3":
                return S3Parts(self.s3.store(), name, f"s3+lake://{name}")
            case "objects in s3":
                return ObjectParts(self.s3.store(), name, f"s3+lake://{name}")
        return ObjectParts(self.memory, "bucket/new/out.csv", "gcs+lake://bucket/new/out.csv")

    def files(self) -> dict[str, bytes]:
        """All that is there, by its name."""
        if self.kind == "file":
            found = [path for path in self.path.parent.rglob("*") if path.is_file()]
            return {str(path.relative_to(self.path.parent)): path.read_bytes() for path in found}
        files, bucket = (self.memory.files, "bucket") if self.kind == "memory" else (self.s3.store().files, self.bucket)
        try:
            names = files.find(bucket)
        except FileNotFoundError:
            return {}
        return {name.strip("/").removeprefix(f"{bucket}/new/"): files.cat_file(name) for name in names}

    def spoil(self, state: Parts) -> None:
        """Change a byte of the first part, without changing its length."""
        if self.kind == "file":
            with (self.path.parent / f".{state.id}.partial").open("r+b") as file:
                file.write(b"X")
        elif self.kind == "s3":
            S3Parts(self.s3.store(), f"{self.bucket}/new/out.csv", state.address).put(
                state.model_copy(update={"parts": []}), 1, b"X" + BIG[1:]
            )
        else:
            files = self.memory.files if self.kind == "memory" else self.s3.store().files
            bucket = "bucket" if self.kind == "memory" else self.bucket
            files.pipe_file(f"{bucket}/new/out.csv.{state.id}.parts/00001", b"X" + BIG[1:])


@pytest.fixture(params=["file", "s3", "objects in s3", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server, bucket: str) -> Place:
    return Place(request.param, tmp_path, s3_server, bucket)


def handed_over(state: Parts) -> Parts:
    """As another process reads it."""
    return Parts.model_validate_json(state.model_dump_json())


def test_nothing_is_there_before_it_is_complete_and_nothing_else_after(place: Place, tmp_path: Path) -> None:
    (tmp_path / "second").write_bytes(SMALL)
    writer = place.writer()
    state = writer.put(writer.begin(), 1, BIG)
    state = writer.put(state, 2, tmp_path / "second")
    state = writer.put(state, 3, LAST)
    assert "out.csv" not in place.files()
    assert state.size == len(BIG) + len(SMALL) + len(LAST)
    assert writer.finished(state) is False
    writer.complete(state)
    assert place.files() == {"out.csv": BIG + SMALL + LAST}
    writer.complete(state)  # whoever didn't hear of it asks again
    assert writer.finished(handed_over(state)) is True
    assert place.writer().resume(handed_over(state)) is None


def test_another_writer_goes_on_after_the_last_part_that_is_known(place: Place) -> None:
    first = place.writer()
    known = first.put(first.begin(), 1, BIG)
    first.put(first.put(known, 2, b"of which " + SMALL), 3, b"nobody has heard")
    second = place.writer()
    state = second.resume(handed_over(known))
    assert state == known
    state = second.put(second.put(known, 2, SMALL), 3, LAST)
    second.complete(state)
    assert place.files() == {"out.csv": BIG + SMALL + LAST}


def test_an_older_state_takes_back_what_followed(place: Place) -> None:
    writer = place.writer()
    known = writer.put(writer.begin(), 1, BIG)
    writer.put(writer.put(known, 2, SMALL), 3, LAST)
    writer.complete(place.writer().put(known, 2, LAST))
    assert place.files() == {"out.csv": BIG + LAST}


def test_an_output_that_is_given_up_leaves_nothing_and_what_was_there_stays(place: Place) -> None:
    writer = place.writer()
    writer.complete(writer.put(writer.begin(), 1, b"of yesterday"))
    state = writer.put(writer.begin(), 1, BIG)
    writer.abort(state)
    writer.abort(state)
    assert place.files() == {"out.csv": b"of yesterday"}
    assert writer.resume(state) is None
    assert writer.finished(state) is False
    with pytest.raises(PartsLost, match="gone"):
        writer.complete(state)


def test_a_part_that_was_spoilt_is_never_made_part_of_the_output(place: Place) -> None:
    writer = place.writer()
    state = writer.put(writer.put(writer.begin(), 1, BIG), 2, LAST)
    place.spoil(state)
    if place.kind in {"file", "s3"}:
        assert writer.resume(state) == state.model_copy(update={"parts": []})
    if place.kind != "file":  # a file is hashed when it is gone on with: until then nobody else had it
        with pytest.raises(PartsLost, match=r"not what was put|not those that were put"):
            writer.complete(state)
        assert "out.csv" not in place.files()


def test_an_empty_output_is_one_empty_part(place: Place) -> None:
    writer = place.writer()
    state = writer.begin()
    with pytest.raises(PartsLost, match="no part"):
        writer.complete(state)
    writer.complete(writer.put(state, 1, b""))
    assert place.files() == {"out.csv": b""}


def test_a_number_that_leaves_a_gap_is_refused(place: Place) -> None:
    writer = place.writer()
    state = writer.begin()
    for number in (0, 2):
        with pytest.raises(ValueError, match="can't follow 0 parts"):
            writer.put(state, number, LAST)


def test_the_state_of_another_output_is_refused(place: Place) -> None:
    writer = place.writer()
    state = writer.put(writer.begin(), 1, LAST)
    for other in ({"address": "file:///etc/passwd"}, {"store": "file" if place.kind != "file" else "s3"}):
        for use in (writer.complete, writer.abort, writer.resume, writer.finished):
            with pytest.raises(PartsLost, match="another one"):
                use(state.model_copy(update=other))


@pytest.mark.parametrize("forged", ["../../etc", "", "a" * 31, "A" * 32, "x/" * 16])
def test_a_forged_id_leads_to_no_other_file(tmp_path: Path, forged: str) -> None:
    writer = FileParts(tmp_path / "out.csv")
    state = writer.put(writer.begin(), 1, LAST).model_copy(update={"id": forged})
    with pytest.raises(PartsLost, match="another one"):
        writer.abort(state)


def test_a_small_part_in_the_middle_is_said_before_anything_is_put_together(s3_server: S3Server, bucket: str) -> None:
    writer = S3Parts(s3_server.store(), f"{bucket}/x", "s3+lake://x")
    state = writer.put(writer.put(writer.begin(), 1, LAST), 2, LAST)
    with pytest.raises(PartsLost, match="less than 5242880 bytes"):
        writer.complete(state)


def test_more_parts_than_a_listing_has_are_all_found(s3_server: S3Server, bucket: str) -> None:
    store = s3_server.store()
    writer = S3Parts(store, f"{bucket}/x", "s3+lake://x")
    state = writer.begin()
    for number in range(1, 6):
        state = writer.put(state, number, b"%d" % number)
    call = store.files.call_s3

    def two_at_a_time(method: str, **arguments: Any) -> Any:
        return call(method, **arguments, **({"MaxParts": 2} if method == "list_parts" else {}))

    store.files.call_s3 = two_at_a_time
    assert writer.resume(state) == state


def test_a_hundred_parts_fit_in_a_heartbeat() -> None:
    state = Parts(store="s3", address="s3+lake://bucket/out.csv", id="u" * 200)
    for number in range(1, 101):
        state = state.put(number, 8 * 1024**2, "e" * 32)
    assert len(state.model_dump_json()) < 8_000


def test_a_file_is_for_whoever_may_look_into_its_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o077)
    try:
        writer = FileParts(tmp_path / "out.csv")
        writer.complete(writer.put(writer.begin(), 1, LAST))
    finally:
        os.umask(before)
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o644


def test_a_link_in_the_place_of_an_unfinished_file_is_not_followed(tmp_path: Path) -> None:
    writer = FileParts(tmp_path / "out.csv")
    state = writer.put(writer.begin(), 1, LAST)
    partial = tmp_path / f".{state.id}.partial"
    partial.unlink()
    (tmp_path / "other").write_bytes(b"keep me")
    partial.symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        writer.put(state, 2, b"more")
    assert (tmp_path / "other").read_bytes() == b"keep me"


@pytest.mark.parametrize("step", ["begin", "put", "complete"])
def test_a_store_that_is_lost_on_the_way_is_a_later_and_can_be_gone_on_with(
    s3_server: S3Server, bucket: str, step: str
) -> None:
    writer = S3Parts(s3_server.store(), f"{bucket}/x", "s3+lake://x")
    state = Parts(store="s3", address="s3+lake://x", id="x")
    if step != "begin":
        state = writer.put(writer.begin(), 1, BIG)
    with cutting(s3_server.endpoint, *[0] * 50) as way:
        lost = S3Parts(s3_server.store(endpoint=way.endpoint), f"{bucket}/x", "s3+lake://x")
        steps: dict[str, Callable[[], Any]] = {
            "begin": lost.begin,
            "put": lambda: lost.put(state, 2, LAST),
            "complete": lambda: lost.complete(state),
        }
        with pytest.raises(Unavailable, match="can't be reached, or the connection was lost") as caught:
            steps[step]()
        assert way.connections
    assert way.endpoint not in str(caught.value)
    if step != "begin":
        assert writer.resume(state) == state
        writer.complete(writer.put(state, 2, LAST))


def test_a_bucket_that_is_missing_is_named_as_that(s3_server: S3Server) -> None:
    with pytest.raises(NotFound, match="no such bucket"):
        S3Parts(s3_server.store(), "nowhere-at-all/x", "s3+lake://x").begin()


def test_a_refusal_says_nothing_of_key_or_address() -> None:
    from mlc.data.errors import said

    error = PermissionError("Access Denied for AKIDEXAMPLE at http://host/?X-Amz-Signature=s3cr3t")
    found = said(error, "connection lake (s3)")
    assert isinstance(found, Refused)
    assert str(found) == (
        "The connection lake (s3) can't be used: it refuses us (403): may this connection do that there, and are its "
        "key, clock and region right?"
    )


def test_what_a_killed_runtime_left_unfinished_days_ago_is_removed_and_nothing_else(tmp_path: Path) -> None:
    days_ago = time.time() - LEFT_BEHIND - 60
    old = [f".{'a' * 32}.partial", f".{'b' * 31}.partial", f".{'c' * 32}.partial.csv", "out.partial", "out.csv"]
    for name in old:
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (days_ago, days_ago))
    going_on = FileParts(tmp_path / "other.csv").begin()
    kept = {*old[1:], f".{going_on.id}.partial"}
    assert {each.name for each in tmp_path.iterdir()} == kept
    second = FileParts(tmp_path / "out.csv").begin()
    assert {each.name for each in tmp_path.iterdir()} == {*kept, f".{second.id}.partial"}
