"""``mlc file remove-unused``, typed as an operator types it, against a real centre."""

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from cli_process import called, mlc, wait_until
from served_centre import TOKEN, served

from mlc.standalone.center.store import Store

OLD, NEW = b"of before", b"of today"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    store = Store(tmp_path / "center.db")
    for data in (OLD, NEW):
        digest = hashlib.sha256(data).hexdigest()
        with store.files.unfinished.taken(digest, "") as draft:
            draft.write([data])
            store.files.take(draft, digest)
    with store.files._write() as connection:
        connection.exec_driver_sql(
            "UPDATE stored_file SET noted = '2020-01-01T00:00:00+00:00' WHERE size = ?", (len(OLD),)
        )
    path, then = kept(tmp_path, OLD), time.time() - 30 * 86_400
    os.utime(path, (then, then))
    store.close()
    with served(tmp_path) as address:
        yield address


def kept(folder: Path, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()
    return folder / "center.contents" / digest[:2] / digest


def test_it_says_what_it_would_remove_and_then_removes_that(tmp_path: Path, url: str) -> None:
    settings, digest = {"MLC_CENTER_URL": url, "MLC_CENTER_TOKEN": TOKEN}, hashlib.sha256(OLD).hexdigest()
    would = called(tmp_path, "file", "remove-unused", "--dry-run", **settings)
    assert would.returncode == 0, would.stderr
    assert digest in would.stdout
    assert "1 file of 9 bytes would be removed" in would.stdout
    assert kept(tmp_path, OLD).exists()
    told = json.loads(called(tmp_path, "file", "remove-unused", "--days", "60", "--json", **settings).stdout)
    assert told == {"removed": True, "files": [], "bytes": 0}
    gone = mlc(tmp_path, "file", "remove-unused", **settings)
    assert gone.returncode == 0, gone.stderr
    assert "1 file of 9 bytes removed" in gone.stdout
    assert not kept(tmp_path, OLD).exists()
    assert kept(tmp_path, NEW).exists(), "it was sent just now"
    assert "0 files of 0 bytes removed" in called(tmp_path, "file", "remove-unused", **settings).stdout


def test_what_is_wrong_is_one_sentence_without_secrets(tmp_path: Path, url: str) -> None:
    settings = {"MLC_CENTER_URL": url, "MLC_CENTER_TOKEN": TOKEN}
    runtimes = called(tmp_path, "token", "issue", "a", **settings).stdout.strip()
    for more, said in (
        ({"MLC_CENTER_TOKEN": runtimes}, "A runtime's token is not for this"),
        ({"MLC_CENTER_TOKEN": "mistyped"}, "did not accept MLC_CENTER_TOKEN"),
        ({"MLC_CENTER_TOKEN": ""}, "MLC_CENTER_TOKEN is not set"),
        ({"MLC_CENTER_URL": "http://127.0.0.1:1/model-manage/api"}, "check MLC_CENTER_URL"),
        ({"MLC_CENTER_URL": f"{url}/elsewhere"}, "no standalone model centre at MLC_CENTER_URL"),
    ):
        failed = called(tmp_path, "file", "remove-unused", **(settings | more))
        assert (failed.returncode, failed.stdout) == (1, ""), more
        assert said in failed.stderr, failed.stderr
        assert failed.stderr.count("\n") == 1
        for secret in (TOKEN, runtimes, "mistyped"):
            assert secret not in failed.stderr
    assert called(tmp_path, "file", "remove-unused", "--days", "0", **settings).returncode == 2
    assert kept(tmp_path, OLD).exists()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"sha256": "ab", "size": 1}], "ended in the middle"),
        (
            [{"sha256": "ab", "size": 1}, {"message": f"It is full ({TOKEN})."}],
            "did not come to the end: It is full (...)",
        ),
        ([{"sha256": "ab"}], "no standalone model centre"),
        ([["complete"]], "no standalone model centre"),
        ([], "ended in the middle"),
    ],
)
def test_an_answer_that_does_not_come_to_its_end_is_no_success(tmp_path: Path, lines: list[object], said: str) -> None:
    async def app(scope: dict[str, object], _receive: object, send: object) -> None:
        body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": body})  # type: ignore[operator]

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until(lambda: server.started)
    settings = {
        "MLC_CENTER_URL": f"http://127.0.0.1:{listener.getsockname()[1]}/model-manage/api",
        "MLC_CENTER_TOKEN": TOKEN,
    }
    failed = called(tmp_path, "file", "remove-unused", **settings)
    server.should_exit = True
    thread.join(20)
    assert failed.returncode == 1
    assert said in failed.stderr
    assert TOKEN not in failed.stderr + failed.stdout
