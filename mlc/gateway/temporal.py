"""The gateway's way to Temporal: made without a network, connected at the first call, and again after an outage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from mlc import temporal
from mlc.model.failure import MlcError

CALL_TIMEOUT = 8.0
"""Seconds for one request's calls to Temporal: less than Jira waits for its answer (20 s)."""


class TemporalDown(MlcError):
    """Temporal did not say that it took a call, and may have taken it all the same: the sender should come again."""


async def connect() -> Client:
    """A client that connects when first used. It carries no workflows: the gateway starts them by their names."""
    return await temporal.connect(lazy=True)


class TemporalRefused(TemporalDown):
    """Temporal finds fault with the call itself (``INVALID_ARGUMENT``): nothing was done."""


@asynccontextmanager
async def calling() -> AsyncIterator[None]:
    """Around calls to Temporal, with one time limit for all of them.

    Raises:
        TemporalRefused: the server finds an argument invalid, such as an id that is too long.
        TemporalDown: whatever else the SDK says when a call is not answered or refused by the server (``RPCError``),
            when it can't connect (``RuntimeError``), or when the time is over.
    """
    try:
        async with asyncio.timeout(CALL_TIMEOUT):
            yield
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise TemporalRefused(f"Temporal refuses the call ({error.message}).") from error
        raise TemporalDown(f"Temporal did not take the call ({error.status.name}: {error.message}).") from error
    except TimeoutError as error:
        raise TemporalDown(f"Temporal did not answer within {CALL_TIMEOUT:.0f} seconds.") from error
    except RuntimeError as error:
        raise TemporalDown("Temporal can't be reached: is it running at TEMPORAL_ADDRESS?") from error
