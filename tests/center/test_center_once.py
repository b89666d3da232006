"""What carries a key is created once by the standalone centre, whoever creates it at the same moment."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN

from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.store import Conflict, Known, Store

JOBS, DEPLOYMENTS = KINDS["jobs"], KINDS["deployedModels"]


def a_job(key: str | None) -> dict[str, Any]:
    return {"jobType": "MODEL_BATCH_JOB", "jobParameters": {} if key is None else {"mlcKey": key}}


async def test_of_many_at_once_one_is_created_and_all_are_answered_with_it(address: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{address}/model-manage/api/", headers=headers) as http:
        answers = await asyncio.gather(*(http.post("jobs", json=a_job("k")) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        there = (await http.get("jobs")).json()
    assert there["page"]["totalElements"] == 1


def test_keys_are_unique_within_their_kind_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "center.db")
    first = store.create(JOBS, a_job("k"))
    store.create(DEPLOYMENTS, {"mlcKey": "k"})
    for key in (None, None, "", ""):
        store.create(JOBS, a_job(key))
    with pytest.raises(Known) as known:
        store.create(JOBS, a_job("k"))
    assert known.value.first["id"] == first["id"]
    other = store.create(JOBS, a_job("other"))
    with pytest.raises(Conflict, match="key"):
        store.change(JOBS, other["id"], lambda body: body["jobParameters"].update(mlcKey="k"))
    store.close()
