"""The gateway: HTTP in. Signals from ModelOp and schedulers, webhooks from the ticket system; nothing else.

It runs no workflow, and all that it remembers spares work: what it has answered with 2xx is in Temporal, so it can die
at any moment and run in as many copies as one likes.
"""

from datetime import timedelta

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from temporalio.client import Client

from mlc.center import Center
from mlc.center.capability import Capability
from mlc.center.modelop.signals import ModelOpSignals
from mlc.gateway.handlers import Systems
from mlc.gateway.hints import Hints
from mlc.gateway.signals import signal_api
from mlc.gateway.temporal import TemporalDown, calling
from mlc.gateway.webhook import given, sender, webhook_api
from mlc.model import retry_after
from mlc.model.file import FileRules
from mlc.model.process import Processes
from mlc.settings import GatewaySettings
from mlc.ticketing import registry
from mlc.ticketing.system import SystemSettings
from workflows.registry import PROCESSES

PAUSE = timedelta(seconds=10)
"""After which a caller is to try again while Temporal is down."""


class Health(BaseModel):
    """``ready`` with a sentence that says what is wrong when it is False."""

    ready: bool = True
    message: str = ""


def create_app(
    settings: GatewaySettings,
    *tickets: SystemSettings,
    temporal: Client,
    center: Center,
    files: FileRules | None = None,
    processes: Processes = PROCESSES,
) -> FastAPI:
    """The gateway's ASGI application.

    Args:
        settings: its own settings.
        tickets: those of the ticket systems whose webhooks are received (places, secrets); the environment's of others.
        temporal: a client that may be lazy: the gateway starts, and answers 503, while Temporal is down.
        center: where snapshots are looked up before a run is started on one, and a signal's files are kept.
        files: which addresses the files of signals may have; by default none.
        processes: those that signals may start.

    Raises:
        ValueError: no secret for any webhooks is configured, so that anybody could call, or nobody.
    """
    senders = [sender(system, its_settings) for system, its_settings in registry.with_settings(*tickets)]
    if not given([settings.webhook_token, *(secret for each in senders for secret in each.secrets)]):
        raise ValueError(
            f"No secret for webhooks: set {' or '.join(each.secrets_setting for each in senders)} (a JSON list of "
            "one or two texts) to the secret that the ticket system signs with, or MLC_GATEWAY_WEBHOOK_TOKEN for "
            "senders that can't sign."
        )
    app = FastAPI(
        title="MLC gateway",
        description="Signals that start and wake model life-cycle processes, and the ticket system's webhooks.",
        redoc_url=None,
    )
    hints = Hints(temporal)
    signals = ModelOpSignals(
        processes, foreign=center is not None and Capability.READS_ANY_ASSET in center.capabilities
    )
    systems = Systems(temporal, center, files or FileRules(), signals, hints)
    app.include_router(signal_api(settings, systems), tags=["signals"])
    for each in senders:
        app.include_router(webhook_api(each, settings, hints), tags=["webhooks"])

    @app.exception_handler(TemporalDown)
    async def temporal_down(_request: Request, error: TemporalDown) -> JSONResponse:
        # A call whose answer is lost may have been taken.
        again = "Whether anything was started is not known: send it again, under the same Idempotency-Key."
        return JSONResponse({"detail": f"{error} {again}"}, 503, retry_after.encode(PAUSE))

    @app.get("/healthz", tags=["health"])
    async def healthz() -> Health:
        """The process is up."""
        return Health()

    @app.get("/readyz", tags=["health"], responses={503: {"model": Health}})
    async def readyz() -> JSONResponse:
        """Temporal can be reached."""
        try:
            async with calling():
                serving = await temporal.service_client.check_health()
        except TemporalDown as error:
            return JSONResponse(Health(ready=False, message=str(error)).model_dump(), 503)
        if not serving:
            return JSONResponse(Health(ready=False, message="Temporal is up but not serving yet.").model_dump(), 503)
        return JSONResponse(Health(message="Temporal answers.").model_dump())

    return app
