"""Faults on purpose, for tests: the desk as an unreliable Jira. Part of the app only if asked for."""

import asyncio
import re
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TRANSPORT = "mlc.transport"


class Effect(StrEnum):
    ANSWER = "answer"
    """Answer with ``status``, ``headers`` and ``body``; nothing else happens."""
    ANSWER_AFTER = "answer_after"
    """Do what was asked, and answer so all the same."""
    DROP = "drop"
    """Close the connection without doing anything."""
    DROP_AFTER = "drop_after"
    """Do what was asked, and close the connection without an answer."""
    SLOW = "slow"
    """Do what was asked, and answer only after ``seconds``."""


class Fault(BaseModel):
    """What happens to the next ``times`` requests whose method and path (a regular expression) match."""

    effect: Effect
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int = 503
    headers: dict[str, str] = {}
    body: str = ""
    seconds: float = 0


class Faults:
    """The faults to come, and a count of the requests that came."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.requests: list[str] = []
        """Every request to the API as ``METHOD path``, oldest first."""

    def add(self, effect: Effect, **how: Any) -> None:
        self.planned.append(Fault(effect=effect, **how))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any is planned for it."""
        for fault in self.planned:
            if fault.times > 0 and re.fullmatch(fault.method, method) and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None


class FaultMiddleware:
    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/rest/"):
            await self._app(scope, receive, send)
            return
        self._faults.requests.append(f"{scope['method']} {scope['path']}")
        fault = self._faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.effect in {Effect.ANSWER, Effect.DROP}:
            await _drain(receive)
        else:
            answer: list[Message] = []

            async def keep(message: Message) -> None:
                answer.append(message)

            await self._app(scope, receive, keep)
        if fault.effect in {Effect.DROP, Effect.DROP_AFTER}:
            scope[TRANSPORT].abort()
        elif fault.effect is Effect.SLOW:
            await asyncio.sleep(fault.seconds)
            for message in answer:
                await send(message)
        else:
            headers = {"content-type": "text/html", "content-length": str(len(fault.body.encode()))} | {
                name.lower(): value for name, value in fault.headers.items()
            }
            pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": fault.status, "headers": pairs})
            await send({"type": "http.response.body", "body": fault.body.encode()})


class DroppableProtocol(H11Protocol):
    """HTTP/1.1 that lets a fault get at the connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope[TRANSPORT] = self.transport
            await app(scope, receive, send)

        self.app = with_transport


router = APIRouter()
"""``/__faults``, for a desk in another process. POST a :class:`Fault`; GET tells the requests so far."""


@router.post("/__faults", status_code=204)
def plan(request: Request, fault: Fault) -> None:
    request.app.state.faults.planned.append(fault)


@router.get("/__faults")
def requests(request: Request) -> list[str]:
    counted: list[str] = request.app.state.faults.requests
    return counted


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass
