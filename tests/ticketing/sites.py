"""The ticket systems as the contract's tests see them: an adapter, and what people do there."""

import base64
from dataclasses import dataclass, field
from typing import Any

from desk_harness import TOKEN, USER, RunningDesk

from mlc.model.ticket import TicketRef
from mlc.standalone.desk.records import FILES, NOTES
from mlc.standalone.desk.servicenow_scheme import SOLVED, UNSOLVED
from mlc.standalone.desk.tables import RecordFile
from mlc.standalone.faults import Faults
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.adapter import ServiceNowTicketing
from mlc.ticketing.servicenow.settings import ServiceNowSettings

BASIC = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()


@dataclass
class AtDesk:
    """A system that the desk plays."""

    desk: RunningDesk

    @property
    def url(self) -> str:
        return self.desk.url

    @property
    def faults(self) -> Faults:
        return self.desk.faults

    @property
    def secrets(self) -> tuple[str, ...]:
        return (TOKEN, BASIC)


@dataclass
class JiraSite(AtDesk):
    wrong_account: dict[str, Any] = field(default_factory=lambda: {"token": "wrong"})
    kind: str = "review"
    dated: bool = True
    creation: str = "/rest/api/2/issue"
    refusal: str = '{"errorMessages": [], "errors": {"issuetype": "%s"}}'
    withdrawn: str = "Withdrawn"

    def settings(self, **others: Any) -> JiraSettings:
        return self.desk.jira(**others)

    def adapter(self, **others: Any) -> JiraTicketing:
        return JiraTicketing(self.settings(**others))

    def approve(self, ref: TicketRef, by: str = "ada") -> None:
        self.desk.move(ref, "Done", by=by)

    def reject(self, ref: TicketRef, by: str = "ada") -> None:
        self.desk.move(ref, "Rejected", by=by)

    def work_on(self, ref: TicketRef) -> None:
        self.desk.move(ref, "In Review")

    def withdraw(self, ref: TicketRef) -> None:
        self.desk.move(ref, "Withdrawn")

    def reopen(self, ref: TicketRef) -> None:
        self.desk.move(ref, "To Do")

    def say(self, ref: TicketRef, text: str, by: str = "ada") -> None:
        self.desk.say(ref, text, by)

    def set_expiration(self, ref: TicketRef, value: str) -> None:
        self.desk.set_expiration(ref, value)

    def delete(self, ref: TicketRef) -> None:
        with self.desk.http() as http:
            http.delete(f"/issue/{ref.key}").raise_for_status()

    def copy(self, label: str) -> None:
        fields = {"project": {"key": "MLR"}, "issuetype": {"name": "Task"}, "summary": "CLONE", "labels": [label]}
        with self.desk.http() as http:
            http.post("/issue", json={"fields": fields}).raise_for_status()

    def comments(self, ref: TicketRef) -> list[str]:
        return [comment["body"] for comment in self.desk.fields(ref)["comment"]["comments"]]

    def files(self, ref: TicketRef) -> list[bytes]:
        with self.desk.http() as http:
            attached = self.desk.fields(ref)["attachment"]
            return [http.get(f"/attachment/content/{file['id']}").content for file in attached]

    def links(self, ref: TicketRef) -> list[str]:
        with self.desk.http() as http:
            return [link["object"]["url"] for link in http.get(f"/issue/{ref.id}/remotelink").json()]

    def text(self, ref: TicketRef) -> tuple[str, str]:
        fields = self.desk.fields(ref)
        return fields["summary"], fields["description"]


@dataclass
class ChangeSite(AtDesk):
    """Change requests of ServiceNow: decided by an approval."""

    wrong_account: dict[str, Any] = field(default_factory=lambda: {"password": "wrong"})
    kind: str = "review"
    dated: bool = True
    table: str = "change_request"
    refusal: str = '{"error": {"message": "Operation Failed", "detail": "%s"}, "status": "failure"}'
    withdrawn: str = "Canceled"
    states: dict[str, str] = field(default_factory=lambda: {"work": "-4", "withdraw": "4", "reopen": "-5"})

    @property
    def creation(self) -> str:
        return f"/api/now/table/{self.table}"

    def settings(self, **others: Any) -> ServiceNowSettings:
        return ServiceNowSettings(**({"url": self.desk.url, "user": USER, "password": TOKEN, "timeout": 10} | others))

    def adapter(self, **others: Any) -> ServiceNowTicketing:
        return ServiceNowTicketing(self.settings(**others))

    def approve(self, ref: TicketRef, by: str = "ada") -> None:
        self._decide(ref, by, "approved")

    def reject(self, ref: TicketRef, by: str = "ada") -> None:
        self._decide(ref, by, "rejected", "no")

    def work_on(self, ref: TicketRef) -> None:
        self.set(ref, state=self.states["work"])

    def withdraw(self, ref: TicketRef) -> None:
        self.set(ref, state=self.states["withdraw"])

    def reopen(self, ref: TicketRef) -> None:
        self.set(ref, state=self.states["reopen"], approval="requested")

    def say(self, ref: TicketRef, text: str, by: str = "ada") -> None:
        self.set(ref, by, comments=text)

    def set_expiration(self, ref: TicketRef, value: str) -> None:
        self.set(ref, u_expiration_date=value)

    def set(self, ref: TicketRef, by: str = "ada", **values: str) -> None:
        records = self.desk.parts.records
        with records.writing() as session:
            records.change(session, records.task(session, ref.key), by, values)

    def delete(self, ref: TicketRef) -> None:
        records = self.desk.parts.records
        with records.writing() as session:
            records.delete(session, records.task(session, ref.key))

    def copy(self, label: str) -> None:
        records = self.desk.parts.records
        with records.writing() as session:
            copied = {"short_description": "COPY", "correlation_id": label, "correlation_display": "Model governance"}
            records.create(session, self.table, "bob", copied)

    def comments(self, ref: TicketRef) -> list[str]:
        records = self.desk.parts.records
        with records.reading() as session:
            sys_id = records.task(session, ref.key).sys_id
            said = [note.fields["value"] for note in records.children(session, NOTES, sys_id)]
            return [text for text in said if not text.startswith("For the machines") and "gov-event:link" not in text]

    def files(self, ref: TicketRef) -> list[bytes]:
        records = self.desk.parts.records
        with records.reading() as session:
            attached = records.children(session, FILES, records.task(session, ref.key).sys_id)
            return [session.get(RecordFile, file.sys_id).content for file in attached]

    def links(self, ref: TicketRef) -> list[str]:
        records, newest = self.desk.parts.records, dict[str, str]()
        with records.reading() as session:
            for note in records.children(session, NOTES, records.task(session, ref.key).sys_id):
                if note.fields["value"].startswith("[code]<a "):
                    address, _, rest = note.fields["value"].partition('href="')[2].partition('"')
                    newest["model" if "Model" in rest else "run"] = address
        return list(newest.values())

    def text(self, ref: TicketRef) -> tuple[str, str]:
        records = self.desk.parts.records
        with records.reading() as session:
            fields = records.task(session, ref.key).fields
            return fields["short_description"], fields["description"]

    def _decide(self, ref: TicketRef, by: str, state: str, comment: str = "") -> None:
        records = self.desk.parts.records
        with records.writing() as session:
            records.decide(session, records.task(session, ref.key), by, state, comment)


@dataclass
class IncidentSite(ChangeSite):
    """Incidents of ServiceNow: answered by the way in which they are resolved."""

    kind: str = "error"
    dated: bool = False
    table: str = "incident"
    states: dict[str, str] = field(default_factory=lambda: {"work": "2", "withdraw": "8", "reopen": "2"})

    def _decide(self, ref: TicketRef, by: str, state: str, comment: str = "") -> None:
        code = SOLVED if state == "approved" else UNSOLVED
        records = self.desk.parts.records
        with records.writing() as session:
            task = records.task(session, ref.key)
            notes = records.children(session, NOTES, task.sys_id)
            said = [note.fields["value"] for note in notes if note.sys_created_by == by]
            values = {"state": "6", "close_code": code, "close_notes": said[-1] if said else code}
            records.change(session, task, by, values)
