"""Files outside the model centre: read and written where the settings allow it, and nowhere else."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from servers import eventually, serving
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.runtime import external
from mlc.settings import FileSettings

Run = Callable[..., Any]
ECHO = python_model("# modelop.score\ndef s(r): yield r['a']")
CSV = b"a\n7\n8\n"


class FileStore:
    """A host of files that keeps what is put there, counts what it is asked, and can misbehave."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.kept: dict[str, bytes] = {}
        self.busy = 0
        self.gone = False
        self.app = FastAPI()
        self.app.api_route("/{path:path}", methods=["GET", "PUT"])(self._answer)

    async def _answer(self, path: str, request: Request) -> Response:
        self.asked.append(f"{request.method} /{path}")
        self.headers.append(dict(request.headers))
        if self.busy:
            self.busy -= 1
            return Response(status_code=503)
        if request.method == "PUT" and path != "away.csv":
            self.kept[path] = await request.body()
            return Response(status_code=201)
        match path:
            case "in.csv":
                return Response(CSV)
            case "away.csv":
                return RedirectResponse("/in.csv")
            case "endless.csv":
                return StreamingResponse(self._endless(request))
            case "silent.csv":
                return StreamingResponse(self._silent(request))
        return Response(status_code=404)

    async def _endless(self, request: Request) -> AsyncIterator[bytes]:
        try:
            while not await request.is_disconnected():
                yield b"7\n" * 500_000
                await asyncio.sleep(0)
        finally:
            self.gone = True

    async def _silent(self, request: Request) -> AsyncIterator[bytes]:
        yield b"a\n"
        while not await request.is_disconnected():
            await asyncio.sleep(0.02)


@pytest.fixture
def store() -> FileStore:
    return FileStore()


@pytest.fixture
def address(store: FileStore) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(store.app, listener) as url:
        yield url


@pytest.fixture(autouse=True)
def quick_second_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "PAUSES", (0.01, 0.01))


def at(url: str, name: str = "in.csv", asset_type: str = "EXTERNAL_FILE") -> wire.Asset:
    return wire.Asset(name=name, filename=name, asset_type=asset_type, file_url=url)


def allowing(url: str, **settings: Any) -> FileSettings:
    return FileSettings(hosts=[url.removeprefix("http://")], **settings)


@pytest.mark.parametrize(
    ("lake_mode", "folder_mode", "file_mode"),
    [
        (0o755, 0o755, 0o644),
        (0o2775, 0o2775, 0o664),
        (0o777, 0o775, 0o664),
        (0o700, 0o700, 0o600),
        (0o711, 0o711, 0o600),
    ],
)
async def test_an_output_is_for_whoever_may_look_into_its_folder(
    call: Run, tmp_path: Path, lake_mode: int, folder_mode: int, file_mode: int
) -> None:
    """Whatever the runtime's umask, which keeps its own files to itself."""
    lake = tmp_path / "lake"
    lake.mkdir()
    lake.chmod(lake_mode)
    (lake / "in.csv").write_bytes(CSV)
    before = os.umask(0o077)
    try:
        for number, name in enumerate(["o.jsonl", "new/folder/o.jsonl"]):
            output = at(f"file://{lake}/{name}", "o.jsonl")
            outcome = await call(
                JobKind.SCORING, ECHO, at(f"file://{lake}/in.csv"), outputs=[output], files=FileSettings(root=lake)
            )
            assert outcome.problem is None
            (tmp_path / "job").rename(tmp_path / f"job {number}")
    finally:
        os.umask(before)
    made = [lake / "o.jsonl", lake / "new", lake / "new/folder", lake / "new/folder/o.jsonl"]
    assert [path.stat().st_mode & 0o7777 for path in made] == [file_mode, folder_mode, folder_mode, file_mode]


@pytest.mark.parametrize("asset_type", ["EXTERNAL_FILE", "FILE"])
async def test_a_file_below_the_root_is_read_and_its_output_written_beside_it(
    call: Run, tmp_path: Path, asset_type: str
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "in put.csv").write_bytes(CSV)
    model = python_model("""
        # modelop.score
        def s(r):
            global first
            if r["a"] == 7: first = open("in.csv").read(); open("in.csv", "w").write("spoilt")
            yield [r["a"], first]
        """)
    outcome = await call(
        JobKind.SCORING,
        model,
        at(f"file://{lake}/in%20put.csv", asset_type=asset_type),
        outputs=[at(f"file://{lake}/new/folder/o.jsonl", "o.jsonl", asset_type)],
        files=FileSettings(root=lake),
    )
    assert outcome.problem is None
    assert (lake / "new/folder/o.jsonl").read_text() == '[7, "a\\n7\\n8\\n"]\n[8, "a\\n7\\n8\\n"]\n'
    assert names_in(lake / "new/folder") == ["o.jsonl"]
    assert (lake / "in put.csv").read_bytes() == CSV
    assert outcome.outputs[0].file_content is None
    assert outcome.outputs[0].file_size == 34
    assert outcome.runtime_info["sha256"]["outputs"]["o.jsonl"] == outcome.outputs[0].content_hash.hex_string


@pytest.mark.parametrize(
    "url",
    [
        "file://{0}/secret.csv",
        "file://{0}/lake/../secret.csv",
        "file://{0}/lake/link.csv",
        "file://{0}/lake/folder/secret.csv",
        "secret.csv",
        "s3://bucket/x.csv",
        "hdfs:///x.csv",
        "jdbc:postgresql://host/table",
    ],
)
async def test_no_other_address_is_read_or_written(call: Run, tmp_path: Path, url: str) -> None:
    lake, secret = tmp_path / "lake", tmp_path / "secret.csv"
    lake.mkdir()
    secret.write_text("a\n8\n")
    (lake / "link.csv").symlink_to(secret)
    (lake / "folder").symlink_to(tmp_path)
    files, asset = FileSettings(root=lake), at(url.format(tmp_path))
    read = await call(JobKind.SCORING, ECHO, asset, files=files)
    written = await call(JobKind.SCORING, ECHO, embedded("in.csv", CSV), outputs=[asset], files=files)
    told = "MLC_FILE_ROOT" if url.startswith("file:") else "not supported: embed the file, or use a file:, http:"
    for outcome, what in ((read, "input"), (written, "output")):
        assert outcome.problem.startswith(f"The {what} in.csv: ")
        assert told in outcome.problem
    assert secret.read_text() == "a\n8\n"


async def test_nothing_is_read_where_nobody_allowed_anything(call: Run, store: FileStore, address: str) -> None:
    outcome = await call(JobKind.SCORING, ECHO, at(f"{address}/in.csv"))
    assert outcome.problem == (
        "The input in.csv: the host '127.0.0.1' is not allowed: add it to MLC_FILE_READ (or to MLC_FILE_HOSTS, for "
        "both), or embed the file."
    )
    assert store.asked == []


@pytest.mark.parametrize("name", ["folder", "pipe"])
async def test_only_files_are_read(call: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    outcome = await call(JobKind.SCORING, ECHO, at(f"file://{tmp_path}/{name}"), files=FileSettings(root=tmp_path))
    assert outcome.problem == "The input in.csv can't be read: it is no file."
    missing = await call(JobKind.SCORING, ECHO, at(f"file://{tmp_path}/x"), files=FileSettings(root=tmp_path))
    assert missing.problem == "The input in.csv can't be read: No such file or directory."


async def test_an_sql_asset_is_refused_by_name_with_what_to_use_instead(call: Run) -> None:
    query = wire.Asset(name="customers", asset_type="SQL", sqlStatement="select 1", file_format="CSV")
    told = "embed it, or give it a file:, http: or https: address, or that of a connection (s3+NAME:, sql+NAME:)."
    read = await call(JobKind.SCORING, ECHO, query)
    assert read.problem == f"The input customers is of the type SQL, which a runtime can't read: {told}"
    written = await call(JobKind.SCORING, ECHO, embedded("in.csv", CSV), outputs=[query])
    assert written.problem == f"The output customers is of the type SQL, which a runtime can't write: {told}"


async def test_a_job_that_fails_leaves_the_earlier_output_as_it_was(call: Run, tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text("earlier")
    model = python_model("# modelop.score\ndef s(r): yield 1 / (r['a'] - 8)")
    files, output = FileSettings(root=tmp_path), at(f"file://{tmp_path}/o.jsonl", "o.jsonl")
    job = {"stop_on_bad_records": True}
    failed = await call(JobKind.SCORING, model, embedded("in.csv", CSV), outputs=[output], files=files, job=job)
    assert "division by zero" in failed.problem
    assert (tmp_path / "o.jsonl").read_text() == "earlier"
    full = await call(
        JobKind.SCORING, ECHO, embedded("in.csv", CSV), outputs=[at(f"file://{tmp_path}", "o.jsonl")], files=files
    )
    assert full.problem.startswith("The output o.jsonl can't be written: ")
    assert names_in(tmp_path) == ["job", "o.jsonl"]


async def test_files_on_an_allowed_host_are_read_and_written_without_credentials(
    call: Run, store: FileStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    store.busy = 2
    outcome = await call(
        JobKind.SCORING,
        ECHO,
        at(f"{address}/in.csv"),
        outputs=[at(f"{address}/out/o.jsonl", "o.jsonl")],
        files=allowing(address),
    )
    assert outcome.problem is None
    assert store.kept == {"out/o.jsonl": b"7\n8\n"}
    assert store.asked == ["GET /in.csv"] * 3 + ["PUT /out/o.jsonl"]
    assert store.headers[-1]["content-length"] == "4"
    assert all("authorization" not in headers for headers in store.headers)
    assert outcome.outputs[0].file_content is None


@pytest.mark.parametrize(
    ("path", "settings", "problem"),
    [
        ("away.csv", {}, "its host sends callers on to another address, which is not followed: give that address."),
        ("none.csv", {}, "its host answered 404."),
        ("endless.csv", {"limit_mb": 3}, "is larger than 3 MB: split it, or raise MLC_FILE_LIMIT_MB."),
        ("endless.csv", {"time_limit": 0.3}, "took longer than 0.3 seconds: raise MLC_FILE_TIME_LIMIT."),
        ("silent.csv", {"timeout": 0.1}, "can't be transferred: ReadTimeout"),
    ],
)
async def test_a_transfer_that_fails_is_said_in_a_sentence(
    call: Run, store: FileStore, address: str, path: str, settings: dict[str, Any], problem: str
) -> None:
    outcome = await call(JobKind.SCORING, ECHO, at(f"{address}/{path}"), files=allowing(address, **settings))
    assert outcome.problem.startswith("The input in.csv ")
    assert problem in outcome.problem
    assert "GET /in.csv" not in store.asked


async def test_an_output_that_its_host_does_not_take_fails_the_job(call: Run, store: FileStore, address: str) -> None:
    async def written(url: str) -> str:
        outcome = await call(
            JobKind.SCORING, ECHO, embedded("in.csv", CSV), outputs=[at(url, "o.jsonl")], files=allowing(address)
        )
        assert outcome.outputs == []
        return str(outcome.problem)

    assert "which is not followed" in await written(f"{address}/away.csv")
    store.busy = 3
    assert await written(f"{address}/o.jsonl") == "The output o.jsonl can't be transferred: its host answered 503."
    assert store.kept == {}


async def test_a_cancelled_job_ends_its_transfer(call: Run, store: FileStore, address: str) -> None:
    files = allowing(address, limit_mb=10**6)
    job = asyncio.create_task(call(JobKind.SCORING, ECHO, at(f"{address}/endless.csv"), files=files))
    await eventually(lambda: _true(store.asked and not store.gone))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await eventually(lambda: _true(store.gone))


async def _true(condition: Any) -> bool:
    return bool(condition)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_tests_result_is_at_its_address_and_in_the_job_too(call: Run, tmp_path: Path) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {'accuracy': 0.9}")
    output = at(f"file://{tmp_path}/result.json", "result.json")
    outcome = await call(
        JobKind.METRICS, model, embedded("in.csv", CSV), outputs=[output], files=FileSettings(root=tmp_path)
    )
    assert outcome.problem is None
    assert json.loads((tmp_path / "result.json").read_text()) == {"accuracy": 0.9}
    stored = outcome.outputs[0]
    assert (stored.file_url, stored.asset_type) == (output.file_url, "EXTERNAL_FILE")
    assert stored.content() == (tmp_path / "result.json").read_bytes()


async def test_weights_at_an_address_lie_beside_the_model(call: Run, store: FileStore, address: str) -> None:
    weights = at(f"{address}/in.csv", "weights.csv")
    weights.asset_role = "WEIGHTS_FILE"
    source = "# modelop.score\ndef s(r): yield [open(p).read() for p in ('weights.csv', 'outputDir/weights.csv')]"
    outcome = await call(
        JobKind.SCORING, python_model(source, weights), embedded("d.csv", "a\n1\n"), files=allowing(address)
    )
    assert outcome.outputs[0].content() == b'["a\\n7\\n8\\n", "a\\n7\\n8\\n"]\n'
    assert outcome.runtime_info["sha256"]["artefacts"].keys() == {"weights.csv"}
