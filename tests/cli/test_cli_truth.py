"""``mlc truth``, typed as an operator types it, against a real centre."""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pandas as pd
import pytest
from cli_process import called, mlc
from served_centre import TOKEN, client_of_a_centre, settings_for

from mlc.center import Capability
from mlc.cli.truth import Columns, Sent, UnusableFile, _kept, _sent
from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.model.snapshot import Model
from mlc.model.truth import KeptTruth

MODEL = "Credit risk"
FIELDS = [
    {"name": "customer", "type": "string", "role": "identifier"},
    {"name": "bad", "type": "string", "role": "label", "dataClass": "categorical"},
]
SCHEMA = {"name": "in.avsc", "schemaDefinition": {"type": "record", "name": "r", "fields": FIELDS}}
ROWS = "id,label,time\n1,yes,2026-01-01T00:00:00Z\n007,no,2026-01-02T00:00:00+01:00\n"


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[httpx.Client]:
    with client_of_a_centre(tmp_path) as client:
        yield client


@pytest.fixture
def model(centre: httpx.Client) -> str:
    return a_model(centre, MODEL)


@pytest.fixture
def truth(tmp_path: Path, centre: httpx.Client) -> Callable[..., Any]:
    settings = settings_for(centre)
    return lambda *arguments, **more: called(tmp_path, "truth", *map(str, arguments), **{**settings, **more})


def a_model(centre: httpx.Client, name: str, schema: Any = None) -> str:
    meta = {"name": name} | ({"inputSchema": [schema]} if schema else {})
    stored = centre.post("storedModels", json={"modelMetaData": meta}).raise_for_status().json()
    snapshot = {"storedModel": stored, "metaData": {"name": "v1"}}
    centre.post("deployableModels", json=snapshot).raise_for_status()
    return str(stored["id"])


def known(centre: httpx.Client, model: str) -> dict[str, Any]:
    made = centre.post(f"truth/{model}/file").raise_for_status().json()
    if not made:
        return {}
    text = centre.get(f"contents/{made['sha256']}").raise_for_status().text
    return {row["id"]: json.loads(row["label"]) for row in csv.DictReader(io.StringIO(text, newline=""))}


def written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_labels_of_a_file_are_kept_and_told_and_the_same_again_changes_nothing(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    file = written(tmp_path / "t.csv", ROWS)
    done = truth(file, "--model", MODEL)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 labels: 2 new, 0 replaced, 0 known already, 0 older than what is known.\n"
    assert "0 new, 0 replaced, 2 known already" in truth(file, "--model", model).stdout
    later = written(tmp_path / "l.jsonl", '{"id": 1, "label": "no", "time": "2026-02-01T00:00:00Z"}\n')
    assert "0 new, 1 replaced" in truth(later, "--model", MODEL).stdout
    assert "1 known already, 1 older than what is known" in truth(file, "--model", MODEL).stdout
    assert known(centre, model) == {"1": "no", "007": "no"}


def test_a_table_and_a_file_of_another_shape_are_read(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "label": [True, False, None], "when": pd.Timestamp("2026-01-01", tz="UTC")})
    frame.to_parquet(tmp_path / "t.parquet")
    done = truth(tmp_path / "t.parquet", "--model", MODEL, "--time", "when")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "1 rows have no label, and were passed over."
    array = written(tmp_path / "t.json", '[{"id": "a", "label": 1.5, "time": "2026-01-01T00:00:00Z"}]')
    assert truth(array, "--model", MODEL).returncode == 0
    assert known(centre, model) == {"1": True, "2": False, "a": 1.5}


def test_columns_are_those_of_the_schemas_roles_or_those_that_are_typed(
    tmp_path: Path, centre: httpx.Client, truth: Callable[..., Any]
) -> None:
    model = a_model(centre, "With schema", SCHEMA)
    by_role = written(tmp_path / "r.csv", "id,customer,bad,label,time\n1,A,yes,x,2026-01-01T00:00:00Z\n")
    assert truth(by_role, "--model", model).returncode == 0
    typed = written(tmp_path / "t.csv", "id,customer,bad,label,time\n1,B,yes,x,2026-01-01T00:00:00Z\n")
    assert truth(typed, "--model", model, "--id", "id", "--label", "label").returncode == 0
    assert known(centre, model) == {"A": "yes", "1": "x"}
    usual = written(tmp_path / "u.csv", ROWS)
    assert truth(usual, "--model", model).returncode == 0
    assert known(centre, model) == {"A": "yes", "1": "yes", "007": "no"}, "at equal times what arrives later"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "has no column 'label': name it with --label. Its columns are 'id', 'lable', 'time'."),
        (["--label", "lable", "--id", "ID"], "has no column 'ID': name it with --id."),
        (["--label", "lable", "--time", "when"], "has no column 'when': name it with --time."),
    ],
)
def test_a_column_that_is_missing_is_said_with_those_that_are_there(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any], arguments: list[str], says: str
) -> None:
    for name in ("t.csv", "t.jsonl"):
        row = {"id": 1, "lable": 2, "time": "2026-01-01T00:00:00Z"}
        content = json.dumps(row) if name == "t.jsonl" else "id,lable,time\n1,2,2026-01-01T00:00:00Z\n"
        done = truth(written(tmp_path / name, content), "--model", MODEL, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert says in done.stderr
    assert known(centre, model) == {}


def test_without_a_time_it_is_the_moment_of_reading_and_that_is_said(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    for label in ("first", "second"):
        done = truth(written(tmp_path / "t.csv", f"id,label\n1,{label}\n"), "--model", MODEL)
        assert done.returncode == 0
        assert "The file has no column for the time" in done.stderr
        assert known(centre, model) == {"1": label}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",yes,2026-01-01T00:00:00Z", "row 2: id is missing, or null."),
        ("3,yes,", "row 2: time is missing, or null."),
        ("3,yes,2026-01-01", "row 2: time has no zone"),
        ("3,yes,soon", "row 2: time is no time"),
        ("3,yes,9000-01-01T00:00:00Z", "row 2: time is in the future."),
        (f"{'x' * 501},yes,2026-01-01T00:00:00Z", "row 2: id has more than 500 characters."),
        ("3,yes", "line 3 has 2 cells"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_those_before_it_are_kept(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any], row: str, why: str
) -> None:
    first, last = "1,yes,2026-01-01T00:00:00Z", "2,yes,2026-01-01T00:00:00Z"
    done = truth(written(tmp_path / "t.csv", f"id,label,time\n{first}\n{row}\n{last}\n"), "--model", MODEL)
    assert done.returncode == 1
    assert why in done.stderr
    assert "1 labels: 1 new" in done.stdout
    assert known(centre, model) == {"1": "yes"}


def test_times_without_a_zone_are_in_utc_if_that_is_said(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    file = written(tmp_path / "t.csv", "id,label,time\n1,yes,2026-01-01\n")
    assert "--utc" in truth(file, "--model", MODEL).stderr
    assert truth(file, "--model", MODEL, "--utc").returncode == 0
    assert known(centre, model) == {"1": "yes"}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("t.csv", "", "it is empty, and its first line should name the columns"),
        ("t.jsonl", "", "holds no rows"),
        ("t.jsonl", "{", "t.jsonl"),
        ("t.jsonl", "7\n", "row 1, is no object with columns"),
        ("t.json", "[1", "t.json"),
        ("t.parquet", "no table", "t.parquet"),
        ("t.csv", "id,id,label\n1,1,1\n", "twice"),
        ("t.txt", "id,label\n", "ending must tell its format"),
        ("gone.csv", None, "gone.csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(
    tmp_path: Path, model: str, truth: Callable[..., Any], name: str, content: str | None, why: str
) -> None:
    if content is not None:
        written(tmp_path / name, content)
    done = truth(tmp_path / name, "--model", model)
    assert (done.returncode, done.stdout.count("new")) == (1, 0), done.stderr
    assert why in done.stderr
    assert "wrong in mlc itself" not in done.stderr


def test_a_model_that_is_not_there_or_there_twice_is_said(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    file = written(tmp_path / "t.csv", ROWS)
    for nobody in ("Nobody", "5b0b2ad4-0000-4000-8000-000000000001", "a/b", "x" * 500):
        done = truth(file, "--model", nobody)
        assert done.returncode == 1
        assert "no model of the name or id" in done.stderr
    other = a_model(centre, MODEL)
    done = truth(file, "--model", MODEL)
    assert done.returncode == 1
    assert all(each in done.stderr for each in (f"2 models of the name {MODEL!r}", model, other))
    assert truth(file, "--model", other).returncode == 0
    assert known(centre, model) == {}


async def test_a_request_whose_answer_was_lost_can_be_sent_again_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Centre:
        capabilities = frozenset({Capability.KEEPS_TRUTH})
        lost: ExternalError = Unavailable("centre", "no whole answer; look before asking again.", maybe_done=True)

        async def __aenter__(self) -> "Centre":
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def find_models(self, name: str) -> list[Model]:
            return [Model(id="m", name=name)]

        async def latest_snapshot(self, model_id: str) -> None: ...

        async def keep_truth(self, model_id: str, rows: object) -> None:
            raise self.lost

    monkeypatch.setattr("mlc.center.configured.configured_center", Centre)
    file = written(tmp_path / "t.csv", ROWS)
    asked = Columns("", "", None)
    with pytest.raises(UnusableFile, match=r"no whole answer.*send the file again"):
        await _sent(file, "m", asked, False, Sent())
    for other in (Unavailable("centre", "never sent"), Refused("centre", "never sent", status=400)):
        Centre.lost = other
        with pytest.raises(type(other), match=r"never sent$"):
            await _sent(file, "m", asked, False, Sent())


def test_a_model_that_is_nearly_there_is_suggested(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    stored = {"modelMetaData": {"name": "Premium Wine"}}
    snapshot = centre.post("deployableModels", json={"storedModel": stored, "metaData": {"name": "v"}})
    deployed = {"deployableModel": snapshot.raise_for_status().json(), "state": "DEPLOYED"}
    centre.post("deployedModels", json=deployed).raise_for_status()
    done = truth(written(tmp_path / "t.csv", ROWS), "--model", "premiun Wine")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no model of the name or id 'premiun Wine'. Was 'Premium Wine' meant?" in done.stderr


def test_a_record_is_forgotten(tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]) -> None:
    truth(written(tmp_path / "t.csv", ROWS), "--model", MODEL)
    done = truth("--forget", "1.0", "--model", MODEL)
    assert (done.returncode, done.stdout) == (0, "Its truth is forgotten. Jobs that have read it keep their files.\n")
    again = truth("--forget", "1", "--model", MODEL)
    assert (again.returncode, again.stdout) == (1, "")
    assert "No truth is kept of the id '1': nothing is forgotten." in again.stderr
    assert known(centre, model) == {"007": "no"}
    assert truth("--forget", "", "--model", MODEL).returncode == 1


@pytest.mark.parametrize(
    "arguments", [[], ["t.csv"], ["--model", "m"], ["t.csv", "--model", "m", "--forget", "1"], ["--forget", "1"]]
)
def test_what_is_half_typed_is_said(truth: Callable[..., Any], arguments: list[str]) -> None:
    assert truth(*arguments).returncode == 2


def test_a_centre_that_keeps_no_truth_is_said(tmp_path: Path, model: str, truth: Callable[..., Any]) -> None:
    done = truth(written(tmp_path / "t.csv", ROWS), "--model", model, MLC_CENTER_STANDALONE="false")
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't keep what scored records turned out to be" in done.stderr


def test_many_rows_go_in_pieces_and_a_sender_that_stopped_is_gone_on_with(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    lines = [f"{number},{number % 2},2026-01-01T00:00:00Z\n" for number in range(25_000)]
    half = written(tmp_path / "half.csv", "id,label,time\n" + "".join(lines[:12_000]))
    assert truth(half, "--model", MODEL).returncode == 0
    done = mlc(
        tmp_path,
        "truth",
        str(written(tmp_path / "whole.csv", "id,label,time\n" + "".join(lines))),
        "--model",
        MODEL,
        MLC_CENTER_URL=str(centre.base_url).rstrip("/"),
        MLC_CENTER_TOKEN=TOKEN,
        MLC_CENTER_STANDALONE="true",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "25,000 labels: 13,000 new, 0 replaced, 12,000 known already, 0 older than what is known.\n"
    assert len(known(centre, model)) == 25_000


def test_the_commands_of_the_documentation_do_what_it_says(
    tmp_path: Path, centre: httpx.Client, model: str, truth: Callable[..., Any]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "monitors.md").read_text()
    (block,) = re.findall(r"```console\n(mlc truth .*?)```", page, re.DOTALL)
    written(tmp_path / "labels.csv", ROWS + "4711,yes,2026-01-01T00:00:00Z\n")
    when = pd.Timestamp("2026-02-01", tz="UTC")
    pd.DataFrame({"customer": [1], "defaulted": ["no"], "booked": [when]}).to_parquet(tmp_path / "closed.parquet")
    for line in block.splitlines():
        arguments = [tmp_path / each if "." in each else each for each in shlex.split(line)[2:]]
        done = truth(*arguments)
        assert done.returncode == 0, done.stderr
    assert known(centre, model) == {"1": "no", "007": "no"}


async def test_rows_whose_answer_was_lost_are_sent_once_more() -> None:
    """A connection that a centre closes just as it is used, say: the same rows again change nothing."""
    answers: list[Any] = [Unavailable("model centre", "no whole answer", maybe_done=True), KeptTruth(same=1)]

    class Center:
        async def keep_truth(self, *_: Any) -> KeptTruth:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return KeptTruth(*answer)

    assert await _kept(cast(Any, Center()), "m", []) == KeptTruth(same=1)
    answers.append(Unavailable("model centre", "nobody is there"))
    with pytest.raises(Unavailable):
        await _kept(cast(Any, Center()), "m", [])
    assert answers == []
