"""Plays a centre that keeps files by their hash, over HTTP on a socket, with whatever can go wrong on the way."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from center_harness import TOKEN
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlc.standalone.faults import TRANSPORT, DroppableProtocol


@dataclass
class Fault:
    """What happens to a request of a method, instead of or beside what it asked for."""

    method: str
    after: int | None = None
    """The connection is lost once so many bytes of the body have arrived, which are kept."""
    status: int = 0
    """It is answered so, and nothing is done."""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    unanswered: bool = False
    """It is done, and the connection is lost before the answer."""
    keep: int | None = None
    """Of what the centre has of the file, only so many bytes are left before the request is looked at."""
    flip: bool = False
    """A bit of what arrives is turned over."""


class ContentsDouble:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.parts: dict[str, bytearray] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        """``METHOD path``, with the offset of a PATCH of contents, the oldest first."""
        self.documents: list[dict[str, Any]] = []
        """Of entities that were written."""
        self.token = TOKEN
        self.address = ""
        self.taken = 0
        """Bytes of contents that arrived."""
        self._writing: set[str] = set()
        self.app = Starlette(
            routes=[
                Route("/token", self._token, methods=["POST"]),
                Route("/model-manage/api/contents/{sha256}", self._head, methods=["HEAD"]),
                Route("/model-manage/api/contents/{sha256}", self._append, methods=["PATCH"]),
                Route("/model-manage/api/{plural}", self._write, methods=["POST"]),
                Route("/model-manage/api/{plural}/{id}", self._write, methods=["PATCH"]),
                Route("/model-manage/api/{plural}/{id}", self._read, methods=["GET"]),
            ]
        )

    def reset(self) -> None:
        """As it was at first."""
        kept = {"app", "address"}
        vars(self).update({name: value for name, value in vars(ContentsDouble()).items() if name not in kept})

    def lose(self, *after: int) -> None:
        """The next PATCHes lose their connection, each after so many bytes of its body."""
        self.faults += [Fault("PATCH", after=each) for each in after]

    def answer(self, method: str, status: int, body: str = "", *, times: int = 1, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults += [Fault(method, status=status, body=body, headers=named) for _ in range(times)]

    async def _token(self, _: Request) -> Response:
        self.token = f"token-{len(self.requests)}"
        return JSONResponse({"access_token": self.token})

    def _seen(self, request: Request) -> Fault | Response:
        """Counts a request; the answer that it gets whatever it asks for, or the fault that it meets."""
        offset = request.headers.get("Upload-Offset")
        path = request.url.path.removeprefix("/model-manage/api")
        self.requests.append(f"{request.method} {path}" + (f" {offset}" if offset else ""))
        fault = next((fault for fault in self.faults if fault.method == request.method), None)
        if fault is not None:
            self.faults.remove(fault)
            if fault.status:
                return Response(fault.body, fault.status, fault.headers, "text/plain")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "no such token"}, 401)
        return fault or Fault("")

    async def _head(self, request: Request) -> Response:
        fault, sha256 = self._seen(request), request.path_params["sha256"]
        if isinstance(fault, Response):
            return fault
        self._lessen(sha256, fault)
        if sha256 in self.files:
            length = str(len(self.files[sha256]))
            return Response(headers={"ETag": f'"{sha256}"', "Content-Length": length, "Accept-Ranges": "bytes"})
        part = self.parts.get(sha256)
        return Response(status_code=404, headers={} if part is None else {"Upload-Offset": str(len(part))})

    def _lessen(self, sha256: str, fault: Fault) -> None:
        if fault.keep is not None and sha256 in self.parts:
            del self.parts[sha256][fault.keep :]

    async def _append(self, request: Request) -> Response:
        fault, sha256 = self._seen(request), request.path_params["sha256"]
        if isinstance(fault, Response):
            return fault
        self._lessen(sha256, fault)
        if sha256 in self.files:
            return Response(status_code=201)
        part = self.parts.setdefault(sha256, bytearray())
        if sha256 in self._writing or int(request.headers["Upload-Offset"]) != len(part):
            return Response(status_code=409, headers={"Upload-Offset": str(len(part))})
        self._writing.add(sha256)
        try:
            await self._take(request, part, fault)
        except ClientDisconnect:
            return Response(status_code=204)
        finally:
            self._writing.discard(sha256)
        if fault.unanswered:
            request.scope[TRANSPORT].abort()
        if len(part) < int(request.headers["Upload-Length"]):
            return Response(status_code=204, headers={"Upload-Offset": str(len(part))})
        del self.parts[sha256]
        if hashlib.sha256(part).hexdigest() != sha256:
            return JSONResponse({"message": "it has another hash"}, 422)
        self.files[sha256] = bytes(part)
        return Response(status_code=201)

    async def _take(self, request: Request, part: bytearray, fault: Fault) -> None:
        arrived = 0
        async for each in request.stream():
            chunk = each if fault.after is None else each[: fault.after - arrived]
            if chunk and fault.flip and not arrived:
                part += bytes([chunk[0] ^ 1]) + chunk[1:]
            else:
                part += chunk
            arrived, self.taken = arrived + len(chunk), self.taken + len(chunk)
            if fault.after is not None and arrived >= fault.after:
                request.scope[TRANSPORT].abort()
                raise ClientDisconnect
            await asyncio.sleep(0)

    async def _write(self, request: Request) -> Response:
        fault, body = self._seen(request), await request.body()
        if isinstance(fault, Response):
            return fault
        document = json.loads(body)
        self.documents.append(document)
        return JSONResponse({"id": "made"} | document)

    async def _read(self, request: Request) -> Response:
        fault = self._seen(request)
        return fault if isinstance(fault, Response) else JSONResponse({"id": request.path_params["id"]})


@asynccontextmanager
async def playing(double: ContentsDouble) -> AsyncIterator[str]:
    """The double on a free port, on this very loop; its address, which it knows then, too."""
    config = uvicorn.Config(
        double.app, port=0, log_level="error", access_log=False, lifespan="off", ws="none", http=DroppableProtocol
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    double.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield double.address
    server.should_exit = True
    await task
