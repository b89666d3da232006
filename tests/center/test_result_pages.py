"""The page with charts of a test result, as the centre serves it."""

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from center_harness import TOKEN
from reports.results import DRIFT, EVIL, METRIC

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.wire import DeployableModel, Job, MetaData, ModelMetaData, ModelTestResult, StoredModel
from mlc.reports import CONTENT_SECURITY_POLICY

MONITOR_RESULT = {"purpose": "monitor", "inputs": {"baseline.csv": "a" * 64}}


async def snapshot_of(center: ModelManage, name: str) -> DeployableModel:
    model = await center.create_stored_model(StoredModel(model_meta_data=ModelMetaData(name=name)))
    return await center.create_snapshot(DeployableModel(stored_model=model, meta_data=MetaData(name=f"{name} v1")))


async def kept(
    center: ModelManage, watched: DeployableModel, monitor: DeployableModel | None, value: float, **more: Any
) -> ModelTestResult:
    """A result of a job; of a monitor's, if it is one's."""
    job = await center.create_job(
        Job(job_type="MODEL_BATCH_TEST_JOB", model=monitor or watched, reference_model=watched if monitor else None)
    )
    fields: dict[str, Any] = {
        "deployable_model_id": watched.id,
        "job_id": job.id,
        "test_results": DRIFT | {METRIC: value},
        "provenance": MONITOR_RESULT if monitor else {},
    }
    return await center.create_test_result(ModelTestResult(**fields | more))


def shown(address: str, result: ModelTestResult) -> str:
    answer = httpx.get(f"{address}/results/{result.id}/page", timeout=60)
    assert answer.status_code == 200, answer.text
    ElementTree.fromstring(answer.text.removeprefix("<!doctype html>"))
    return answer.text


async def test_a_page_is_served_sandboxed(address: str, center: ModelManage) -> None:
    watched = await snapshot_of(center, "credit")
    result = await kept(center, watched, await snapshot_of(center, "Drift Monitor"), 0.3)
    answer = httpx.get(f"{address}/results/{result.id}/page", timeout=60)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    policy = CONTENT_SECURITY_POLICY.split("; ")
    assert {"sandbox", "default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


async def test_it_names_the_monitor_and_the_snapshot_and_compares_with_the_same_monitor_only(
    address: str, center: ModelManage
) -> None:
    watched, other_watched = await snapshot_of(center, "credit"), await snapshot_of(center, "other")
    drift, stability = await snapshot_of(center, "Drift Monitor"), await snapshot_of(center, "Other Monitor")
    earlier = [await kept(center, watched, drift, value) for value in (0.1, 0.2)]
    not_the_same = [
        await kept(center, watched, stability, 0.3),
        await kept(center, watched, None, 0.4),
        await kept(center, other_watched, drift, 0.5),
        await kept(center, watched, None, 0.6, job_id="gone", provenance={"purpose": "monitor"}),
    ]
    page = shown(address, await kept(center, watched, drift, 0.7))
    assert "Drift Monitor" in page
    assert "credit v1" in page
    assert f'href="/snapshots/{watched.id}"' in page
    assert all(str(result.id) in page for result in earlier)
    assert not [result for result in not_the_same if str(result.id) in page]


async def test_modelops_own_result_of_a_monitor_has_a_page(address: str, center: ModelManage) -> None:
    watched = await snapshot_of(center, "credit")
    associated = {"associatedModel": {"storedModel": {"modelMetaData": {"name": "Built-in Monitor"}}}}
    made = [await kept(center, watched, None, value, associatedModel=associated, job_id=None) for value in (0.1, 0.2)]
    page = shown(address, made[1])
    assert "Built-in Monitor" in page
    assert str(made[0].id) in page
    named = await kept(center, watched, None, 0.3, associatedModel="Built-in Monitor", job_id=None)
    page = shown(address, named)
    assert [str(result.id) in page for result in made] == [True, True], "by its name alone it is the same one"


async def test_a_result_of_another_purpose_has_a_page_that_says_so(address: str, center: ModelManage) -> None:
    watched = await snapshot_of(center, "credit")
    before = await kept(center, watched, None, 0.1)
    back_test = await kept(center, watched, None, 0.2, provenance={"purpose": "backTest"})
    page = shown(address, await kept(center, watched, None, 0.3))
    assert "own metrics job" in page
    assert (str(before.id) in page, str(back_test.id) in page) == (True, False)
    assert "a back test" in shown(address, back_test)


async def test_a_result_of_which_everything_else_is_gone_or_hostile_has_a_page(
    address: str, center: ModelManage
) -> None:
    evil = EVIL.replace("\0", "")
    fields: dict[str, Any] = {
        "test_results": {evil: evil, "distributions": evil, "stability": evil},
        "provenance": {"purpose": 7, "inputs": evil, "versions": evil, "jobParameters": [evil]},
        "dmn_rule_results": [{"passes": evil, "rule": evil, "conditions": evil}, {}],
        "associatedModel": evil,
        "mlcVerdict": evil,
    }
    for ids in ({}, {"deployable_model_id": "gone", "job_id": "gone"}, {"deployable_model_id": evil, "job_id": evil}):
        page = shown(address, await center.create_test_result(ModelTestResult(**fields | ids)))
        assert "<script" not in page


@pytest.mark.parametrize("result_id", ["x", "..%2Fx", "%00", "a" * 3_000])
async def test_an_unknown_result_has_none(address: str, result_id: str) -> None:
    assert httpx.get(f"{address}/results/{result_id}/page").status_code in {400, 404}


async def test_a_page_is_for_readers(address: str, center: ModelManage) -> None:
    result = await kept(center, await snapshot_of(center, "credit"), None, 0.1)
    path, elsewhere = f"{address}/results/{result.id}/page", {"Host": "rebound.example.org"}
    assert httpx.get(path, headers=elsewhere).status_code == 401
    assert httpx.get(path, headers=elsewhere | {"Authorization": f"Bearer {TOKEN}"}, timeout=60).status_code == 200


async def test_the_snapshots_page_links_to_it(address: str, center: ModelManage) -> None:
    watched = await snapshot_of(center, "credit")
    result = await kept(center, watched, None, 0.1)
    link = f'href="/results/{result.id}/page"'
    assert link in httpx.get(f"{address}/snapshots/{watched.id}").text
    assert link in httpx.get(f"{address}/results/{result.id}").text
