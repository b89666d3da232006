"""A centre with two runtimes that have tokens of their own, and entities of every kind, some of them theirs."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from center_harness import TOKEN, no_temporal, served
from fastapi import FastAPI
from pydantic import SecretStr

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.app import create_app
from mlc.standalone.center.entities import HANDED_TO, KINDS
from mlc.standalone.center.store import Store

MINE, OTHER = "mine", "Mine"
"""Two runtimes: names that differ by case."""
SECRET = b"the other runtime's test data"
"""Only its own job has it."""
DATA = b"test data of all other jobs"

Entity = dict[str, Any]


def asset(content: bytes, **more: Any) -> Entity:
    return {"assetType": "FILE", "name": "f", "fileContent": base64.b64encode(content).decode(), **more}


@dataclass
class Site:
    """``tokens`` are by the runtime's name; ``own`` has an entity of each kind, by its name and the runtime's."""

    app: FastAPI
    address: str
    database: Path
    http: httpx.Client
    """Keeps its connections: a new one for each request takes longer than the answer."""
    tokens: dict[str, str] = field(default_factory=dict)
    own: dict[tuple[str, str], Entity] = field(default_factory=dict)
    any: dict[str, Entity] = field(default_factory=dict)
    """An entity of each kind that no runtime may see."""

    def ask(self, method: str, path: str, token: str = TOKEN, **how: Any) -> httpx.Response:
        """A request to model-manage."""
        headers = {"Authorization": f"Bearer {token}"} | how.pop("headers", {})
        return self.http.request(method, f"{self.address}/model-manage/api{path}", headers=headers, **how)

    def as_runtime(self, name: str, method: str, path: str, **how: Any) -> httpx.Response:
        return self.ask(method, path, self.tokens[name], **how)

    def made(self, plural: str, document: Entity) -> Entity:
        answer = self.ask("POST", f"/{plural}", json=document)
        assert answer.is_success, answer.text
        entity: Entity = answer.json()
        return entity

    def issue(self, name: str) -> str:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = self.http.post(f"{self.address}/api/runtime-tokens/{name}", headers=headers)
        return str(answer.json()["token"])

    def hand_over(self, job_id: str, name: str) -> None:
        """As the dispatcher does it."""
        store = Store(self.database)
        store.change(KINDS["jobs"], job_id, lambda document: document.update({HANDED_TO: name}))
        store.close()

    def job(self, name: str | None, **more: Any) -> Entity:
        model = {"storedModel": {"modelMetaData": {"name": "m"}, "modelAssets": [asset(b"source of the model")]}}
        job = self.made(
            "jobs",
            {"jobType": "MODEL_BATCH_TEST_JOB", "model": model, "inputData": [asset(DATA)], "outputData": []} | more,
        )
        if name is not None:
            self.hand_over(job["id"], name)
        return job

    def deployment(self, engine: Entity) -> Entity:
        snapshot = {"id": self.any["deployableModels"]["id"]}
        return self.made("deployedModels", {"deployableModel": snapshot, "engine": {"id": engine["id"]}})


@contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    """The centre, served on a free port."""
    database = folder / "site.db"
    app = create_app(StandaloneCenterSettings(database=database, token=SecretStr(TOKEN)), connect=no_temporal)
    kept = httpx.Limits(keepalive_expiry=2)  # not as long as the server keeps them
    with served(app) as address, httpx.Client(timeout=30, limits=kept) as http:
        site = Site(app, address, database, http)
        model = site.made("storedModels", {"modelMetaData": {"name": "m"}})
        snapshot = site.made("deployableModels", {"storedModel": {"id": model["id"]}})
        site.any = {
            "storedModels": model,
            "deployableModels": snapshot,
            "assets": site.made("assets", asset(b"a file")),
            "modelTestResults": site.made("modelTestResults", {"deployableModelId": snapshot["id"]}),
            "decisionRecords": site.made("decisionRecords", {"deployableModelId": snapshot["id"]}),
            "notifications": site.made("notifications", {"message": "n"}),
        }
        for name in (MINE, OTHER):
            site.tokens[name] = site.issue(name)
            endpoints = [{"url": f"http://{name}.example.com"}]
            engine = site.made("engines", {"name": name, "inputEndpoints": endpoints})
            site.own["engines", name] = engine
            site.own["jobs", name] = site.job(name, inputData=[asset(SECRET if name == OTHER else DATA)])
            site.own["deployedModels", name] = site.deployment(engine)
        yield site
