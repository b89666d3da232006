"""``POST /mlc-service/rest/signal`` and ``/signalResponsive``: ModelOp's signals start and wake processes.

The envelope is Camunda's, as ModelOp's model-manage, schedulers and users send it:
``{"name": "com.modelop.mlc.definitions.Signals_X", "variables": {"NAME": {"value": ...}}}``.
"""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import StringConstraints, ValidationError

from mlc.gateway.handlers import HANDLERS, BadVariable, Read, Systems, Variable
from mlc.gateway.intake import bears, read_body
from mlc.model.failure import Refused, Unavailable
from mlc.settings import GatewaySettings

log = logging.getLogger("mlc.gateway")

PREFIX = "com.modelop.mlc.definitions."


class Signal(Read):
    """ModelOp's envelope of a signal."""

    name: Annotated[str, StringConstraints(max_length=300)]
    variables: dict[str, Variable] = {}


class Started(Read):
    """The workflows that the signal started, joined or woke."""

    workflow_ids: list[str] = []


def signal_api(settings: GatewaySettings, systems: Systems) -> APIRouter:
    """ModelOp's two routes for signals."""
    router = APIRouter(prefix="/mlc-service/rest")

    async def take(request: Request) -> list[str]:
        if settings.token is not None and not bears(request, settings.token):
            raise HTTPException(401, "Send the gateway's token: Authorization: Bearer <MLC_GATEWAY_TOKEN>.")
        signal = _parse(await read_body(request, settings.max_body))
        handler = HANDLERS.get(signal.name.removeprefix(PREFIX)) if signal.name.startswith(PREFIX) else None
        if handler is None:
            known = ", ".join(PREFIX + name for name in HANDLERS)
            raise HTTPException(404, f"No signal of this name. Known: {known}.")
        try:
            workflow_ids = await handler(signal.variables, systems)
        except BadVariable as error:
            raise HTTPException(400, str(error)) from None
        except Unavailable as error:
            raise HTTPException(503, f"Nothing was started: {error}", {"Retry-After": "10"}) from None
        except Refused as error:
            raise HTTPException(502, f"Nothing was started: {error}") from None
        log.info("signal %s workflows=%s", signal.name, workflow_ids)
        return workflow_ids

    @router.post("/signal", status_code=204, openapi_extra=_documented(), responses=_ANSWERS)
    async def signal(request: Request) -> Response:
        """Send a signal."""
        await take(request)
        return Response(status_code=204)

    @router.post("/signalResponsive", openapi_extra=_documented(), responses=_ANSWERS)
    async def signal_responsive(request: Request) -> Started:
        """Send a signal and learn the ids of the workflows that it started, joined or woke."""
        return Started(workflow_ids=await take(request))

    return router


def _parse(body: bytes) -> Signal:
    try:
        return Signal.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise HTTPException(
            400,
            f'Not a signal: {place}: {first["msg"]}. Example: {{"name": "{PREFIX}Signals_deployable_model_changed", '
            '"variables": {"DEPLOYABLE_MODEL": {"value": {"id": "..."}}}}',
        ) from None


_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A variable is missing or wrong: the answer names it and shows an example"},
    401: {"description": "No token, or a wrong one"},
    404: {"description": "No signal of this name: the answer lists the known ones"},
    413: {"description": "The body is too large"},
    502: {"description": "The model centre refused"},
    503: {"description": "Temporal or the model centre is down: send it again"},
}


def _documented() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": [PREFIX + name for name in HANDLERS]},
            "variables": {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"value": {}}},
            },
        },
    }
    example = {
        "name": PREFIX + "Signals_deployable_model_changed",
        "variables": {"DEPLOYABLE_MODEL": {"value": {"id": "5a31b3c6-f033-4948-b433-bae6656baa26"}}},
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}
