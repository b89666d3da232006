"""``POST /mlc-service/rest/signal`` and ``/signalResponsive``: ModelOp's signals start and wake processes.

The envelope is Camunda's, as ModelOp's model-manage, schedulers and users send it:
``{"name": "com.modelop.mlc.definitions.Signals_X", "variables": {"NAME": {"value": ...}}}``.
"""

import json
import logging
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field, ValidationError

from mlc.center.modelop.signal_envelope import Envelope, repeated
from mlc.center.modelop.signals import ModelOpSignals
from mlc.gateway.handlers import Call, Heard, Systems, handler_of
from mlc.gateway.idempotency import KeyReused, key_of
from mlc.gateway.intake import bears, read_body
from mlc.gateway.temporal import TemporalRefused
from mlc.model import retry_after
from mlc.model.failure import Refused, Unavailable
from mlc.model.meant_monitors import NoSuchMonitor
from mlc.model.signal import BadSignal
from mlc.settings import GatewaySettings

log = logging.getLogger("mlc.gateway")

PAUSE = timedelta(seconds=10)
"""After which a caller is to try again, if the centre did not name a time."""


class Started(BaseModel):
    """``workflowIds`` are those that the signal ``started``, joined or woke; if there is none, ``why`` says why.

    ``monitors`` are the names of those that will run, where that is what the signal asks for.
    """

    workflow_ids: list[str] = Field([], serialization_alias="workflowIds")
    started: list[str] = []
    monitors: list[str] | None = None
    why: str = ""


def signal_api(settings: GatewaySettings, systems: Systems) -> APIRouter:
    """ModelOp's two routes for signals."""
    router, documented = APIRouter(prefix="/mlc-service/rest"), _documented(systems.signals)

    async def take(request: Request) -> Heard:
        if settings.token is not None and not bears(request, settings.token):
            raise HTTPException(401, "Send the gateway's token: Authorization: Bearer <MLC_GATEWAY_TOKEN>.")
        key = key_of(request)
        signal = _parse(await read_body(request, settings.max_body), systems.signals)
        handler = handler_of(signal.name, systems.signals)
        if handler is None:
            raise HTTPException(404, f"No signal of this name. Known: {', '.join(systems.signals.names)}.")
        try:
            heard = await handler(Call(signal.name, signal.values, key), systems)
        except BadSignal as error:
            raise HTTPException(400, str(error)) from None
        except NoSuchMonitor as error:
            raise HTTPException(400, f"Nothing was started. {error}") from None
        except TemporalRefused as error:
            raise HTTPException(400, f"Nothing was done: {error} Sent again as it is, it is refused again.") from None
        except KeyReused as error:
            raise HTTPException(422, str(error)) from None
        except Unavailable as error:
            raise HTTPException(
                503, f"Nothing was started: {error}", retry_after.encode(error.retry_after or PAUSE)
            ) from None
        except Refused as error:
            raise HTTPException(502, f"Nothing was started: {error}") from None
        log.info("signal %s workflows=%s", signal.name, [*heard.started, *heard.woken])
        return heard

    @router.post("/signal", status_code=204, openapi_extra=documented, responses=_ANSWERS)
    async def signal(request: Request) -> Response:
        """Send a signal."""
        await take(request)
        return Response(status_code=204)

    @router.post("/signalResponsive", response_model_exclude_none=True, openapi_extra=documented, responses=_ANSWERS)
    async def signal_responsive(request: Request) -> Started:
        """Send a signal and learn the ids of the workflows that it started, joined or woke."""
        heard = await take(request)
        return Started(
            workflow_ids=[*heard.started, *heard.woken],
            started=list(heard.started),
            monitors=None if heard.monitors is None else list(heard.monitors),
            why=heard.why,
        )

    return router


def _parse(body: bytes, signals: ModelOpSignals) -> Envelope:
    try:
        return Envelope.of(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(repeated(part) for part in first["loc"]) or "the body"
        what = f"{place}: {first['msg']}"
    except ValueError as error:
        what = f"the body: Invalid JSON: {error}"
    example = json.dumps(signals.envelope(next(iter(signals.names))))
    raise HTTPException(400, f"Not a signal: {what}. Example: {example}")


_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A variable is wrong, or no monitor is meant: the answer names it; or Temporal refuses"},
    401: {"description": "No token, or a wrong one"},
    404: {"description": "No signal of this name: the answer lists the known ones"},
    413: {"description": "The body is too large"},
    422: {"description": "The Idempotency-Key was used before, to ask for something else"},
    502: {"description": "The model centre refused"},
    503: {"description": "Temporal or the model centre is down: send it again, under the same Idempotency-Key"},
}


def _documented(signals: ModelOpSignals) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": list(signals.names)},
            "variables": {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"value": {}}},
            },
        },
    }
    examples = {
        name.rpartition(".")[2]: {
            "summary": summary,
            "description": " ".join(f"{each}: {meaning}." for each, meaning in signals.meanings(name).items()),
            "value": signals.envelope(name),
        }
        for name, summary in signals.names.items()
    }
    key = {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
        "description": "The same when a call is repeated: then nothing is started twice",
    }
    content = {"application/json": {"schema": schema, "examples": examples}}
    return {"requestBody": {"required": True, "content": content}, "parameters": [key]}
