"""What benches put into the model centre of standalone mode, and how they reach its parts as a client does."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
from parts import Parts
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.processes import TASK_QUEUE, DeployModelInput, deploy_model_id

T = TypeVar("T")
AT_ONCE = 16

SOURCE = "# modelop.metrics\ndef metrics(df):\n    yield {'auc': 0.95, 'rows': len(df)}\n"
TEST_DATA = "x,y\n" + "1,0\n" * 20


def asset(name: str, role: str, content: str | bytes) -> wire.Asset:
    raw = content.encode() if isinstance(content, str) else content
    return wire.Asset(
        name=name, filename=name, asset_type="FILE", asset_role=role, file_content=base64.b64encode(raw).decode()
    )


ASSETS = (asset("model.py", "MODEL_SOURCE", SOURCE), asset("test.csv", "TEST_DATA", TEST_DATA))


@asynccontextmanager
async def centre(parts: Parts) -> AsyncIterator[ModelManage]:
    """The model centre in its own words."""
    settings = CenterSettings(
        url=parts.said["MLC_CENTER_URL"], token=SecretStr(parts.said["MLC_CENTER_TOKEN"]), timeout=300
    )
    client = ModelManage(settings)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def jira(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """The ticket desk as people use it."""
    said = parts.said
    access = (said["MLC_JIRA_USER"], said["MLC_JIRA_TOKEN"])
    async with httpx.AsyncClient(base_url=f"{said['MLC_JIRA_URL']}/rest/api/2/", auth=access, timeout=60) as client:
        yield client


async def move(desk: httpx.AsyncClient, key: str, status: str) -> None:
    """Move a ticket, as a person would."""
    found = (await desk.get(f"issue/{key}/transitions")).raise_for_status().json()["transitions"]
    chosen = next(each["id"] for each in found if each["to"]["name"] == status)
    (await desk.post(f"issue/{key}/transitions", json={"transition": {"id": chosen}})).raise_for_status()


async def model(
    center: ModelManage, name: str = "bench", *, group: str | None = None, assets: Iterable[wire.Asset] = ASSETS
) -> wire.StoredModel:
    meta = wire.ModelMetaData(name=name, model_methodology="Classification", model_stage="PROD", model_risk="high")
    return await center.create_stored_model(
        wire.StoredModel(group=group, model_meta_data=meta, model_assets=list(assets))
    )


async def snapshot(center: ModelManage, stored: wire.StoredModel, *tags: str, name: str = "bench-1") -> str:
    meta = wire.MetaData(name=name, tags=list(tags))
    return (await center.create_snapshot(wire.DeployableModel(stored_model=stored, meta_data=meta))).id


async def deploy(temporal: Client, snapshot_id: str, **more: Any) -> WorkflowHandle[Any, Any]:
    """Start DeployModel on a snapshot."""
    return await temporal.start_workflow(
        "DeployModel",
        DeployModelInput(snapshot_id=snapshot_id),
        id=deploy_model_id(snapshot_id),
        task_queue=TASK_QUEUE,
        priority=Priority(),
        **more,
    )


async def at_once(work: Iterable[Callable[[], Awaitable[T]]], number: int = AT_ONCE) -> list[T]:
    """Do all of it, so much at the same time."""
    turn = asyncio.Semaphore(number)

    async def one(each: Callable[[], Awaitable[T]]) -> T:
        async with turn:
            return await each()

    return list(await asyncio.gather(*(one(each) for each in work)))


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float, pause: float = 0.2) -> Any:
    """Wait until the condition answers with something true, and return that."""
    async with asyncio.timeout(seconds):
        while not (answer := await condition()):
            await asyncio.sleep(pause)
        return answer
