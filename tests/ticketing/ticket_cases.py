"""Recorded answers of ticket systems as data: a stub that gives them, and the call of the port that is to take them."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mlc.model.ticket import TicketKind, TicketRef
from mlc.ticketing import Section, Ticketing, TicketRequest
from mlc.ticketing.jira import JIRA
from mlc.ticketing.servicenow import SERVICENOW
from mlc.ticketing.system import SystemSettings, TicketSystem

FOLDER = Path(os.environ.get("MLC_CASES") or Path(__file__).parents[3] / "shared" / "cases") / "tickets"
LABEL = "gov-0123456789abcdef01234567"
LIMIT = 30.0
"""Seconds in which a call has to end."""
SECRET = "s3cret-token-of-the-case"
SYSTEMS: dict[str, TicketSystem[Any]] = {"jira": JIRA, "servicenow": SERVICENOW}
USUAL: dict[str, dict[str, Any]] = {
    "jira": {"user": "bot@example.org", "token": SECRET, "project": "MLR", "deployment": "cloud", "timeout": 5},
    "servicenow": {"user": "bot", "password": SECRET, "timeout": 5},
}


@dataclass
class Outcome:
    """What came of a call: a value or an exception, after which requests (method, path, body)."""

    value: Any = None
    error: BaseException | None = None
    ended: bool = False
    seconds: float = 0
    requests: list[tuple[str, str, Any]] = field(default_factory=list)

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies of requests."""
        return [body for by, at, body in self.requests if by == method and re.search(path, at)]


@contextmanager
def stub(routes: list[dict[str, Any]], requests: list[tuple[str, str, Any]]) -> Iterator[str]:
    """A server that gives each route's answers in order, and the last one again; its address.

    Of several routes that fit a request the first one answers; what fits none is not found.
    """
    given: dict[int, int] = {}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                requests.append((self.command, self.path, _read(body)))
                answer = self._answer()
            content = _content(answer)
            self.send_response(answer.get("status", 200))
            headers = {"Content-Type": "application/json;charset=UTF-8"} | (answer.get("headers") or {})
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _answer(self) -> dict[str, Any]:
            for number, route in enumerate(routes):
                if route["method"] == self.command and re.search(route["path"], self.path):
                    answers = route["answers"]
                    at = given.get(number, 0)
                    given[number] = at + 1
                    return dict(answers[min(at, len(answers) - 1)])
            return {"status": 404, "json": {}}

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _content(answer: dict[str, Any]) -> bytes:
    if answer.get("status") == 204:
        return b""
    if answer.get("text") is not None:
        return str(answer["text"]).encode()
    return json.dumps(answer["json"]).encode() if "json" in answer else b""


def outcome_of(case: dict[str, Any]) -> Outcome:
    """Put a case to our adapter, over a socket; within its limit it has to end."""
    outcome = Outcome()
    with stub(case["routes"], outcome.requests) as url:

        def run() -> None:
            try:
                outcome.value = call(case, url)
            except BaseException as error:
                outcome.error = error
            outcome.ended = True

        thread = threading.Thread(target=run, daemon=True)
        began = time.monotonic()
        thread.start()
        thread.join(case.get("limit") or LIMIT)
        outcome.seconds = time.monotonic() - began
    return outcome


def call(case: dict[str, Any], url: str) -> Any:
    """Make a case's call."""
    provider = case.get("system") or "jira"
    system = SYSTEMS[provider]
    settings: SystemSettings = system.settings(**({"url": url} | USUAL[provider] | (case.get("settings") or {})))
    match case["call"]:
        case "webhook":
            body = case["body"]
            return system.webhook(settings).read((body if isinstance(body, str) else json.dumps(body)).encode())
        case "check":
            return list(system.check(settings))
    usual = {"provider": provider, "id": "10001", "key": "MLR-7", "url": "", "label": LABEL}
    ref = TicketRef(**(usual | (case.get("ref") or {})))
    return CALLS[case["call"]](system.adapter(settings), ref)


def _request() -> TicketRequest:
    body = [Section(heading="What is asked", paragraphs=["May it be deployed?"])]
    return TicketRequest(label=LABEL, kind=TicketKind.REVIEW, summary="[Model approval] fraud-xgb", body=body)


CALLS: dict[str, Callable[[Ticketing, TicketRef], Any]] = {
    "get": lambda tickets, ref: tickets.get(ref),
    "get_many": lambda tickets, ref: tickets.get_many([ref]),
    "find": lambda tickets, ref: tickets.find(ref.label),
    "create": lambda tickets, _: tickets.create(_request()),
    "close": lambda tickets, ref: tickets.close(ref, "cancelled", "The run was cancelled."),
    "wording": lambda tickets, _: tickets.wording(TicketKind.REVIEW),
}
"""The calls of the port by their names in the cases."""
