"""The tracker itself: tickets with a label, a state and a due date, for accounts with a token and for people."""

import base64
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

TOKEN = "token-of-the-tracker"
BOARD = "models"


class Tracker:
    """What is kept, and what people do with it."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._versions = itertools.count(1)

    def create(self, by: str, **fields: str) -> dict[str, Any]:
        number = next(self._numbers)
        empty: dict[str, Any] = {"state": "open", "comments": [], "files": [], "contents": [], "links": {}}
        ticket = {"number": number, "by": by, **empty, **fields}
        self.tickets[f"T-{number}"] = ticket
        return self._changed(ticket)

    def change(self, key: str, by: str, **fields: Any) -> dict[str, Any]:
        ticket = self.ticket(key)
        if fields.get("state") in {"yes", "no", "dropped"}:
            fields |= {"decided_by": by, "decided_at": datetime.now(UTC).isoformat()}
        ticket.update(fields)
        return self._changed(ticket)

    def say(self, key: str, by: str, text: str) -> None:
        self.ticket(key)["comments"].append({"by": by, "text": text})
        self._changed(self.ticket(key))

    def ticket(self, key: str) -> dict[str, Any]:
        if key not in self.tickets:
            raise HTTPException(404)
        return self.tickets[key]

    def _changed(self, ticket: dict[str, Any]) -> dict[str, Any]:
        return ticket.update(version=next(self._versions), updated=datetime.now(UTC).isoformat()) or ticket


def create_app(tracker: Tracker) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def authenticated(request: Request, go_on: Callable[..., Any]) -> Any:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "who are you?"}, 401)
        return await go_on(request)

    @app.get("/api/boards/{board}")
    def board(board: str) -> dict[str, str]:
        if board != BOARD:
            raise HTTPException(404)
        return {"name": board}

    @app.post("/api/tickets", status_code=201)
    def create(body: dict[str, str]) -> dict[str, Any]:
        return tracker.create("mlc", **body)

    @app.get("/api/tickets")
    def search(labels: str, by: str) -> dict[str, Any]:
        wanted = labels.split(",")
        return {"tickets": [t for t in tracker.tickets.values() if t["label"] in wanted and t["by"] == by]}

    @app.get("/api/changes")
    def changes(minutes: int, by: str) -> dict[str, Any]:
        since = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
        found = [t for t in tracker.tickets.values() if t["updated"] >= since and t["by"] == by]
        return {"tickets": sorted(found, key=lambda ticket: str(ticket["updated"]))}

    @app.get("/api/tickets/{key}")
    def read(key: str) -> dict[str, Any]:
        return tracker.ticket(key)

    @app.put("/api/tickets/{key}/comments/{event}", status_code=204)
    def comment(key: str, event: str, body: dict[str, str]) -> None:
        tracker.say(key, "mlc", body["text"])

    @app.put("/api/tickets/{key}/files/{name}", status_code=204)
    def attach(key: str, name: str, body: dict[str, str]) -> None:
        ticket = tracker.ticket(key)
        ticket["files"].append(name)
        ticket["contents"].append(base64.b64decode(body["content"]).hex())

    @app.put("/api/tickets/{key}/links", status_code=204)
    def link(key: str, body: dict[str, str]) -> None:
        tracker.ticket(key)["links"][body["id"]] = body["url"]

    @app.put("/api/tickets/{key}/state", status_code=204)
    def state(key: str, body: dict[str, str]) -> None:
        tracker.change(key, "mlc", state=body["state"])

    return app
