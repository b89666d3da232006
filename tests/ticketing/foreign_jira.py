"""jira820, a Jira Data Center that we didn't write, on a free port; and what people do there, through its own API.

It knows tickets by their keys alone, so the adapter's references hold the key where Jira's own id would stand.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from jira820 import Config, Store, make_app
from servers import serving

from mlc.model.ticket import TicketRef
from mlc.standalone.faults import FaultMiddleware, Faults
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings

STATUSES = [
    ["To Do", "todo", "1"],
    ["In Review", "inprogress", "3"],
    ["Done", "done", "10001"],
    ["Rejected", "done", "10002"],
    ["Withdrawn", "done", "10003"],
]


class ByKey(JiraTicketing):
    """The adapter, with references by key alone, which will do by the port's contract."""

    def _ref(self, issue_id: str, key: str, label: str) -> TicketRef:
        return super()._ref(key, key, label)


@dataclass
class ForeignJira:
    url: str
    faults: Faults
    secrets: tuple[str, ...] = ()
    wrong_account: dict[str, Any] = field(default_factory=dict)
    """It lets everybody in."""
    kind: str = "review"
    dated: bool = False
    creation: str = "/rest/api/2/issue"
    refusal: str = '{"errorMessages": [], "errors": {"issuetype": "%s"}}'
    withdrawn: str = "Withdrawn"

    def settings(self, **others: Any) -> JiraSettings:
        return JiraSettings(**({"url": self.url, "deployment": "server", "token": "x", "timeout": 10} | others))

    def adapter(self, **others: Any) -> JiraTicketing:
        return ByKey(self.settings(**others))

    def approve(self, ref: TicketRef, by: str = "ada") -> None:
        self._move(ref, "Done")

    def reject(self, ref: TicketRef, by: str = "ada") -> None:
        self._move(ref, "Rejected")

    def work_on(self, ref: TicketRef) -> None:
        self._move(ref, "In Review")

    def withdraw(self, ref: TicketRef) -> None:
        self._move(ref, "Withdrawn")

    def reopen(self, ref: TicketRef) -> None:
        self._move(ref, "To Do")

    def say(self, ref: TicketRef, text: str, by: str = "ada") -> None:
        self._call("POST", f"issue/{ref.key}/comment", {"body": text})

    def set_expiration(self, ref: TicketRef, value: str) -> None:
        raise NotImplementedError("it drops such fields")

    def delete(self, ref: TicketRef) -> None:
        self._call("DELETE", f"issue/{ref.key}")

    def copy(self, label: str) -> None:
        fields = {"project": {"key": "MLR"}, "issuetype": {"name": "Task"}, "summary": "CLONE", "labels": [label]}
        self._call("POST", "issue", {"fields": fields})

    def comments(self, ref: TicketRef) -> list[str]:
        return [comment["body"] for comment in self._call("GET", f"issue/{ref.key}/comment?maxResults=500")["comments"]]

    def files(self, ref: TicketRef) -> list[bytes]:
        attached = self._fields(ref)["attachment"]
        return [httpx.get(file["content"], trust_env=False).raise_for_status().content for file in attached]

    def links(self, ref: TicketRef) -> list[str]:
        return [link["object"]["url"] for link in self._call("GET", f"issue/{ref.key}/remotelink")]

    def text(self, ref: TicketRef) -> tuple[str, str]:
        fields = self._fields(ref)
        return fields["summary"], fields["description"]

    def _fields(self, ref: TicketRef) -> dict[str, Any]:
        return dict(self._call("GET", f"issue/{ref.key}")["fields"])

    def _move(self, ref: TicketRef, status: str) -> None:
        offered = self._call("GET", f"issue/{ref.key}/transitions")["transitions"]
        way = next(each["id"] for each in offered if each["to"]["name"] == status)
        self._call("POST", f"issue/{ref.key}/transitions", {"transition": {"id": way}})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        with httpx.Client(base_url=f"{self.url}/rest/api/2", trust_env=False, timeout=30) as http:
            answer = http.request(method, path, json=body).raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def foreign_jira() -> Iterator[ForeignJira]:
    """A new one with our project and no tickets, served until the context ends."""
    config = Config(
        project_key="MLR",
        statuses=STATUSES,
        transition_screens={status: [] for status, *_ in STATUSES},
        base_date=datetime.now(UTC).date() - timedelta(days=1),  # of a time it keeps the day alone
    )
    faults = Faults()
    app = FaultMiddleware(make_app(Store(config, seed=False)), faults)
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(app, listener) as url:
        yield ForeignJira(url, faults)
