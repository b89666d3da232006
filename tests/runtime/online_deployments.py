"""Online deployments as tests make and ask them."""

import os
from typing import Any

import httpx
from servers import eventually
from small_models import python_model

from mlc.center.modelop import wire
from mlc.center.modelop.client import ModelManage


async def deploy(
    center: ModelManage, runtime: Any, model: wire.DeployableModel, model_id: str = "model-1", *, name: str = "s"
) -> str:
    """Make a deployment as the process does; its id."""
    stored = model.stored_model.model_copy(update={"id": model_id})
    snapshot = await center.create_snapshot(
        wire.DeployableModel(stored_model=stored, meta_data=wire.MetaData(name=name))
    )
    deployment = wire.DeployedModel(deployable_model=snapshot, engine=runtime.engine, state="DEPLOYING")
    return (await center.create_deployment(deployment)).id


async def state(center: ModelManage, deployment_id: str) -> str:
    return (await center.get_deployment(deployment_id)).model_extra["state"]


async def is_now(center: ModelManage, deployment_id: str, wanted: str) -> None:
    async def reached() -> bool:
        return await state(center, deployment_id) == wanted

    await eventually(reached, seconds=90)


def answers(number: int) -> wire.DeployableModel:
    source = f"""
        import os, time
        # modelop.init
        def init(definition):
            global seen
            seen = definition["deployableModel"]["metaData"]["name"], "deployableModel" in definition["rawJson"]
        # modelop.score
        def score(r):
            if r.get("touch"): open(r["touch"], "w").close()
            while "until" in r and not os.path.exists(r["until"]): time.sleep(0.02)
            if r.get("sleep"): time.sleep(r["sleep"])
            if r.get("raise"): raise ValueError("no good")
            if r.get("exit"): os._exit(9)
            yield {{"answer": {number}, "got": r, "seen": seen, "pid": os.getpid(), "nan": float("nan")}}
        """
    return python_model(source)


async def answered(http: httpx.AsyncClient, url: str, record: Any) -> Any:
    response = await http.post(url, json=record)
    return response.json() if response.status_code == 200 else None


async def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
