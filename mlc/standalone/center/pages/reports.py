"""The page of one test result, which needs nothing else: what is in it comes from models, so it is served sandboxed."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from mlc.center.modelop.results import read_result
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import ModelTestResult
from mlc.model.result import Purpose, TestResultRecord
from mlc.reports import CONTENT_SECURITY_POLICY, About, result_page
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.service import ModelCenter

JsonObject = dict[str, Any]

_LOOKED_AT = 100
"""Results of the snapshot among which earlier ones of the same kind are looked for, the newest first."""
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def reports(center: ModelCenter) -> APIRouter:
    """The routes; who may read them is for :mod:`mlc.standalone.access.routes` to say."""
    site = APIRouter(include_in_schema=False)

    @site.get("/results/{result_id}/page")
    async def page(result_id: str) -> Response:
        document = await center.get(KINDS["modelTestResults"], result_id, Contents.NONE)
        record, monitor = _record(document), await _monitor(center, document)
        about = await _about(center, document, monitor)
        earlier = [other async for other in _earlier(center, document, record, monitor)]
        return HTMLResponse(result_page(record, earlier, about), headers=_HEADERS)

    return site


def _record(document: JsonObject) -> TestResultRecord:
    """A result as the processes read it; of one that somebody else wrote in another way its values."""
    settings = CenterSettings()
    try:
        return read_result(ModelTestResult.model_validate(document), settings)
    except ValidationError:
        values = document.get("testResults")
        return TestResultRecord(id=str(document["id"]), values=values if isinstance(values, dict) else {})


async def _about(center: ModelCenter, document: JsonObject, monitor: str) -> About:
    """What it is of, as far as it is still there."""
    snapshot_id = document.get("deployableModelId")
    if not isinstance(snapshot_id, str):
        return About(monitor=monitor)
    try:
        snapshot = await center.get(KINDS["deployableModels"], snapshot_id, Contents.NONE)
    except NoSuchEntity:
        return About(monitor=monitor, snapshot=snapshot_id)
    name, model = _text(snapshot, "metaData", "name"), _text(snapshot, "storedModel", "modelMetaData", "name")
    return About(monitor, name or snapshot_id, model, f"/snapshots/{snapshot['id']}")


async def _monitor(center: ModelCenter, document: JsonObject) -> str:
    """The name of the monitor that a result is of; empty if it is of none.

    The result names it, ours by its name and ModelOp's by its document. Else the job tells it, which runs the monitor
    and names the model that is watched.
    """
    associated = document.get(CenterSettings().result_monitor_field)
    if isinstance(associated, str):
        return associated
    if isinstance(associated, dict):
        inner = associated.get("associatedModel")
        return _model_name(inner if isinstance(inner, dict) else associated)
    job_id = document.get("jobId")
    if not isinstance(job_id, str):
        return ""
    try:
        job = await center.get(KINDS["jobs"], job_id, Contents.NONE)
    except NoSuchEntity:
        return ""
    return _model_name(job.get("model")) if isinstance(job.get("referenceModel"), dict) else ""


async def _earlier(
    center: ModelCenter, document: JsonObject, record: TestResultRecord, monitor: str
) -> AsyncIterator[TestResultRecord]:
    """Results of the same kind on the same snapshot: of the same monitor, if it is one's."""
    snapshot_id = document.get("deployableModelId")
    if not isinstance(snapshot_id, str) or (record.purpose is Purpose.MONITOR and not monitor):
        return
    listed = await center.page(
        KINDS["modelTestResults"], {"snapshot_id": snapshot_id}, descending=True, size=_LOOKED_AT
    )
    for other in listed.items:
        known = _record(other)
        if known.purpose is record.purpose and await _monitor(center, other) == monitor:
            yield known


def _model_name(snapshot: Any) -> str:
    return _text(snapshot, "storedModel", "modelMetaData", "name") or _text(snapshot, "metaData", "name")


def _text(document: Any, *path: str) -> str:
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document if isinstance(document, str) else ""
