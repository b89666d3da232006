"""No body that is let in is an error of ours: each kind of wrong value at places of bodies that are right."""

import itertools
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from temporalio.testing import WorkflowEnvironment

from tests.fuzz import gateway as fuzz
from tests.fuzz.gateway import BrokenPromiseError, Gateway, tried
from tests.fuzz.gateway_bodies import (
    JIRA,
    LONG,
    ODD,
    SIGNALS,
    Change,
    Sent,
    changed,
    fresh,
    places,
    requests,
    valid,
    within,
)

BATCH = "com.modelop.mlc.definitions.Signals_DEPLOYED_BATCH_JOB"
BACK_TEST = "com.modelop.mlc.definitions.Signals_MODEL_BACK_TEST"
FILE = {"assetType": "EXTERNAL_FILE", "fileUrl": "https://files.example.org/in.csv", "fileFormat": "CSV"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def gateway(dev_server: WorkflowEnvironment, folder: Path) -> Iterator[Gateway]:
    with fuzz.gateway(dev_server.client.service_client.config.target_host, folder) as running:
        yield running


@pytest.mark.parametrize("foreign", [False, True], ids=["files of our own", "anybody's files"])
def test_no_request_is_an_error_of_ours(dev_server: WorkflowEnvironment, tmp_path: Path, foreign: bool) -> None:
    with fuzz.gateway(dev_server.client.service_client.config.target_host, tmp_path, foreign=foreign) as gateway:
        _try_many(gateway)


def _try_many(gateway: Gateway) -> None:
    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(requests(gateway.snapshot))
    def one(sent: Sent) -> None:
        tried(gateway, sent)

    one()


@pytest.mark.parametrize("raw", [*LONG, *ODD[:13]], ids=lambda raw: f"{raw[:12].decode('latin-1')}-{len(raw)}")
def test_a_number_a_depth_or_a_length_beyond_all_measure_is_answered_wherever_it_stands(
    gateway: Gateway, raw: bytes
) -> None:
    parameters = signal(gateway, BACK_TEST, JOB_PARAMETERS={"deep": 1})
    issue = next(document for path, document in valid() if path == JIRA)
    deepest = len(list(places([parameters]))) - 1
    assert tried(gateway, Sent(SIGNALS, changed(parameters, (Change(deepest, raw),)))) in {200, 400}
    assert tried(gateway, Sent(SIGNALS, within(parameters, "JOB_PARAMETERS", (Change(1, raw),)))) in {200, 400}
    assert tried(gateway, Sent(SIGNALS, raw)) == 400
    for place in range(6):
        assert tried(gateway, Sent(JIRA, fresh(changed(issue, (Change(place, raw),))))) in {202, 400, 413}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": "\\ud800"}', "its type is json, but its value is not JSON."),
        ('{"\\ud800": 1}', "its type is json, but its value is not JSON."),
        ('{"a": NaN}', "its type is json, but its value is not JSON."),
        ('{"a": 1e400}', "the parameters hold a number or a character that JSON can't hold."),
        (f'{{"a": {"[" * 60}{"]" * 60}}}', "the parameters are nested more than 50 levels deep."),
    ],
)
def test_what_a_history_cannot_hold_is_refused_by_name(gateway: Gateway, text: str, told: str) -> None:
    body = signal(gateway, BACK_TEST)
    body["variables"]["JOB_PARAMETERS"] = {"type": "json", "value": text}
    answer = gateway.client.post(SIGNALS, json=body)
    assert answer.status_code == 400
    assert "JOB_PARAMETERS" in answer.json()["detail"]
    assert told.removesuffix(".") in answer.json()["detail"]


@pytest.fixture(scope="module")
def odd_places(folder: Path) -> Path:
    """Below the root: links that go round, one that leads out, a pipe, a socket, a folder, one that may not be read."""
    (folder / "loop").symlink_to(folder / "other")
    (folder / "other").symlink_to(folder / "loop")
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "out").symlink_to("/etc")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    (folder / "data").mkdir()
    return folder


NOWHERE = (
    *("loop", "loop/in.csv", "itself/a/b.csv", "out/passwd", "zero", "pipe", "socket", "data"),
    *("a" * 300, "%00.csv", "a%00/b.csv", "../x.csv"),
)


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        *itertools.product(["INPUT_FILE", "OUTPUT_FILE"], NOWHERE),
        ("OUTPUT_FILE", ""),  # as an input it is a folder of Parquet files
    ],
)
def test_a_file_address_that_leads_to_no_file_is_refused(
    gateway: Gateway, odd_places: Path, place: str, variable: str
) -> None:
    files = {"INPUT_FILE": FILE, variable: FILE | {"fileUrl": f"file://{odd_places}/{place}"}}
    answer = gateway.client.post(SIGNALS, json=signal(gateway, BATCH, TAG="odd", **files))
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"].startswith(f"{variable}.fileUrl: ")


def test_a_promise_that_is_broken_is_told(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("an error of ours")

    monkeypatch.setattr("mlc.gateway.signals.handler_of", broken)
    sent = Sent(SIGNALS, json.dumps(signal(gateway, BATCH, TAG="t", INPUT_FILE=FILE)).encode())
    with pytest.raises(BrokenPromiseError, match="500"):
        tried(gateway, sent)


def signal(gateway: Gateway, name: str, **values: Any) -> dict[str, Any]:
    given_values = ({"MODEL_ID": gateway.snapshot} if name == BACK_TEST else {}) | values
    return {"name": name, "variables": {variable: {"value": value} for variable, value in given_values.items()}}


@pytest.mark.parametrize("one", [b"{}", b"[]", b"1", b'""', b'"\\\\"', b'{"a":1}'])
def test_a_body_of_millions_of_values_is_refused_before_they_are_made(gateway: Gateway, one: bytes) -> None:
    body = b'{"name": "x", "variables": {"V": {"value": [' + b",".join([one] * (6_000_000 // len(one))) + b"]}}}"
    assert "it holds more than 100000 values" in gateway.client.post(SIGNALS, content=body).json()["detail"]


def test_a_long_text_of_a_file_is_no_crowd_of_values(gateway: Gateway) -> None:
    text = "a,b\n" + '{"x": [1, 2]},"y"\n' * 200_000
    file = {"assetType": "FILE", "filename": "in.csv", "fileContentString": text}
    body = json.dumps(signal(gateway, BATCH, TAG="long", INPUT_FILE=file)).encode()
    assert len(body) > 2**21
    assert tried(gateway, Sent(SIGNALS, body)) == 200
