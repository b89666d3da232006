"""`mlc check` tries every connection, says what is wrong with it, and shows no secret."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from s3_server import KEY, SECRET, S3Server

from mlc.check.connections import check_connections
from mlc.model.finding import Mark


async def findings(monkeypatch: pytest.MonkeyPatch, connections: Any, read: list[str], write: list[str]) -> list[str]:
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps(connections))
    monkeypatch.setenv("MLC_FILE_READ", json.dumps(read))
    monkeypatch.setenv("MLC_FILE_WRITE", json.dumps(write))
    found = [finding async for finding in check_connections()]
    said = [f"{finding.mark.name} {finding.what}: {finding.remedy}" for finding in found]
    assert not any(secret in line for line in said for secret in (KEY, SECRET, "s3cr3t"))
    return said


async def test_each_is_tried_with_what_it_may_be_used_for(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    s3_server.store().files.pipe_file(f"{bucket}/in/x", b"x")
    sqlite3.connect(tmp_path / "risk.db").execute("CREATE TABLE t (a)").close()
    lake = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    said = await findings(
        monkeypatch,
        {
            "lake": lake,
            "idle": lake,
            "gone": lake | {"endpoint": "http://127.0.0.1:1"},
            "warehouse": {"kind": "sql", "url": f"sqlite:///{tmp_path}/risk.db"},
            "closed": {"kind": "sql", "url": "postgresql+pg8000://me:s3cr3t@127.0.0.1:1/x"},
            "files": {"kind": "http", "endpoint": s3_server.endpoint, "token": "s3cr3t"},
            "deaf": {"kind": "http", "endpoint": "http://127.0.0.1:1", "user": "me", "password": "s3cr3t"},
        },
        [f"s3+lake://{bucket}/in", "s3+gone://far", "sql+warehouse:", "sql+closed:", "http+files:", "sql+nobody:"],
        [f"s3+lake://{bucket}/out", "gcs+lake://far", "http+deaf:"],
    )

    def about(*words: str) -> list[str]:
        return [line.split()[0] for line in said if all(word in line for word in words)]

    assert about("names the connection nobody") == [Mark.WRONG.name]
    assert about("MLC_FILE_WRITE has lake as gcs") == [Mark.WRONG.name]
    assert about("connection idle", "used for nothing") == [Mark.WARNING.name]
    assert about(f"s3+lake://{bucket}/in can be listed") == [Mark.GOOD.name]
    assert about(f"nothing at s3+lake://{bucket}/out") == [Mark.WARNING.name]
    assert about("connection gone", "can't be reached") == [Mark.WRONG.name]
    assert about("connection warehouse (sql) answers a query") == [Mark.GOOD.name]
    assert about("connection closed", "can't be reached") == [Mark.WRONG.name]
    assert about("connection files (http) answers") == [Mark.GOOD.name]
    assert about("connection deaf", "can't be reached") == [Mark.WRONG.name]


async def test_without_connections_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await findings(monkeypatch, {}, [], []) == []
