"""Faults on purpose, for tests: a server as unreliable as a real one. Part of an app only if a test asks for it."""

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
    HANG = "hang"
    """Do nothing until the caller is gone, and nothing then."""
    HANG_AFTER = "hang_after"
    """Do what was asked, and say nothing until the caller is gone."""
    LATE = "late"
    """Do what was asked, but only once the caller is gone."""


class Fault(BaseModel):
    """What happens to ``times`` requests whose method and path (a regular expression) match, after ``skip`` of them."""

    effect: Effect
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    skip: int = 0
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
        self.hanging: list[str] = []
        """Those whose caller is being kept waiting."""

    def add(self, effect: Effect, **how: Any) -> None:
        self.planned.append(Fault(effect=effect, **how))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any is planned for it."""
        for fault in self.planned:
            if fault.times > 0 and re.fullmatch(fault.method, method) and re.search(fault.path, path):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None


class FaultMiddleware:
    """An application whose requests to paths that begin with ``api`` meet the faults planned for them."""

    def __init__(self, app: ASGIApp, faults: Faults, api: str | tuple[str, ...] = "/rest/") -> None:
        self._app = app
        self._faults = faults
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._api):
            await self._app(scope, receive, send)
            return
        request = f"{scope['method']} {scope['path']}"
        self._faults.requests.append(request)
        fault = self._faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        asked, answer = await _body(receive), list[Message]()

        async def replay() -> Message:
            return asked.pop(0) if asked else await receive()

        async def keep(message: Message) -> None:
            answer.append(message)

        if fault.effect not in {Effect.ANSWER, Effect.DROP, Effect.HANG, Effect.LATE}:
            await self._app(scope, replay, keep)
        match fault.effect:
            case Effect.DROP | Effect.DROP_AFTER:
                scope[TRANSPORT].abort()
            case Effect.HANG | Effect.HANG_AFTER | Effect.LATE:
                self._faults.hanging.append(request)
                await _gone(receive)
                self._faults.hanging.remove(request)
                if fault.effect is Effect.LATE:
                    await self._app(scope, replay, keep)
            case Effect.SLOW:
                await asyncio.sleep(fault.seconds)
                for message in answer:
                    await send(message)
            case Effect.ANSWER | Effect.ANSWER_AFTER:
                await _answer(send, fault)


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


async def _answer(send: Send, fault: Fault) -> None:
    headers = {"content-type": "text/html", "content-length": str(len(fault.body.encode()))} | {
        name.lower(): value for name, value in fault.headers.items()
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": fault.status, "headers": pairs})
    await send({"type": "http.response.body", "body": fault.body.encode()})


async def _body(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
