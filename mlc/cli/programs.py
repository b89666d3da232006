"""The commands that are programs: each runs until it is told to end."""

import asyncio
from typing import Annotated, Any

import typer

from mlc.cli.extra import RUNTIME, require
from mlc.cli.service import as_service, end_well_when_told, until_told, warn_of_unknown_settings


def worker() -> None:
    """Run the processes' workflows and activities."""
    from mlc.worker import run_worker

    as_service()
    warn_of_unknown_settings()
    asyncio.run(until_told(run_worker))


def gateway() -> None:
    """Take signals and webhooks over HTTP."""
    from mlc.gateway.serve import serve
    from mlc.settings import FileSettings, GatewaySettings

    as_service()
    warn_of_unknown_settings()
    end_well_when_told()
    asyncio.run(serve(GatewaySettings(), FileSettings()))


def runtime(
    *,
    name: Annotated[str | None, typer.Option(help="Name of the runtime.")] = None,
    stage: Annotated[str | None, typer.Option(help="Stage that it belongs to, such as PROD.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Service tag: only snapshots with one of them.")] = None,
    online: Annotated[bool | None, typer.Option("--online", help="Serve online deployments.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, if online.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, if online.")] = None,
) -> None:
    """Run models' code: training, tests, scoring. What is not given here is taken from MLC_RUNTIME_*."""
    require("runtime", RUNTIME)
    from mlc.runtime import run_runtime
    from mlc.runtime.isolation import adoption
    from mlc.settings import RuntimeSettings

    options = {"name": name, "stage": stage, "tags": tag, "online": online, "host": host, "port": port}
    given: dict[str, Any] = {field: value for field, value in options.items() if value is not None}
    as_service()
    warn_of_unknown_settings()
    adoption.adopt()
    asyncio.run(run_runtime(RuntimeSettings(**given)))


def center() -> None:
    """Standalone mode's model centre."""
    from mlc.settings import StandaloneCenterSettings
    from mlc.standalone.center.serve import serve

    as_service()
    end_well_when_told()
    serve(StandaloneCenterSettings())


def desk() -> None:
    """Standalone mode's ticket desk."""
    from mlc.settings import DeskSettings
    from mlc.standalone.desk.serve import serve

    as_service()
    end_well_when_told()
    serve(DeskSettings())
