"""What the commands have in common that run until they are told to end."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from mlc.cli.home import use_home


def as_service() -> None:
    """What long-running commands have in common."""
    os.umask(0o077)  # what they make has models' data in it, or secrets
    use_home()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


def warn_of_unknown_settings() -> None:
    """A misspelt setting changes nothing, so that nothing else would show it. No values are shown."""
    from mlc.check.settings import unknown_settings

    for finding in unknown_settings():
        logging.getLogger("mlc.settings").warning("%s: %s", finding.what, finding.remedy)


async def until_told(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Let work go on until Ctrl-C or SIGTERM, and end by itself then."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await work(stop)


def end_well_when_told() -> None:
    """Exit code 0 after Ctrl-C or SIGTERM. Web servers finish their work, then pass the signal on to this handler."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
