"""The API for policies. It is no part of model-manage, and stands beside it at the same address."""

import asyncio
import re
from typing import Any

from fastapi import APIRouter, Request, Response

from mlc.governance import read_policy
from mlc.governance.notation import LARGEST
from mlc.standalone.access.routes import principal_of
from mlc.standalone.center.bodies import json_object
from mlc.standalone.center.policies.store import PolicyStore
from mlc.standalone.center.rules import BadRequest

POLICIES, CURRENT = "/policies", "current"
_ESCAPED = 6
"""Bytes of JSON that one of a policy may take."""
_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)


def router(prefix: str, policies: PolicyStore) -> APIRouter:
    """The routes; who may use them is for :mod:`mlc.standalone.access.routes` to say."""
    api = APIRouter(prefix=prefix)

    @api.get(POLICIES)
    async def history() -> dict[str, Any]:
        """What was current since when, and who put it: the newest first, which is current now."""
        known = await asyncio.to_thread(policies.history)
        return {"policies": [each.model_dump(mode="json") for each in known]}

    @api.post(POLICIES, status_code=201)
    async def put(request: Request, response: Response) -> dict[str, Any]:
        """``{"text": "version: 1..."}``: it is current from now on. 200 if it is that already."""
        document = await json_object(request, _ESCAPED * LARGEST + 100, f"a policy has at most {LARGEST} bytes")
        text = document.get("text")
        if not isinstance(text, str) or len(document) > 1:
            raise BadRequest('Send an object with "text", the policy, and nothing else.')
        await asyncio.to_thread(read_policy, text)
        asks = principal_of(request)
        made, new = await asyncio.to_thread(policies.put, text, asks.name or str(asks.role))
        response.status_code = 201 if new else 200
        return made.model_dump(mode="json")

    @api.get(f"{POLICIES}/{{sha256}}")
    async def policy(sha256: str) -> dict[str, Any]:
        """The policy of a hash, or the ``current`` one; null if there is none."""
        if sha256 != CURRENT and not _SHA256.fullmatch(sha256):
            return {"policy": None}
        kept = await asyncio.to_thread(policies.policy, None if sha256 == CURRENT else sha256)
        return {"policy": kept and kept.model_dump(mode="json")}

    return api
