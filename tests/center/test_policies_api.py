"""The centre's API for policies: what is kept, who may, and what is refused."""

import threading
from typing import Any

import httpx
import pytest
from center_harness import settings_for

from mlc.center import Capability, Unsupported
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.failure import NotFound, Unavailable
from mlc.testing.center.policies import a_policy, sha256


def put(raw: httpx.Client, text: Any) -> httpx.Response:
    return raw.post("policies", json={"text": text})


def history(raw: httpx.Client) -> list[Any]:
    return list(raw.get("policies").raise_for_status().json()["policies"])


def test_a_centre_without_a_policy_says_that_there_is_none(raw: httpx.Client) -> None:
    assert raw.get("policies/current").json() == {"policy": None}
    assert raw.get("policies").json() == {"policies": []}


def test_what_is_put_is_kept_and_put_by_whom_the_centre_knows(raw: httpx.Client) -> None:
    text = a_policy()
    first, again = put(raw, text), put(raw, text)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert (first.json()["sha256"], first.json()["put_by"]) == (sha256(text), "operator")
    assert raw.get("policies/current").json() == {"policy": {**first.json(), "text": text}}
    assert raw.get(f"policies/{sha256(text)}").json()["policy"]["text"] == text
    assert history(raw) == [first.json()]


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"text": "version: 1\nrulse: []\n"}, 422, "line 2: rulse is not known here: was 'rules' meant?"),
        ({"text": ""}, 422, "the policy is empty"),
        ({"text": "#" * 262_145}, 422, "the policy has 262,145 bytes"),
        ({"text": "#" * 2_000_000}, 413, "a policy has at most 262144 bytes"),
        ({"text": "a: \0"}, 422, "this is no YAML"),
        ({"text": 7}, 400, 'Send an object with "text"'),
        ({"text": None}, 400, 'Send an object with "text"'),
        ({}, 400, 'Send an object with "text"'),
        ({"text": a_policy(), "put_by": "somebody else"}, 400, 'Send an object with "text"'),
        ([], 400, "The body is not a JSON object"),
    ],
)
def test_what_is_no_policy_is_refused_and_the_one_before_stays(
    raw: httpx.Client, body: Any, status: int, why: str
) -> None:
    before = put(raw, a_policy()).json()
    answer = raw.post("policies", json=body)
    assert (answer.status_code, why in answer.json()["message"]) == (status, True), answer.text
    assert history(raw) == [before]


@pytest.mark.parametrize("unknown", ["0" * 64, "x", "A" * 64, "%00", "x" * 3_000])
def test_of_what_was_never_put_there_is_none(raw: httpx.Client, unknown: str) -> None:
    put(raw, a_policy())
    assert raw.get(f"policies/{unknown}").json() == {"policy": None}


def test_nobody_deletes_or_changes_a_policy(raw: httpx.Client) -> None:
    kept = put(raw, a_policy()).json()
    for method in ("DELETE", "PATCH", "PUT"):
        for path in ("policies", f"policies/{kept['sha256']}", "policies/current"):
            assert raw.request(method, path, json={}).status_code in {403, 404, 405}, (method, path)
    assert history(raw) == [kept]


def test_only_the_operator_puts_a_policy_and_reads_one(address: str) -> None:
    with httpx.Client(base_url=f"{address}/model-manage/api/") as nobody:
        assert put(nobody, a_policy()).status_code == 401
        assert {nobody.get(path).status_code for path in ("policies", "policies/current")} == {401}


def test_operators_who_put_at_once_are_all_in_the_history(raw: httpx.Client, address: str) -> None:
    texts, begin = [a_policy() for _ in range(4)], threading.Barrier(4)

    def one(text: str) -> None:
        with httpx.Client(base_url=f"{address}/model-manage/api/", headers=dict(raw.headers), timeout=120) as http:
            begin.wait(60)
            put(http, text).raise_for_status()

    threads = [threading.Thread(target=one, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    found = [each["sha256"] for each in history(raw)]
    assert sorted(found) == sorted(map(sha256, texts))
    assert raw.get("policies/current").json()["policy"]["sha256"] == found[0]


async def test_a_centre_of_another_product_has_no_place_for_policies(address: str) -> None:
    center = ModelOpCenter(settings_for(address))
    assert Capability.KEEPS_POLICY not in center.capabilities
    with pytest.raises(Unsupported, match=r"can't keep governance policies\. Standalone mode's centre does"):
        await center.read_policy()
    await center.aclose()


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (httpx.Response(404, json={"message": "There is no entity policies."}), NotFound),
        (httpx.Response(200, json={}), Unavailable),
        (httpx.Response(200, json={"policy": {}}), Unavailable),
        (
            httpx.Response(
                200,
                json={"policy": {"sha256": "0" * 64, "put_at": "2026-01-01T00:00:00Z", "put_by": "x", "text": "other"}},
            ),
            Unavailable,
        ),
    ],
)
async def test_an_answer_that_says_nothing_of_a_policy_is_not_taken_for_there_being_none(
    answer: httpx.Response, raised: type[Exception]
) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        center = ModelOpCenter(settings_for("http://127.0.0.1:1", standalone=True), http=http)
        with pytest.raises(raised):
            await center.read_policy()
