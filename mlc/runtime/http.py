"""The HTTP face of an online runtime: records in, the model's answers out."""

import asyncio
import hmac
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import Message
from typing import Any
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mlc.model import retry_after
from mlc.model.deployment import DeploymentRecord
from mlc.model.failure import MlcError
from mlc.model.truncation import truncate
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.online import NoSuchDeployment, OnlineModels, Reply, SeveralModels, Target
from mlc.runtime.online_model import ModelBusy, NotServing, Outcome, TooSlow
from mlc.settings import RuntimeSettings

DEPLOYMENT_HEADER = "X-Deployment-Id"
"""Names the deployment that a round trip is for."""
SNAPSHOT, VERSION, ANSWERED_BY = "MLC-Snapshot", "MLC-Snapshot-Version", "MLC-Deployment"
"""Headers of answers, errors too: id and name of the snapshot, and the deployment that answered."""
WARNING = "MLC-Warning"
"""Header of answers that are not quite what the model gave: NaN and infinity became null. Which, a sentence says."""
LONGEST_WARNING = 1_000
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_STATUS = {"scored": 200, "refused": 400, "failed": 500}
_ERRORS: list[tuple[type[Exception], int, dict[str, str]]] = [
    (SeveralModels, 409, {}),
    (NoSuchDeployment, 404, {}),
    (ModelBusy, 503, retry_after.encode(timedelta(seconds=1))),
    (NotServing, 503, retry_after.encode(timedelta(seconds=2))),
    (TooSlow, 504, {}),
    (ModelFailure, 500, {}),
]


class _Answer(JSONResponse):
    def render(self, content: Any) -> bytes:
        try:
            return super().render(content)
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
            return json.dumps(content, allow_nan=False).encode()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the runtime's


def new_server(models: OnlineModels, settings: RuntimeSettings, *, grace: int) -> uvicorn.Server:
    """A server of the application; told to end, it leaves requests in flight so many seconds."""
    config = uvicorn.Config(
        create_app(models, settings),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=grace,
        http="h11",  # whatever else is installed
        ws="none",
    )
    return _Server(config)


def create_app(models: OnlineModels, settings: RuntimeSettings) -> FastAPI:
    """The application of a runtime with these models."""
    app = FastAPI(title=f"Runtime {settings.name}", docs_url="/docs", redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "up", "runtime": settings.name}

    async def score(engine: str, request: Request, target: Target) -> JSONResponse:
        _check_bearer(request, settings)
        if engine != settings.name:
            raise HTTPException(404, f"This is the runtime {settings.name}, not {engine[:100]}.")
        _check_content_type(request)
        reply = await models.score(_parse(await _body(request, settings)), target)
        if reply.error:
            return _failed(reply, reply.error)
        return _many(reply) if reply.batch else _one(reply)

    @app.post("/{engine}/api/roundtrip/0/1", response_class=JSONResponse)
    async def roundtrip(engine: str, request: Request, deployment: str | None = None) -> JSONResponse:
        """Score a record, or a list of records, with the runtime's only model.

        ``deployment``, or the header ``X-Deployment-Id``, names one deployment. With several models there is no
        telling which is meant: 409, with the addresses.
        """
        return await score(engine, request, Target(deployment or request.headers.get(DEPLOYMENT_HEADER)))

    @app.post("/{engine}/deployments/{deployment}/score", response_class=JSONResponse)
    async def deployment(engine: str, deployment: str, request: Request) -> JSONResponse:
        """Score a record, or a list of records, with one deployment."""
        return await score(engine, request, Target(deployment))

    @app.post("/{engine}/models/{model}/score", response_class=JSONResponse)
    async def model(engine: str, model: str, request: Request) -> JSONResponse:
        """Score a record, or a list of records, with whichever snapshot of a model is deployed."""
        return await score(engine, request, Target(model_id=model))

    @app.exception_handler(HTTPException)
    async def one_sentence(request: Request, error: HTTPException) -> JSONResponse:
        said = error.detail
        if error.status_code == 404 and said == "Not Found":
            said = f"There is nothing at {request.url.path[:200]}: /docs tells what there is."
        elif error.status_code == 405:
            said = f"{request.method[:20]} is not what this address takes: send {(error.headers or {}).get('Allow')}."
        return JSONResponse({"message": said}, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"message": f"The runtime failed: {type(error).__name__}."}, status_code=500)

    return app


def _one(reply: Reply) -> JSONResponse:
    (outcome,) = reply.outcomes
    said = _value(outcome) if outcome["outcome"] == "scored" else _problem(outcome)
    headers = _headers(reply.deployment, outcome.get("warning", ""))
    return _Answer(said, status_code=_STATUS[outcome["outcome"]], headers=headers)


def _many(reply: Reply) -> JSONResponse:
    """An item for each record, in their order, with a status of its own; 207 if any of them is not 200."""
    items = [
        {"status": _STATUS[each["outcome"]]}
        | ({"answer": _value(each), **_warned(each)} if each["outcome"] == "scored" else _problem(each))
        for each in reply.outcomes
    ]
    status = 200 if all(item["status"] == _STATUS["scored"] for item in items) else 207
    warned = sum("warning" in item for item in items)
    said = f"{warned} of {len(items)} answers have a warning: NaN or infinite values became null." if warned else ""
    return _Answer(items, status_code=status, headers=_headers(reply.deployment, said))


def _value(outcome: Outcome) -> Any:
    """The answer to one record: a function that yields several values makes a list, one that yields nothing null."""
    results = outcome["results"]
    return results[0] if len(results) == 1 else (results or None)


def _warned(outcome: Outcome) -> dict[str, str]:
    return {"warning": outcome["warning"]} if "warning" in outcome else {}


def _problem(outcome: Outcome) -> dict[str, Any]:
    columns = {"columns": outcome["columns"]} if "columns" in outcome else {}
    return {"message": outcome["message"], **columns}


def _failed(reply: Reply, error: MlcError | ModelFailure) -> JSONResponse:
    status, headers = next((status, headers) for kind, status, headers in _ERRORS if isinstance(error, kind))
    more = {"addresses": error.addresses} if isinstance(error, NoSuchDeployment) else {}
    said = {"message": str(error), **more}
    return _Answer(said, status_code=status, headers={**headers, **_headers(reply.deployment)})


def _headers(deployment: DeploymentRecord | None, warning: str = "") -> dict[str, str]:
    if deployment is None:
        return {}
    told = {SNAPSHOT: deployment.snapshot_id, VERSION: deployment.snapshot_name, ANSWERED_BY: deployment.id}
    told[WARNING] = truncate(" ".join(warning.split()), LONGEST_WARNING)
    return {name: quote(value, safe=_PRINTABLE, errors="replace") for name, value in told.items() if value}


def _check_bearer(request: Request, settings: RuntimeSettings) -> None:
    if settings.token is None:
        return
    expected = f"Bearer {settings.token.get_secret_value()}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode("latin-1", "replace"), expected):
        challenge = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "Send the header Authorization: Bearer with the runtime's token.", challenge)


def _check_content_type(request: Request) -> None:
    """JSON in UTF-8, as it is, or nothing said about it."""
    said = Message()
    said["Content-Type"] = request.headers.get("Content-Type") or "application/json"
    kind = said.get_content_type()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    charset = (said.get_content_charset() or "utf-8").replace("utf8", "utf-8")
    if kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(415, f"Send JSON with Content-Type: application/json, not {kind[:100]}.")
    if charset not in {"utf-8", "us-ascii"} or encoding != "identity":
        raise HTTPException(415, "Send JSON in UTF-8, without a content encoding.")


async def _body(request: Request, settings: RuntimeSettings) -> bytes:
    raw = bytearray()
    too_large = HTTPException(413, f"The body is larger than {settings.max_body} bytes: send fewer records at a time.")
    try:
        if int(request.headers.get("Content-Length") or 0) > settings.max_body:
            raise too_large
        async with asyncio.timeout(settings.online_time_limit):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > settings.max_body:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, f"The body did not come within {settings.online_time_limit:g} seconds.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The body ended before its end.") from None
    return bytes(raw)


def _parse(raw: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(raw, parse_constant=refuse, parse_float=_number, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is not JSON: {error}.") from None


def _number(text: str) -> float:
    """A number of JSON.

    Raises:
        ValueError: it is so large that it would become infinite.
    """
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:100]} is larger than any number that a model can take")
    return value


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON.

    Raises:
        ValueError: it names a column twice, so that nobody can tell which value is meant.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it names {name[:100]!r} twice")
        found[name] = value
    return found
