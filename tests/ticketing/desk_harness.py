"""A desk on a free port, behaving as Jira Cloud or as Jira Data Center, and the adapter that talks to it."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from mlc.model.ticket import TicketRef
from mlc.settings import DeskSettings
from mlc.standalone.desk import create_app
from mlc.standalone.desk.serve import running
from mlc.standalone.faults import Faults
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings

USER = "mlc@example.org"
TOKEN = "s3cret-token-of-the-desk"
LABEL = "gov-0123456789abcdef01234567"


@dataclass
class RunningDesk:
    app: FastAPI
    settings: DeskSettings
    faults: Faults
    url: str

    @property
    def parts(self) -> Any:
        return self.app.state.desk

    def jira(self, **settings: Any) -> JiraSettings:
        values = {"url": self.url, "user": USER, "token": TOKEN, "deployment": self.settings.deployment, "timeout": 10}
        return JiraSettings(**(values | settings))

    def adapter(self, **settings: Any) -> JiraTicketing:
        return JiraTicketing(self.jira(**settings))

    def http(self) -> httpx.Client:
        """A client of the API, as somebody else would use it."""
        return httpx.Client(base_url=f"{self.url}/rest/api/2", auth=(USER, TOKEN), trust_env=False)

    def posts(self, path: str = "/rest/api/2/issue") -> int:
        return self.faults.requests.count(f"POST {path}")

    def move(self, ref: TicketRef, status: str, resolution: str | None = None, by: str = "ada") -> None:
        """Decide as a person does."""
        with self.parts.tickets.writing() as session:
            issue = self.parts.tickets.issue(session, ref.id)
            self.parts.tickets.move(session, issue, by, self.parts.json.scheme.named(status), resolution)

    def say(self, ref: TicketRef, text: str, by: str = "ada") -> None:
        with self.parts.tickets.writing() as session:
            self.parts.tickets.comment(session, self.parts.tickets.issue(session, ref.id), by, text)

    def set_expiration(self, ref: TicketRef, value: str | None) -> None:
        with self.parts.tickets.writing() as session:
            self.parts.tickets.edit(session, self.parts.tickets.issue(session, ref.id), "ada", {"expiration": value})

    def fields(self, ref: TicketRef) -> dict[str, Any]:
        with self.http() as http:
            fields: dict[str, Any] = http.get(f"/issue/{ref.id}").raise_for_status().json()["fields"]
            return fields


class Desks:
    """Starts desks; each can be stopped before the test ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stacks: dict[str, ExitStack] = {}

    def start(
        self, *, scheme: Any = None, retry_delays: Any = (0.05,) * 20, with_faults: bool = True, **settings: Any
    ) -> RunningDesk:
        listener = socket.create_server(("127.0.0.1", settings.pop("port", 0)))
        port = listener.getsockname()[1]
        accounts = settings.pop("accounts", None)
        values = {"database": self._folder / "desk.db", "user": USER, "token": TOKEN, "port": port} | settings
        faults = Faults()
        desk_settings = DeskSettings(**values)
        app = create_app(
            desk_settings,
            scheme=scheme,
            faults=faults if with_faults else None,
            retry_delays=retry_delays,
            accounts=accounts,
        )
        desk = RunningDesk(app, desk_settings, faults, f"http://127.0.0.1:{port}")
        stack = ExitStack()
        stack.enter_context(running(app, listener))
        self._stacks[desk.url] = stack
        return desk

    def stop(self, desk: RunningDesk) -> None:
        self._stacks.pop(desk.url).close()

    def stop_all(self) -> None:
        for stack in self._stacks.values():
            stack.close()


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)
