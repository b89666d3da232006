"""The desk's webhooks: signed as Jira signs them, sent until they arrive, and kept through a restart."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from desk_harness import Desks, RunningDesk, eventually
from fastapi import FastAPI, Request, Response
from sites import ChangeSite

from mlc.standalone.desk.outbox import signature
from mlc.standalone.desk.serve import running
from mlc.ticketing import TicketRequest
from mlc.ticketing.servicenow import SERVICENOW
from mlc.ticketing.servicenow.settings import ServiceNowSettings

SECRET = "It's a Secret to Everybody"


@dataclass
class Receiver:
    """A gateway that keeps what it gets, and answers with ``answers`` first, then with 202."""

    url: str
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["webhookEvent"] for _, body in self.got]

    def payload(self, place: int = 0) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.got[place][1])
        return read


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    app = FastAPI()
    listener = socket.create_server(("127.0.0.1", 0))
    receiver = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/jira")

    @app.post("/webhooks/jira")
    async def receive(request: Request) -> Response:
        receiver.got.append((dict(request.headers), await request.body()))
        return Response(status_code=receiver.answers.pop(0) if receiver.answers else 202)

    with ExitStack() as stack:
        stack.enter_context(running(app, listener))
        yield receiver


@pytest.fixture(params=["cloud", "server"])
def desk(request: pytest.FixtureRequest, desks: Desks, receiver: Receiver) -> RunningDesk:
    return desks.start(deployment=request.param, webhook_url=receiver.url, webhook_secret=SECRET)


def test_the_signature_is_atlassians() -> None:
    expected = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    assert signature(SECRET, b"Hello World!") == expected


def test_every_change_is_told_signed_and_with_an_identifier_of_its_own(
    desk: RunningDesk, receiver: Receiver, question: TicketRequest
) -> None:
    ref = desk.adapter().create(question)
    eventually(lambda: len(receiver.got) == 1)
    desk.say(ref, "hm")
    eventually(lambda: len(receiver.got) == 2)
    desk.set_expiration(ref, "2099-12-31")
    eventually(lambda: len(receiver.got) == 3)
    desk.move(ref, "Done")
    eventually(lambda: len(receiver.got) == 4)
    with desk.http() as http:
        http.delete(f"/issue/{ref.id}").raise_for_status()
    eventually(lambda: len(receiver.got) == 5)
    updated = "jira:issue_updated"
    assert receiver.events == ["jira:issue_created", "comment_created", updated, updated, "jira:issue_deleted"]
    for headers, body in receiver.got:
        assert headers["x-hub-signature"] == signature(SECRET, body)
    assert len({headers["x-atlassian-webhook-identifier"] for headers, _ in receiver.got}) == 5
    moved = receiver.payload(3)
    assert moved["issue"]["key"] == ref.key
    assert question.label in moved["issue"]["fields"]["labels"]
    assert moved["issue"]["fields"]["status"]["statusCategory"]["key"] == "done"
    assert {item["field"]: item["toString"] for item in moved["changelog"]["items"]} == {
        "status": "Done",
        "resolution": "Done",
    }
    assert moved["timestamp"] > 1_700_000_000_000


def test_servicenows_changes_are_told_as_its_script_does_to_its_own_address(
    desks: Desks, receiver: Receiver, question: TicketRequest
) -> None:
    desk = desks.start(servicenow_webhook_url=receiver.url, servicenow_webhook_secret=SECRET)
    site = ChangeSite(desk)
    ref = site.adapter().create(question)
    desk.adapter().create(question.model_copy(update={"label": "gov-jira"}))  # Jira has no address here
    site.say(ref, "hm")
    site.approve(ref)
    site.delete(ref)
    events = ["inserted", "updated", "updated", "deleted"]
    eventually(lambda: len(receiver.got) == 4 and desk.parts.outbox.pending() == 0)
    told = sorted((json.loads(body) for _, body in receiver.got), key=lambda event: event["timestamp"])
    assert [event["event"] for event in told] == [f"change_request.{event}" for event in events]
    for event in told:
        assert (event["table"], event["number"], event["correlation_id"]) == ("change_request", ref.key, question.label)
        assert event["sys_id"] == ref.id.partition(":")[2]
        assert event["timestamp"] > 1_700_000_000_000
    assert [event["sys_mod_count"] for event in told] == [0, 1, 2, 2]
    for headers, body in receiver.got:
        assert headers["x-hub-signature"] == signature(SECRET, body)
        assert "x-atlassian-webhook-identifier" not in headers
    assert len({headers["x-mlc-delivery"] for headers, _ in receiver.got}) == 4


def test_the_gateway_understands_them(desks: Desks, receiver: Receiver, question: TicketRequest) -> None:
    desk = desks.start(servicenow_webhook_url=receiver.url, servicenow_webhook_secret=SECRET)
    refs = [
        ChangeSite(desk).adapter().create(question.model_copy(update={"kind": kind, "label": f"gov-{kind}"}))
        for kind in ("review", "error")
    ]
    eventually(lambda: len(receiver.got) == 2)
    sender = SERVICENOW.webhook(ServiceNowSettings())
    for _, body in receiver.got:
        event = sender.read(body)
        assert event is not None
        assert event.place in sender.places
        assert event.key in {ref.key for ref in refs}
        assert sender.key.fullmatch(event.key)
        assert event.sent == pytest.approx(time.time(), abs=60)


def test_a_delivery_is_tried_again_under_the_same_identifier_until_it_arrives(
    desk: RunningDesk, receiver: Receiver, question: TicketRequest
) -> None:
    receiver.answers += [503, 429, 500, 408]
    desk.adapter().create(question)
    eventually(lambda: len(receiver.got) == 5 and desk.parts.outbox.pending() == 0)
    assert len({headers["x-atlassian-webhook-identifier"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    assert [headers.get("x-atlassian-webhook-retry") for headers, _ in receiver.got] == [None, "1", "2", "3", "4"]


def test_a_delivery_that_is_refused_is_not_repeated(
    desk: RunningDesk, receiver: Receiver, question: TicketRequest
) -> None:
    receiver.answers += [401]
    desk.adapter().create(question)
    eventually(lambda: len(receiver.got) == 1 and desk.parts.outbox.pending() == 0)


def test_tickets_and_undelivered_webhooks_survive_a_restart(
    desks: Desks, receiver: Receiver, question: TicketRequest
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    first = desks.start(webhook_url=nobody, webhook_secret=SECRET)
    ref = first.adapter().create(question)
    eventually(lambda: first.parts.outbox.pending() == 1)
    desks.stop(first)
    second = desks.start(webhook_url=receiver.url, webhook_secret=SECRET)
    assert [found.key for found in second.adapter().find(question.label)] == [ref.key]
    eventually(lambda: receiver.events == ["jira:issue_created"])
    with second.http() as http:
        http.delete(f"/issue/{ref.id}").raise_for_status()
    assert second.adapter().create(question).key != ref.key


def test_deliveries_can_be_lost_doubled_and_reordered(
    desk: RunningDesk, receiver: Receiver, question: TicketRequest
) -> None:
    mishaps = desk.parts.outbox.mishaps
    mishaps.lose = 1
    ref = desk.adapter().create(question)
    eventually(lambda: desk.parts.outbox.pending() == 0)
    assert receiver.got == []
    mishaps.duplicate = 1
    desk.say(ref, "twice")
    eventually(lambda: receiver.events == ["comment_created"] * 2)
    mishaps.hold = mishaps.reverse = True
    desk.say(ref, "first")
    desk.move(ref, "Done")
    mishaps.hold = False
    eventually(lambda: receiver.events[2:] == ["jira:issue_updated", "comment_created"])


def test_without_an_address_nothing_is_written_down(desks: Desks, question: TicketRequest) -> None:
    desk = desks.start()
    desk.adapter().create(question)
    assert desk.parts.outbox.pending() == 0
