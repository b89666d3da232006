"""What is behind the desk's HTTP face, on a database of the test's."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from mlc.standalone.database import DESK, open_database
from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.outbox import Outbox, Target
from mlc.standalone.desk.records import Records
from mlc.standalone.desk.scheme import Scheme
from mlc.standalone.desk.tickets import Tickets


@dataclass
class Desk:
    engine: Engine
    tickets: Tickets
    records: Records
    outbox: Outbox

    def close(self) -> None:
        self.engine.dispose()


def open_desk(place: str | Path) -> Desk:
    """One of those that may have the same database."""
    engine = open_database(place, DESK)
    outbox = Outbox(engine, {system: Target("http://127.0.0.1:1/hook") for system in ("jira",)})
    json = JiraJson("http://desk", "MLR", Scheme(), cloud=True, expiration=True)
    tickets = Tickets(engine, json, outbox, expiration=True)
    return Desk(engine, tickets, Records(engine, outbox, expiration=True), outbox)
