"""No output takes the place of what its job reads, or of another output, however it is called."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import KEY, SECRET, S3Server
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.settings import FileSettings

Run = Callable[..., Any]
ECHO = python_model("# modelop.score\ndef s(r): yield {'a': r['a']}")
PRECIOUS = b'{"a": 7}\n{"a": 8}\n'


def at(url: str, name: str, **more: Any) -> wire.Asset:
    return wire.Asset(name=name, filename=name, asset_type="EXTERNAL_FILE", file_url=url, **more)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "in.jsonl").write_bytes(PRECIOUS)
    (folder / "link.jsonl").symlink_to("in.jsonl")
    (folder / "below").symlink_to(".")
    os.link(folder / "in.jsonl", folder / "hard.jsonl")
    return folder


@pytest.mark.parametrize(
    "output",
    [
        "in.jsonl",
        "./in.jsonl",
        "/in.jsonl",
        "x/../in.jsonl",
        "%69n.jsonl",
        "link.jsonl",
        "below/in.jsonl",
        "hard.jsonl",
    ],
)
@pytest.mark.parametrize("source", ["in.jsonl", "link.jsonl"])
async def test_an_output_that_is_an_input_is_refused_before_the_model_runs(
    call: Run, lake: Path, source: str, output: str
) -> None:
    model = python_model(f"# modelop.score\ndef s(r):\n    open({str(lake / 'ran')!r}, 'w')\n    yield r")
    outcome = await call(
        JobKind.SCORING,
        model,
        at(f"file://{lake}/{source}", "in.jsonl"),
        outputs=[at(f"file://{lake}/{output}", "out.jsonl")],
        files=FileSettings(root=lake),
    )
    assert outcome.problem == (
        "The output out.jsonl lies where the input in.jsonl does, which it would overwrite: give it another address."
    )
    assert (lake / "in.jsonl").read_bytes() == PRECIOUS
    assert not (lake / "ran").exists()


async def test_two_outputs_that_are_one_are_refused(call: Run, lake: Path) -> None:
    (lake / "new").symlink_to("in.jsonl")
    for one, other in [("o.jsonl", "./o.jsonl"), ("o.jsonl", "below/o.jsonl"), ("link.jsonl", "new")]:
        outcome = await call(
            JobKind.SCORING,
            ECHO,
            embedded("x.jsonl", PRECIOUS),
            embedded("y.jsonl", PRECIOUS),
            outputs=[at(f"file://{lake}/{one}", "one.jsonl"), at(f"file://{lake}/{other}", "other.jsonl")],
            files=FileSettings(root=lake),
        )
        assert outcome.problem == (
            "The output other.jsonl lies where the output one.jsonl does: give each its own address."
        )


@pytest.mark.parametrize("source", ["", "*.parquet"])
async def test_a_file_of_an_inputs_folder_is_no_output(call: Run, lake: Path, source: str) -> None:
    folder = lake / "parts"
    folder.mkdir()
    for name in ("1.parquet", "2.parquet"):
        pq.write_table(pa.table({"a": [7]}), folder / name)
    before = (folder / "2.parquet").read_bytes()
    outcome = await call(
        JobKind.SCORING,
        ECHO,
        at(f"file://{folder}/{source}", "parts.parquet", file_format="PARQUET"),
        outputs=[at(f"file://{folder}/./2.parquet", "out.parquet")],
        files=FileSettings(root=lake),
    )
    assert "The output out.parquet lies where the input parts.parquet does" in outcome.problem
    assert (folder / "2.parquet").read_bytes() == before


async def test_a_database_is_no_output(call: Run, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(lake / "db.jsonl") as database:
        database.execute("CREATE TABLE t AS SELECT 7 AS a")
    database.close()
    url = {"kind": "sql", "url": f"sqlite:///{lake}/db.jsonl"}
    monkeypatch.setenv("MLC_CONNECTIONS", json.dumps({"warehouse": url}))
    asset = wire.Asset(
        name="rows",
        asset_type="SQL",
        sqlStatement="SELECT a FROM t",
        repository_info={"repositoryType": "SQL_REPOSITORY", "connectionUri": "sql+warehouse:"},
    )
    outcome = await call(
        JobKind.SCORING,
        ECHO,
        asset,
        outputs=[at(f"file://{lake}/db.jsonl", "out.jsonl")],
        files=FileSettings(root=lake, read=["sql+warehouse:"]),
    )
    assert "The output out.jsonl lies where the input rows does" in outcome.problem


async def test_an_object_is_the_same_by_whichever_connection(
    call: Run, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = {"kind": "s3", "endpoint": s3_server.endpoint, "region": "us-east-1", "key": KEY, "secret": SECRET}
    monkeypatch.setenv(
        "MLC_CONNECTIONS", json.dumps({"lake": opens, "pond": opens | {"endpoint": opens["endpoint"] + "/"}})
    )
    store = s3_server.store().files
    store.pipe_file(f"{bucket}/a.jsonl", PRECIOUS)
    table = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [7]}), table)
    store.pipe_file(f"{bucket}/in/1.parquet", table.getvalue().to_pybytes())
    settings = FileSettings(read=[f"s3+lake://{bucket}"], write=[f"s3+lake://{bucket}", f"s3+pond://{bucket}"])
    for source, output in [
        ("a.jsonl", f"s3+lake://{bucket}/%61.jsonl"),
        ("a.jsonl", f"s3+pond://{bucket}/a.jsonl"),
        ("in/", f"s3+pond://{bucket}/in/1.parquet"),
        ("in/*.parquet", f"s3+lake://{bucket}/%69n/1.parquet"),
    ]:
        name = "in.jsonl" if source == "a.jsonl" else "in.parquet"
        outcome = await call(
            JobKind.SCORING,
            ECHO,
            at(f"s3+lake://{bucket}/{source}", name),
            outputs=[at(output, "out.jsonl")],
            files=settings,
        )
        assert f"The output out.jsonl lies where the input {name} does" in outcome.problem, output
    assert store.cat_file(f"{bucket}/a.jsonl") == PRECIOUS
