"""The HTTP face of an online runtime: ModelOp's round trip, one record in and the model's answer out."""

import hmac
import json
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from mlc.model import retry_after
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.online import NoSuchDeployment, OnlineModels
from mlc.runtime.online_model import NotServing
from mlc.settings import RuntimeSettings

DEPLOYMENT_HEADER = "X-Deployment-Id"


def create_app(models: OnlineModels, settings: RuntimeSettings) -> FastAPI:
    """The application of a runtime with these models."""
    app = FastAPI(title=f"Runtime {settings.name}", docs_url="/docs", redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "up", "runtime": settings.name}

    @app.post("/{engine}/api/roundtrip/0/1", response_class=JSONResponse)
    async def roundtrip(engine: str, request: Request, deployment: str | None = None) -> JSONResponse:
        """Score one record.

        ``deployment``, or the header ``X-Deployment-Id``, names one deployment; without it the runtime's model
        answers. A score function that yields several values makes a list, one that yields nothing makes null.
        """
        _check_bearer(request, settings)
        if engine != settings.name:
            raise HTTPException(404, f"This is the runtime {settings.name}, not {engine[:100]}.")
        record = _parse(await _body(request, settings.max_body))
        try:
            results = await models.score(record, deployment or request.headers.get(DEPLOYMENT_HEADER))
        except NoSuchDeployment as missing:
            raise HTTPException(404, str(missing)) from None
        except NotServing as away:
            raise HTTPException(503, str(away), retry_after.encode(timedelta(seconds=2))) from None
        except ModelFailure as failure:
            raise HTTPException(500, str(failure)) from None
        return JSONResponse(results[0] if len(results) == 1 else (results or None))

    @app.exception_handler(HTTPException)
    async def one_sentence(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"message": error.detail}, status_code=error.status_code, headers=error.headers)

    return app


def _check_bearer(request: Request, settings: RuntimeSettings) -> None:
    if settings.token is None:
        return
    expected = f"Bearer {settings.token.get_secret_value()}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode("latin-1", "replace"), expected):
        challenge = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "Send the header Authorization: Bearer with the runtime's token.", challenge)


async def _body(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise HTTPException(413, f"The record is larger than {limit} bytes.")
    return bytes(raw)


def _parse(raw: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is not JSON: {error}.") from None
