"""What online requests are answered: batches, wrong ones, and too many, too large or too slow ones."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from online_deployments import answered, answers, deploy, is_now
from servers import eventually
from small_models import python_model

from mlc.center.modelop.client import ModelManage
from mlc.runtime import serve
from mlc.settings import RuntimeSettings

StartRuntime = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.usefixtures("short_pauses")


async def served(center: ModelManage, start_runtime: StartRuntime, model: Any, **settings: Any) -> Any:
    """A runtime that serves a model."""
    runtime = await start_runtime(online=True, **settings)
    await is_now(center, await deploy(center, runtime, model), "DEPLOYED")
    return runtime


async def test_a_batch_is_answered_in_its_order_with_a_status_for_each_record(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    source = "# modelop.score\ndef s(r):\n    if r['a'] < 0: raise ValueError('negative')\n    yield r['a'] * 2.0"
    runtime = await served(center, start_runtime, python_model(source))
    good = await http.post(runtime.url, json=[{"a": 1}, {"a": 2}])
    assert (good.status_code, good.json()) == (200, [{"status": 200, "answer": 2.0}, {"status": 200, "answer": 4.0}])
    mixed = await http.post(runtime.url, json=[{"a": 1}, {"b": 2}, {"a": -1}, {"a": 3}])
    assert mixed.status_code == 207
    assert [item["status"] for item in mixed.json()] == [200, 400, 500, 200]
    assert mixed.json()[1]["columns"] == {"missing": ["a"]}
    assert "ValueError: negative" in mixed.json()[2]["message"]
    assert mixed.json()[3]["answer"] == 6.0
    assert (await http.post(runtime.url, json=[])).json() == []
    one = await http.post(runtime.url, json={"a": 1})
    assert (one.status_code, one.json()) == (200, 2.0)
    thousands = await http.post(runtime.url, json=[{"a": n} for n in range(20_000)])
    assert [item["answer"] for item in thousands.json()] == [2.0 * n for n in range(20_000)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_does_not_wait_until_the_client_has_confirmed_its_head(host: str) -> None:
    settings = RuntimeSettings(name="r", host=host, port=0)
    with (
        serve._listen(settings) as listener,
        socket.create_connection(listener.getsockname()[:2]),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_where_a_record_is_a_list_by_the_schema_a_batch_is_a_list_of_lists(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    model = python_model("# modelop.score\ndef s(rows): return len(rows)")
    definition = {"type": "array", "items": "int"}
    model.stored_model.model_meta_data.input_schema = [{"schemaDefinition": definition}]
    runtime = await served(center, start_runtime, model)
    assert (await http.post(runtime.url, json=[1, 2, 3])).json() == 3
    both = await http.post(runtime.url, json=[[1, 2, 3], [4]])
    assert [item["answer"] for item in both.json()] == [3, 1]
    assert (await http.post(runtime.url, json=[1, "x"])).status_code == 400


async def test_the_callers_fault_is_400_with_the_column_and_the_models_500_with_its_exception(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    source = "LIMITS = {}\n# modelop.score\ndef s(r): return r['age'] + LIMITS['upper']"
    runtime = await served(center, start_runtime, python_model(source))
    callers = await http.post(runtime.url, json={"aeg": 5})
    assert (callers.status_code, callers.json()) == (
        400,
        {"message": "The record has no column 'age', which the model asks for.", "columns": {"missing": ["age"]}},
    )
    models = await http.post(runtime.url, json={"age": 5})
    assert models.status_code == 500
    assert models.json() == {"message": "The score function 's' of model.py failed: KeyError: 'upper' (line 3)."}
    for response in (callers, models):
        assert response.headers["MLC-Snapshot-Version"] == "s"
        assert response.headers["MLC-Snapshot"]


async def test_answers_that_json_can_not_hold_are_valid_json_all_the_same(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    source = """
        # modelop.score
        def s(r): return {"nan": float("nan"), "inf": [float("inf"), -float("inf")], "text": "é"}
        """
    runtime = await served(center, start_runtime, python_model(source))
    for sent in ({}, [{}]):
        response = await http.post(runtime.url, json=sent)
        assert response.status_code == 200
        answer = json.loads(response.content, parse_constant=pytest.fail)
        warning = "NaN or infinite values became null: nan, inf[0], inf[1]."
        if isinstance(sent, list):
            assert answer[0]["warning"] == warning
            warning = "1 of 1 answers have a warning: NaN or infinite values became null."
            answer = answer[0]["answer"]
        assert answer == {"nan": None, "inf": [None, None], "text": "é"}
        assert response.headers["MLC-Warning"] == warning


async def test_only_what_became_null_has_a_warning_and_what_names_it_is_ascii_and_short(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    source = """
        # modelop.score
        def s(r): return {r["name"]: float(r["value"])}
        """
    runtime = await served(center, start_runtime, python_model(source))
    fine = await http.post(runtime.url, json={"name": "é", "value": "1"})
    assert "MLC-Warning" not in fine.headers
    odd = await http.post(runtime.url, json={"name": "é\r\nX: y", "value": "nan"})
    assert odd.headers["MLC-Warning"] == "NaN or infinite values became null: %C3%A9\\r\\nX: y."
    long = await http.post(runtime.url, json={"name": "n" * 100_000, "value": "inf"})
    assert (long.status_code, len(long.headers["MLC-Warning"])) == (200, 1000)
    many = await http.post(runtime.url, json=[{"name": "a", "value": value} for value in ("1", "inf", "text")])
    assert [sorted(item) for item in many.json()] == [
        ["answer", "status"],
        ["answer", "status", "warning"],
        ["columns", "message", "status"],
    ]
    assert many.headers["MLC-Warning"].startswith("1 of 3 answers have a warning:")


async def test_an_answer_that_can_not_be_written_is_the_models_fault_and_it_stays_loaded(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    source = """
        import os
        # modelop.score
        def s(r): return eval(r["answer"])
        """
    runtime = await served(center, start_runtime, python_model(source))
    before = (await http.post(runtime.url, json={"answer": "os.getpid()"})).json()
    for answer, why in (
        ("10 ** 5000", "a whole number of more than 308 digits"),
        ("-10 ** 400", "a whole number of more than 308 digits"),
        ("{'a': ['\\ud800']}", "a text with half of a surrogate pair"),
    ):
        failed = await http.post(runtime.url, json={"answer": answer})
        said = f"The answer can't be written as JSON: it has {why}."
        assert (failed.status_code, failed.json()) == (500, {"message": said})
        both = await http.post(runtime.url, json=[{"answer": answer}, {"answer": "1"}])
        assert [item["status"] for item in both.json()] == [500, 200]
    assert (await http.post(runtime.url, json={"answer": "10 ** 308"})).json() == 10**308
    assert (await http.post(runtime.url, json={"answer": "os.getpid()"})).json() == before


async def test_an_answer_that_is_too_large_says_so_and_the_model_stays_loaded(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    source = "import os\n# modelop.score\ndef s(r): return ['x' * r['length'], os.getpid()]"
    runtime = await start_runtime(online=True, answer_limit_mb=1)
    await is_now(center, await deploy(center, runtime, python_model(source)), "DEPLOYED")
    (_, before) = (await http.post(runtime.url, json={"length": 900_000})).json()
    large = await http.post(runtime.url, json={"length": 1_100_000})
    assert large.status_code == 500
    assert large.json()["message"] == (
        "The answer is longer than 1,048,576 bytes: ask for less at a time, or raise MLC_RUNTIME_ANSWER_LIMIT_MB."
    )
    assert (await http.post(runtime.url, json={"length": 1})).json() == ["x", before]


async def test_the_names_in_headers_are_ascii(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await start_runtime(online=True)
    deployment = await deploy(center, runtime, answers(1), name="Zähler\r\nX-Evil: 1 %")
    await is_now(center, deployment, "DEPLOYED")
    response = await eventually(lambda: _ok(http, runtime.url))
    assert response.headers["MLC-Snapshot-Version"] == "Z%C3%A4hler%0D%0AX-Evil: 1 %25"
    assert "X-Evil" not in response.headers


async def test_a_request_that_can_not_be_meant_is_told_so_in_json(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await served(center, start_runtime, answers(1), max_body=1000)

    async def said(status: int, method: str = "POST", url: str = runtime.url, **request: Any) -> str:
        response = await http.request(method, url, **request)
        assert response.status_code == status, response.text
        return str(response.json()["message"])

    def typed(kind: str, **more: str) -> dict[str, Any]:
        return {"content": b"{}", "headers": {"Content-Type": kind, **more}}

    assert "application/json, not text/csv" in await said(415, **typed("text/csv"))
    assert "not application/x-www-form-urlencoded" in await said(415, data={"a": 1})
    assert await said(415, **typed("application/json; charset=latin-1"))
    assert await said(415, **typed("application/json", **{"Content-Encoding": "gzip"}))
    for kind in ("application/json; charset=UTF-8", "application/vnd.x+json"):
        assert (await http.post(runtime.url, **typed(kind))).status_code == 200
    for url in (runtime.url, f"{runtime.base}/models/model-1/score"):
        for method in ("GET", "PUT", "DELETE"):
            assert await said(405, method, url) == f"{method} is not what this address takes: send POST."
    for path in ("", "/api/roundtrip/0/2", "/deployments/x/scores"):
        assert (await said(404, url=runtime.base + path, json={})).startswith("There is nothing at /")
    assert "twice" in await said(400, content=b'{"a": 1, "a": 2}')
    assert "not JSON" in await said(400, content=b"")
    assert "not JSON" in await said(400, content=b"[" * 900)
    assert "not JSON" in await said(400, content=b'{"a": -Infinity}')
    assert "1e400 is larger than any number" in await said(400, content=b'{"a": 1e400}')
    assert "larger than 1000 bytes" in await said(413, content=b" " * 1001)

    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100

    assert "larger than 1000 bytes" in await said(413, content=pieces())


@pytest.mark.usefixtures("models_write_outside")
async def test_too_slow_is_504_and_the_next_request_is_answered_by_a_new_process(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    runtime = await served(center, start_runtime, answers(1), online_time_limit=3)
    first = await eventually(lambda: answered(http, runtime.url, {}))
    begun = tmp_path / "begun"
    stuck = asyncio.create_task(http.post(runtime.url, json=[{}, {"sleep": 60, "touch": str(begun)}]))
    await eventually(lambda: _exists(begun))
    following = await http.post(runtime.url, json={})
    response = await stuck
    assert (response.status_code, response.json()["message"]) == (
        504,
        "The model took longer than 3 seconds over these 2 records.",
    )
    assert response.headers["MLC-Snapshot"]
    assert following.status_code in (200, 503)  # it waited behind the stuck one
    for _ in range(3):
        after = await eventually(lambda: answered(http, runtime.url, {}))
        assert after["pid"] != first["pid"]


@pytest.mark.usefixtures("models_write_outside")
async def test_requests_beyond_the_queue_are_told_to_come_again(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    runtime = await served(center, start_runtime, answers(1), online_queue_limit=2)
    await eventually(lambda: answered(http, runtime.url, {}))
    begun, go_on = tmp_path / "begun", tmp_path / "go-on"
    first = asyncio.create_task(http.post(runtime.url, json={"touch": str(begun), "until": str(go_on)}))
    await eventually(lambda: _exists(begun))
    responses: list[httpx.Response] = []

    async def ask() -> None:
        responses.append(await http.post(runtime.url, json={}))
        if len(responses) == 6:  # as many as were sent away at once
            go_on.touch()

    await asyncio.gather(*(ask() for _ in range(8)))
    assert [response.status_code for response in responses] == [503] * 6 + [200] * 2
    for response in responses[:6]:
        assert int(response.headers["Retry-After"]) >= 1
        assert response.headers["MLC-Snapshot"]
        assert "as many as may wait" in response.json()["message"]
    assert (await first).status_code == 200


async def test_a_request_waits_for_its_turn_no_longer_than_the_limit(
    center: ModelManage, start_runtime: StartRuntime, http: httpx.AsyncClient
) -> None:
    runtime = await served(center, start_runtime, answers(1), online_time_limit=3)
    await eventually(lambda: answered(http, runtime.url, {}))
    responses = await asyncio.gather(*(http.post(runtime.url, json={"sleep": 2}) for _ in range(4)))
    assert {response.status_code for response in responses} == {200, 503}
    for response in responses:
        if response.status_code == 503:
            assert "busy with other requests for 3 seconds" in response.json()["message"]
            assert int(response.headers["Retry-After"]) >= 1


async def _ok(http: httpx.AsyncClient, url: str) -> httpx.Response | None:
    response = await http.post(url, json={})
    return response if response.status_code == 200 else None


async def _exists(path: Path) -> bool:
    return path.exists()
