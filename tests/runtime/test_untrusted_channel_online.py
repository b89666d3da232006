"""Online models that write to the channel to their runtime themselves: each costs its own process, and nothing else."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from online_deployments import deploy, is_now, state
from servers import eventually
from small_models import embedded, python_model
from test_untrusted_channel import BROKE, FINDS_IT

from mlc.center.modelop.client import ModelManage

StartRuntime = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.usefixtures("short_pauses")

LOADING = {
    "ready without a trial": (rb'{"event":"ready"}' + b"\n", "Field required"),
    "ready with libraries": (rb'{"event":"ready","trial":null,"notes":[],"modules":[]}' + b"\n", "Extra inputs"),
    "done": (rb'{"event":"done","notes":[]}' + b"\n", "tag 'done'"),
    "a failure without a message": (rb'{"event":"failed"}' + b"\n", "Field required"),
    "a list": (b"[]\n", "should be an object"),
    "half a surrogate pair": (rb'{"event":"ready","trial":null,"notes":["\ud800"]}' + b"\n", "hex escape"),
    "ready twice": (rb'{"event":"ready","trial":null,"notes":[]}' + b"\n", "without being asked"),
}


async def test_a_bad_message_while_it_is_loaded_is_what_its_deployment_says(
    center: ModelManage, start_runtime: StartRuntime
) -> None:
    runtime = await start_runtime(online=True, load_time_limit=60, online_time_limit=5)
    began = time.monotonic()
    deployments = {}
    for name, (message, _) in LOADING.items():
        twice = message * 2 if name == "ready twice" else message
        model = python_model(
            f"{FINDS_IT}\nsay({twice!r})\ntime.sleep(600)\n# modelop.score\ndef s(r): yield 1",
            *([embedded("t.csv", "a\n1\n", asset_role="TEST_DATA", file_format="CSV")] if name == "a list" else []),
        )
        deployments[name] = await deploy(center, runtime, model, f"model-{len(deployments)}")
    for name, deployment in deployments.items():
        if name == "ready twice":  # the first was taken, and the model was away before it was asked
            continue
        await is_now(center, deployment, "ERROR")
        messages = (await center.get_deployment(deployment)).messages
        assert messages[0] == messages[-1]
        assert messages[0].startswith(BROKE), messages
        assert LOADING[name][1] in messages[0], messages
    assert time.monotonic() - began < 60


SERVING = """
import threading
BORN = time.time_ns()
# modelop.score
def s(r):
    if "say" in r:
        say(r["say"].encode("latin-1"))
        if r.get("sleep", True): time.sleep(600)
    if r.get("close"):
        import socket
        socket.socket(fileno=max(sockets())).shutdown(socket.SHUT_WR)
        time.sleep(600)
    if r.get("later"):
        threading.Timer(0.5, say, [b"{}\\n"]).start()
    yield BORN
"""
BAD = {
    "nonsense": (b"nonsense\n", "it sent what is no message"),
    "an answer to nobody": (
        b'{"event":"scored","id":99,"outcomes":[]}\n',
        "it answered the request 99, which nobody has made or which was answered",
    ),
    "too few outcomes": (b'{"event":"scored","id":%d,"outcomes":[]}\n', "it gave 0 outcomes for 1 records"),
    "another kind of answer": (
        b'{"event":"tried","id":%d,"tried":{"outcome":"scored","results":[]}}\n',
        "it answered a request with tried",
    ),
    "NaN": (b'{"event":"scored","id":%d,"outcomes":[{"outcome":"scored","results":[NaN]}]}\n', "NaN"),
    "done": (b'{"event":"done","notes":[]}\n', "tag 'done'"),
    "a line without end": (b"x" * 500_000 * 3, "it sent a message longer than 1,048,576 bytes"),
}


async def test_a_bad_message_while_it_serves_costs_its_process_and_the_request(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True, answer_limit_mb=1, max_body=2_000_000)
    deployment = await deploy(center, runtime, python_model(FINDS_IT + SERVING))
    await is_now(center, deployment, "DEPLOYED")

    async def process() -> int | None:
        response = await http.post(runtime.url, json={})
        return response.json() if response.status_code == 200 else None

    pid = await eventually(process)
    for name, (message, said) in BAD.items():
        sent = message.replace(b"%d", b"2")  # the first request of each process was for its id
        response = await http.post(runtime.url, json={"say": sent.decode("latin-1")})
        assert response.status_code == 500, name
        assert response.json()["message"].startswith(BROKE)
        assert said in response.json()["message"], name
        assert response.json()["message"].endswith("It was working on this record.")
        before, pid = pid, await eventually(process)
        assert pid != before
    assert await state(center, deployment) == "DEPLOYED"


async def test_a_model_that_speaks_without_being_asked_or_twice_or_not_any_more_is_loaded_again(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="mlc.runtime.online_model")
    runtime = await start_runtime(online=True)
    deployment = await deploy(center, runtime, python_model(FINDS_IT + SERVING))
    await is_now(center, deployment, "DEPLOYED")

    async def process() -> int | None:
        response = await http.post(runtime.url, json={})
        return response.json() if response.status_code == 200 else None

    forged = '{"event":"scored","id":2,"outcomes":[{"outcome":"scored","results":[7]}]}\n'
    pid = await eventually(process)
    for record, answer in (
        ({"later": True}, None),
        ({"say": forged, "sleep": False}, 7),  # then the harness's own is the second one
        ({"close": True}, None),
    ):
        response = await http.post(runtime.url, json=record)
        if answer is not None:
            assert response.json() == answer
        before = pid

        async def other(before: int = before) -> int | None:
            now = await process()
            return now if now not in (None, before) else None

        pid = await eventually(other)
    said = [record.getMessage() for record in caplog.records]
    assert sum("spoke without being asked" in line for line in said) >= 1, said
    assert any("it closed its channel and went on" in line for line in said), said
    assert all(line.isprintable() for line in said)


async def test_a_flood_while_nothing_is_asked_keeps_the_runtime_free(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    flood = f"{FINDS_IT}\nimport threading\ndef flood():\n    while True: say(b'{{}}\\n' * 1000)\n"
    model = python_model(f"{flood}# modelop.score\ndef s(r):\n    threading.Timer(0.2, flood).start()\n    yield 1")
    flooding = await deploy(center, runtime, model, "model-1")
    good = await deploy(center, runtime, python_model("# modelop.score\ndef s(r): yield 2"), "model-2")
    for deployment in (flooding, good):
        await is_now(center, deployment, "DEPLOYED")
    used = time.process_time()
    for _ in range(20):
        await http.post(f"{runtime.base}/deployments/{flooding}/score", json={})
        began = time.monotonic()
        answer = await http.post(f"{runtime.base}/deployments/{good}/score", json={})
        assert (answer.status_code, answer.json()) == (200, 2)
        assert time.monotonic() - began < 5
        await asyncio.sleep(0.05)
    assert time.process_time() - used < 20
