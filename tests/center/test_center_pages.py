"""The pages for people."""

import base64
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest
from center_harness import TOKEN

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.wire import (
    Asset,
    Association,
    DeployableModel,
    DeployedModel,
    Engine,
    Job,
    MetaData,
    ModelMetaData,
    ModelTestResult,
    Notification,
    Schedule,
    StoredModel,
)

EVIL = "\"><script>alert('x')</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


async def everything(center: ModelManage, word: str) -> list[str]:
    """One of each entity with ``word`` wherever a word can be; the paths of all their pages."""
    asset = Asset(filename=word, name=word, asset_role=word, file_content=base64.b64encode(b"x").decode())
    meta = ModelMetaData(
        name=word, description=word, tags=[word], model_methodology=word, model_risk=word, model_stage=word
    )
    model = await center.create_stored_model(StoredModel(model_meta_data=meta, model_assets=[asset], created_by=word))
    engine = await center.save_engine(Engine(name=word, tags=[word], environment_name=word, state=word))
    snapshot = await center.create_snapshot(
        DeployableModel(
            stored_model=model,
            created_by=word,
            meta_data=MetaData(name=word, description=word, tags=[word], custom={word: word}),
            associated_models=[Association(association_role=word, schedules=[Schedule(cron_expression=word)])],
        )
    )
    await center.patch_snapshot(snapshot.id, {"expirationDate": word})
    await center.create_deployment(
        DeployedModel(
            deployable_model=snapshot, engine=engine, deployment_target=word, schedules=[Schedule(cron_expression=word)]
        )
    )
    job = await center.create_job(
        Job(job_type=word, model=snapshot, job_messages=[word], job_parameters={word: word}, input_data=[asset])
    )
    result = await center.create_test_result(
        ModelTestResult(
            deployable_model_id=snapshot.id,
            job_id=word,
            test_results={word: word, "blocks": [word] * 50},
            dmn_rule_results=[{"passes": False, "reason": word}],
            provenance={word: word},
        )
    )
    await center.create_notification(Notification(message=word, severity=word, deployable_model_id=snapshot.id))
    return [
        "/",
        f"/models/{model.id}",
        f"/snapshots/{snapshot.id}",
        f"/jobs/{job.id}",
        f"/results/{result.id}",
    ]


@pytest.fixture
async def paths(center: ModelManage) -> AsyncIterator[list[str]]:
    return await everything(center, EVIL)


async def test_hostile_names_are_shown_as_text(address: str, paths: list[str]) -> None:
    for path in paths:
        answer = httpx.get(address + path)
        assert answer.status_code == 200, path
        page = Page(answer.text)
        assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "svg"}, path
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")], path
        assert "<script>alert('x')</script>" in page.text, path
        assert "{{ 7 * 7 }}" in page.text, path


async def test_the_pages_load_nothing_from_elsewhere_and_their_links_lead_somewhere(
    address: str, paths: list[str]
) -> None:
    for path in paths:
        answer = httpx.get(address + path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        for _, attributes in Page(answer.text).tags:
            assert "src" not in attributes
            href = attributes.get("href")
            if href and "%3Cscript" not in href:
                assert href.startswith("/")
                assert httpx.get(address + href).status_code == 200, href


async def test_a_snapshot_shows_what_a_reviewer_looks_for(address: str, center: ModelManage) -> None:
    _, _, snapshot, *_ = await everything(center, "Wort")
    page = Page(httpx.get(address + snapshot).text).text
    for said in ("Expires", "DEPLOYED", "Test results", "Monitors", "Assets", "Wort"):
        assert said in page


async def test_a_job_that_is_complete_without_success_shows_both(address: str, center: ModelManage) -> None:
    meta = MetaData(name="v1", custom={"decision": {"by": "Ada", "passed": True}})
    model = await center.create_stored_model(StoredModel(model_meta_data=ModelMetaData(name="v")))
    snapshot = await center.create_snapshot(DeployableModel(stored_model=model, meta_data=meta))
    lossy = Job(job_type="MODEL_BATCH_JOB", job_status="COMPLETE", job_result="FAILURE", model=snapshot)
    job = await center.create_job(lossy)
    async with httpx.AsyncClient(base_url=address) as browser:
        for path in (f"/snapshots/{snapshot.id}", f"/jobs/{job.id}"):
            shown = (await browser.get(path)).text
            assert '<span class="status bad">FAILURE</span>' in shown, path
        assert '{"by": "Ada", "passed": true}' in Page((await browser.get(f"/snapshots/{snapshot.id}")).text).text


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("weights.bin", "weights.bin"),
        ("../../etc/passwd", "passwd"),
        ("a\\b.exe", "b.exe"),
        ('x"; filename="y.html', "x__ filename__y.html"),
        ("a\r\nSet-Cookie: a=b", "a__Set-Cookie_ a_b"),
        ("Gewichte \u00fc.bin", "Gewichte _.bin"),
    ],
)
async def test_a_file_is_saved_under_its_name_and_never_shown(
    address: str, center: ModelManage, name: str, plain: str
) -> None:
    page_of_itself = b"<script>alert(document.cookie)</script>"
    asset = Asset(filename=name, file_content=base64.b64encode(page_of_itself).decode())
    model = await center.create_stored_model(StoredModel(model_meta_data=ModelMetaData(name="m"), model_assets=[asset]))
    page = Page(httpx.get(f"{address}/models/{model.id}").text)
    (link,) = [attributes["href"] for _, attributes in page.tags if "/files/" in (attributes.get("href") or "")]
    answer = httpx.get(f"{address}{link}")
    assert (answer.status_code, answer.content) == (200, page_of_itself)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith(f"attachment; filename=\"{plain}\"; filename*=UTF-8''")
    assert "Set-Cookie" not in answer.headers
    part = httpx.get(f"{address}{link}", headers={"Range": "bytes=1-6"})
    assert (part.status_code, part.content) == (206, b"script")
    for other in (link.replace("storedModels", "engines"), link[:-1] + "x", link.replace("/files/", "/files/x")):
        assert httpx.get(f"{address}{other}").status_code == 404, other


async def test_without_the_token_pages_are_for_this_machine_only(address: str) -> None:
    assert httpx.get(address).status_code == 200
    elsewhere = {"Host": "rebound.example.org"}
    answer = httpx.get(address, headers=elsewhere)
    assert answer.status_code == 401
    assert "bearer token" in answer.json()["message"]
    assert httpx.get(address, headers=elsewhere | {"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("path", ["/models/x", "/snapshots/x", "/jobs/x", "/results/x"])
async def test_a_page_of_nothing_says_so(address: str, path: str) -> None:
    answer = httpx.get(address + path)
    assert answer.status_code == 404
    assert "nothing" in answer.json()["message"]
