"""Runs the centre until it is told to stop."""

import sys

import uvicorn

from mlc.settings import AccountSettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app

KEPT_ALIVE = 60
"""Seconds for which an idle connection is kept: longer than clients do, or one would send just as it is closed."""


def serve(settings: StandaloneCenterSettings) -> None:
    """Serve on ``settings.host`` and ``settings.port`` until SIGTERM or SIGINT; requests in flight are finished.

    Raises:
        ValueError: no token is set.
        BadAccounts: the file of accounts can't be used.
    """
    uvicorn.run(
        create_app(settings, accounts=AccountSettings().file),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEPT_ALIVE,
        loop="uvloop" if sys.platform != "win32" else "asyncio",  # whatever else is installed
        http="httptools",
        ws="none",
    )
