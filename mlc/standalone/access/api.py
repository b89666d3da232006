"""The centre's API for tokens of runtimes. It is no part of model-manage."""

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Response

from mlc.standalone.access.names import TOKENS, BadName
from mlc.standalone.access.tokens import NoSuchToken, RuntimeTokens


def router(tokens: RuntimeTokens) -> APIRouter:
    """The routes; who may use them is for :mod:`mlc.standalone.access.routes` to say."""
    api = APIRouter(prefix=TOKENS)

    @api.get("")
    async def listed() -> dict[str, Any]:
        known = await asyncio.to_thread(tokens.known)
        return {
            "tokens": [
                {"name": each.name, "issued": each.issued, "used": each.used, "until": each.until} for each in known
            ]
        }

    @api.post("/{name}", status_code=201)
    async def issue(name: str, response: Response) -> dict[str, str | datetime | None]:
        try:
            made = await asyncio.to_thread(tokens.issue, name)
        except BadName as error:
            raise HTTPException(400, str(error)) from None
        response.headers["Cache-Control"] = "no-store"
        return {"name": made.name, "token": made.token, "issued": made.issued, "previousUntil": made.until}

    @api.delete("/{name}")
    async def revoke(name: str) -> dict[str, int]:
        try:
            return {"revoked": await asyncio.to_thread(tokens.revoke, name)}
        except NoSuchToken as error:
            raise HTTPException(404, str(error)) from None

    return api
