"""The centre's pages for people: models, snapshots, jobs, test results and notifications, to read."""

import asyncio
import json
import re
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import ChainableUndefined, Environment, PackageLoader

from mlc.model.secret_names import without_secrets
from mlc.standalone.center.contents import named_files
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.files.answering import answer, attachment
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.service import ModelCenter

JsonObject = dict[str, Any]

_SHOWN = 200
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def pages(center: ModelCenter) -> APIRouter:
    """The routes; who may read them is for :mod:`mlc.standalone.access.routes` to say."""
    site = APIRouter(include_in_schema=False)
    templates = Environment(
        loader=PackageLoader(__name__, "."), autoescape=True, undefined=ChainableUndefined, trim_blocks=True
    )
    templates.filters |= {"moment": _moment, "short": _short, "without_secrets": without_secrets}
    css, _, _ = templates.loader.get_source(templates, "style.css") if templates.loader else ("", None, None)

    def show(template: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(templates.get_template(template).render(shown=_SHOWN, **values), headers=_HEADERS)

    async def newest(plural: str, **where: str) -> list[JsonObject]:
        return (await center.page(KINDS[plural], where, descending=True, size=_SHOWN)).items

    @site.get("/style.css")
    async def style() -> Response:
        return Response(css, media_type="text/css", headers=_HEADERS | {"Cache-Control": "max-age=3600"})

    @site.get("/")
    async def overview() -> Response:
        return show(
            "overview.html",
            models=await newest("storedModels"),
            snapshots=[s for s in await newest("deployableModels") if _is_business(s["storedModel"])],
            deployments=await newest("deployedModels"),
            engines=await newest("engines"),
            notifications=(await newest("notifications"))[:20],
        )

    @site.get("/models/{model_id}")
    async def model(model_id: str) -> Response:
        found = await center.get(KINDS["storedModels"], model_id, Contents.NONE)
        return show("model.html", model=found, snapshots=await newest("deployableModels", model_id=model_id))

    @site.get("/snapshots/{snapshot_id}")
    async def snapshot(snapshot_id: str) -> Response:
        found = await center.get(KINDS["deployableModels"], snapshot_id, Contents.NONE)
        of_it = {
            name: await newest(plural, snapshot_id=snapshot_id)
            for name, plural in (
                ("deployments", "deployedModels"),
                ("results", "modelTestResults"),
                ("jobs", "jobs"),
                ("notifications", "notifications"),
            )
        }
        return show("snapshot.html", snapshot=found, **of_it)

    @site.get("/jobs/{job_id}")
    async def job(job_id: str) -> Response:
        return show("job.html", job=await center.get(KINDS["jobs"], job_id, Contents.NONE))

    @site.get("/results/{result_id}")
    async def result(result_id: str) -> Response:
        found = await center.get(KINDS["modelTestResults"], result_id, Contents.NONE)
        measured = {name: value for name, value in found.get("testResults", {}).items() if not _is_block(value)}
        return show("result.html", result=found, measured=measured)

    @site.get("/files/{plural}/{entity_id}/{sha256}")
    async def file(request: Request, plural: str, entity_id: str, sha256: str) -> Response:
        """A file that an entity refers to, to be saved under the name that it has there."""
        kind = KINDS.get(plural)
        document = await center.get(kind, entity_id, Contents.NONE) if kind else {}
        name = next((_file_name(asset) for asset, digest in named_files(document) if digest == sha256), None)
        size = None if name is None else await asyncio.to_thread(center.store.files.size, sha256)
        if name is None or size is None:
            raise HTTPException(404, "There is no such file.")
        return await answer(request, center.store.files, sha256, size, attachment(name))

    return site


def _file_name(asset: JsonObject) -> str:
    """What a file is called, without folders."""
    return re.split(r"[/\\]", str(asset.get("filename") or asset.get("name") or "file"))[-1]


def _is_business(model: JsonObject) -> bool:
    return bool((model.get("modelMetaData") or {}).get("modelCategory", "BUSINESS_MODEL") == "BUSINESS_MODEL")


def _is_block(value: Any) -> bool:
    """Charts and test blocks are for machines; scalars and short lists can be read."""
    return isinstance(value, dict | list) and len(str(value)) > 200


def _moment(value: Any) -> str:
    """A date and time of the centre's, to the minute."""
    text = str(value or "")
    return f"{text[:10]} {text[11:16]} UTC" if text.endswith("Z") else text[:40]


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:299] + "\N{HORIZONTAL ELLIPSIS}"
