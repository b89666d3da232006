"""What the registry relies on: a name, settings of its own, and webhooks that are read whatever they hold."""

import json
from typing import Any

import pytest

from mlc.model.finding import Mark
from mlc.model.open_tickets import is_key
from mlc.testing.ticketing.site import OnSite, Site
from mlc.ticketing import Ticketing, TicketRequest
from mlc.ticketing.system import TicketSystem
from mlc.ticketing.webhook import BadEvent, Event

HOSTILE = ["", "null", "[]", "7", '"text"', "\x00", "{", '{"a":' * 5_000, '{"timestamp": "soon"}', '{"timestamp": {}}']


class TicketSystemContract(OnSite):
    """What is told by the fixture ``system``, whose adapter talks to ``site``."""

    def test_the_adapters_tickets_bear_its_name_and_keys_that_can_be_asked_for(
        self, system: TicketSystem[Any], tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        assert tickets.provider == ref.provider == system.provider
        assert is_key(ref.key)
        assert system.webhook(system.settings()).key.fullmatch(ref.key)

    def test_without_an_address_it_is_not_set_up_and_says_what_to_set(self, system: TicketSystem[Any]) -> None:
        assert system.settings().url is None
        assert system.needed.startswith(system.settings.variable("url"))
        assert system.settings.variable("url").startswith("MLC_")

    def test_the_documented_event_is_one(self, system: TicketSystem[Any]) -> None:
        webhook = system.webhook(system.settings())
        event = webhook.read(json.dumps(webhook.example).encode())
        assert event is not None
        assert webhook.key.fullmatch(event.key)
        assert event.place in webhook.places
        assert event.sent is not None
        assert webhook.delivery_header
        assert webhook.signature_headers

    @pytest.mark.parametrize("body", HOSTILE, ids=lambda body: body[:20])
    def test_what_is_no_event_is_about_no_ticket_or_is_said_to_be_none(
        self, system: TicketSystem[Any], body: str
    ) -> None:
        self._read(system, body)

    def test_an_event_with_one_field_broken_is_still_read_or_refused(self, system: TicketSystem[Any]) -> None:
        example = system.webhook(system.settings()).example
        for name in example:
            for value in ("null", "[]", "{}", json.dumps("x" * 100_000), "-1", "1e308", "1e999", "true"):
                whole = json.dumps(example | {name: "here"})
                self._read(system, whole.replace('"here"', value))

    def test_an_event_counts_whatever_stands_in_the_fields_that_nobody_needs(self, system: TicketSystem[Any]) -> None:
        """One that is refused does not come again."""
        webhook = system.webhook(system.settings())
        for name in webhook.example:
            event = self._read(
                system, json.dumps({other: webhook.example[other] for other in webhook.example if other != name})
            )
            if event is None:
                continue  # without this field it names no ticket
            for odd in ("None", "soon", "", -1, 1e308, True, None, ["x", 7], {"x": "y"}):
                again = self._read(system, json.dumps(webhook.example | {name: odd}))
                assert again is not None, (name, odd)
                assert again.key == event.key, (name, odd)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_an_event_in_another_encoding_with_fields_that_nobody_knows_is_the_same(
        self, system: TicketSystem[Any], encoding: str
    ) -> None:
        webhook = system.webhook(system.settings())
        more = webhook.example | {"x_new": {"text": "Größe", "listed": [None, 1]}}
        assert webhook.read(json.dumps(more, ensure_ascii=False).encode(encoding)) == webhook.read(
            json.dumps(webhook.example).encode()
        )

    def test_a_check_of_a_system_that_is_as_it_should_be_finds_no_flaw(
        self, system: TicketSystem[Any], site: Site
    ) -> None:
        marks = {finding.mark for finding in system.check(site.settings())}
        assert Mark.GOOD in marks
        assert Mark.WRONG not in marks

    def test_a_check_tells_of_an_account_that_is_not_let_in_and_not_its_secret(
        self, system: TicketSystem[Any], site: Site
    ) -> None:
        found = list(system.check(site.settings(**site.wrong_account)))
        assert Mark.WRONG in {finding.mark for finding in found}
        told = " ".join(f"{finding.what} {finding.remedy}" for finding in found)
        assert not any(secret in told for secret in site.secrets)

    def test_a_check_writes_nothing(self, system: TicketSystem[Any], site: Site) -> None:
        list(system.check(site.settings()))
        assert {request.split()[0] for request in site.faults.requests} <= {"GET", "HEAD"}

    @staticmethod
    def _read(system: TicketSystem[Any], body: str) -> Event | None:
        why, event = "-", None
        try:
            event = system.webhook(system.settings()).read(body.encode())
        except BadEvent as error:
            why = str(error)
        assert 0 < len(why) < 500
        assert event is None or isinstance(event, Event)
        return event
