from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from servers import running


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The application behind a real socket, and a client for it."""
    async with running(app) as (_, client):
        yield client
