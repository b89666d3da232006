"""What the adapters make of an unreliable system: one POST a creation, the right word for it, and no secrets."""

import contextlib
import logging
import socket
from collections.abc import Callable
from datetime import timedelta

import pytest

from mlc.model.failure import ExternalError, NotFound, Refused, Unavailable
from mlc.model.ticket import Answer
from mlc.standalone.faults import Effect
from mlc.testing.ticketing.site import LABEL, OnSite, Site, eventually
from mlc.ticketing import Attachment, TicketRequest
from mlc.ticketing.port import withdrawal_text

WRITES = "POST|PUT|PATCH"
FOREVER = 10**6


class TicketingFaults(OnSite):
    """What an adapter makes of the unreliable system of the fixture ``site``."""

    @pytest.mark.parametrize(
        ("fault", "maybe_done", "stored"),
        [
            ({"effect": Effect.ANSWER, "status": 429}, False, 0),
            ({"effect": Effect.ANSWER, "status": 503, "headers": {"Retry-After": "7"}}, False, 0),
            ({"effect": Effect.ANSWER, "status": 503}, True, 0),
            ({"effect": Effect.ANSWER, "status": 500}, True, 0),
            ({"effect": Effect.ANSWER_AFTER, "status": 502}, True, 1),
            ({"effect": Effect.ANSWER_AFTER, "status": 200, "body": "<html>please log in</html>"}, True, 1),
            ({"effect": Effect.ANSWER_AFTER, "status": 201, "body": "[]"}, True, 1),
            ({"effect": Effect.DROP}, True, 0),
            ({"effect": Effect.DROP_AFTER}, True, 1),
            ({"effect": Effect.SLOW, "seconds": 1.5}, True, 1),
        ],
        ids=lambda value: f"{value['effect']}-{value.get('status', '')}" if isinstance(value, dict) else str(value),
    )
    def test_a_creation_is_one_post_whatever_happens_and_tells_whether_it_may_have_worked(
        self, site: Site, question: TicketRequest, fault: dict[str, object], maybe_done: bool, stored: int
    ) -> None:
        tickets = site.adapter(timeout=0.5 if fault["effect"] is Effect.SLOW else 10)
        site.faults.add(method="POST", path=f"^{site.creation}$", **fault)  # type: ignore[arg-type]
        with pytest.raises(Unavailable) as caught:
            tickets.create(question)
        assert caught.value.maybe_done is maybe_done
        assert site.faults.requests.count(f"POST {site.creation}") == 1
        eventually(lambda: len(site.adapter().find(LABEL)) == stored)

    def test_a_refused_connection_was_certainly_not_sent(self, site: Site, question: TicketRequest) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(Unavailable) as caught:
            site.adapter(url=f"http://127.0.0.1:{port}").create(question)
        assert caught.value.maybe_done is False

    @pytest.mark.parametrize("status", [400, 401, 403, 413, 422])
    def test_a_refusal_is_final_and_tells_the_systems_own_reason(
        self, site: Site, question: TicketRequest, status: int
    ) -> None:
        body = site.refusal % "Specify a valid issue type"
        site.faults.add(Effect.ANSWER, method="POST", path=f"^{site.creation}$", status=status, body=body)
        with pytest.raises(Refused, match="Specify a valid issue type") as caught:
            site.adapter().create(question)
        assert caught.value.status == status

    def test_a_wrong_secret_is_refused_with_a_hint(self, site: Site, question: TicketRequest) -> None:

        with pytest.raises(Refused, match="token right") as caught:
            site.adapter(**site.wrong_account).create(question)
        assert caught.value.status == 401

    def test_reading_that_is_forbidden_or_limited_is_told_apart(self, site: Site, question: TicketRequest) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        for call in (lambda: tickets.get(ref), lambda: tickets.get_many([ref]), lambda: tickets.find(LABEL)):
            site.faults.add(Effect.ANSWER, method="GET", status=403, body=site.refusal % "no")
            with pytest.raises(Refused, match="permission"):
                call()
            site.faults.add(Effect.ANSWER, method="GET", status=429, headers={"Retry-After": "3600"})
            with pytest.raises(Unavailable) as caught:
                call()
            assert caught.value.retry_after == timedelta(minutes=15)
            assert caught.value.maybe_done is False
            site.faults.add(Effect.DROP, method="GET")
            with pytest.raises(Unavailable, match="connection broke"):
                call()

    def test_a_ticket_is_not_taken_for_gone_when_nothing_else_can_be_seen_either(
        self, site: Site, question: TicketRequest
    ) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        tickets.get(ref)
        site.faults.add(Effect.ANSWER, method="GET", status=404, times=2)
        with pytest.raises(NotFound):
            tickets.get(ref)
        site.faults.planned.clear()
        assert tickets.get(ref).answer is Answer.PENDING

    @pytest.mark.parametrize("effect", [Effect.DROP, Effect.DROP_AFTER])
    def test_a_comment_whose_answer_was_lost_can_be_repeated(
        self, site: Site, question: TicketRequest, effect: Effect
    ) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        for method in ("POST", "PATCH"):
            site.faults.add(effect, method=method)
        calls: list[Callable[[], None]] = [
            lambda: tickets.comment(ref, "event-1", "said once"),
            lambda: tickets.attach(ref, Attachment(name="a.json", content=b"{}")),
        ]
        for call in calls:
            with contextlib.suppress(Unavailable):
                call()
            with contextlib.suppress(Unavailable):
                call()
            call()
        assert len(site.comments(ref)) == 1
        assert site.files(ref) == [b"{}"]

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422])
    def test_a_ticket_that_may_not_be_withdrawn_stays_open_with_one_comment_and_the_systems_reason(
        self, site: Site, question: TicketRequest, status: int
    ) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        # As an earlier try left it that died after its comment.
        tickets.comment(ref, "ended", withdrawal_text("The run was cancelled."))
        body = site.refusal % "Field Assignee is required."
        site.faults.add(Effect.ANSWER, method=WRITES, status=status, body=body, times=FOREVER)
        for _ in range(2):
            kept = tickets.close(ref, "ended", "The run was cancelled.")
            assert kept
            assert "Field Assignee is required." in kept
        site.faults.planned.clear()
        assert tickets.get(ref).answer is Answer.PENDING
        assert len(site.comments(ref)) == 1

    def test_a_ticket_that_can_be_neither_withdrawn_nor_commented_on_is_a_refusal(
        self, site: Site, question: TicketRequest
    ) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        site.faults.add(Effect.ANSWER, method=WRITES, status=403, body=site.refusal % "no", times=FOREVER)
        with pytest.raises(Refused):
            tickets.close(ref, "ended", "The run was cancelled.")
        site.faults.planned.clear()
        assert tickets.close(ref, "ended", "The run was cancelled.") is None
        assert len(site.comments(ref)) == 1

    def test_a_ticket_is_withdrawn_when_the_system_is_up_again(self, site: Site, question: TicketRequest) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        for method in ("GET", WRITES):
            site.faults.add(Effect.ANSWER, method=method, status=503, times=FOREVER)
            with pytest.raises(Unavailable):
                tickets.close(ref, "ended", "The run was cancelled.")
            site.faults.planned.clear()
        assert tickets.close(ref, "ended", "The run was cancelled.") is None
        assert tickets.get(ref).status == site.withdrawn
        assert len(site.comments(ref)) == 1

    def test_a_ticket_is_not_taken_for_withdrawn_when_nothing_else_can_be_seen_either(
        self, site: Site, question: TicketRequest
    ) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        tickets.get(ref)
        site.faults.add(Effect.ANSWER, status=404, times=FOREVER)
        assert tickets.close(ref, "ended", "The run was cancelled.")
        site.faults.planned.clear()
        assert tickets.get(ref).answer is Answer.PENDING

    def test_a_system_that_asks_to_wait_is_heeded(self, site: Site, question: TicketRequest) -> None:
        site.faults.add(
            Effect.ANSWER, method="POST", path=f"^{site.creation}$", status=429, headers={"Retry-After": "30"}
        )
        with pytest.raises(Unavailable) as caught:
            site.adapter().create(question)
        assert caught.value.retry_after == timedelta(seconds=30)

    def test_no_error_holds_a_secret_or_a_page(
        self, site: Site, question: TicketRequest, caplog: pytest.LogCaptureFixture
    ) -> None:
        secrets = " ".join(site.secrets)
        page = f"<html>{secrets} the-whole-page</html>"
        echo = site.refusal % f"bad header {secrets} {'x' * 2000}"
        faults = [
            {"effect": Effect.ANSWER, "status": status, "body": body, "headers": {"X-Secret": "header-value"}}
            for status in (200, 302, 400, 403, 404, 429, 500, 503)
            for body in (page, echo)
        ] + [{"effect": Effect.DROP}, {"effect": Effect.DROP_AFTER}]
        tickets = site.adapter()
        with caplog.at_level(logging.DEBUG):
            for fault in faults:
                site.faults.add(method="POST", path=f"^{site.creation}$", **fault)  # type: ignore[arg-type]
                with pytest.raises(ExternalError) as caught:
                    tickets.create(question)
                error = caught.value
                assert error.__cause__ is None
                assert error.__context__ is None
                text = f"{error} {error!r} {error.args}"
                assert len(text) < 1200
                for leak in (*site.secrets, "the-whole-page", "header-value", "Authorization"):
                    assert leak not in text
        assert not any(secret in caplog.text for secret in site.secrets)

    def test_an_answer_of_another_shape_is_an_outage_not_a_crash(self, site: Site, question: TicketRequest) -> None:
        tickets = site.adapter()
        ref = tickets.create(question)
        tickets.get(ref)
        bodies = ["null", "[]", '{"id": 7}', '{"issues": 3}', '{"fields": {}}', "\x00", '"text"']
        bodies += [
            '{"result": null}',
            '{"result": 7}',
            '{"result": [7]}',
            '{"result": [[]], "error": {"message": "cut"}}',
        ]
        for body in bodies:
            for call in (
                lambda: tickets.get(ref),
                lambda: tickets.get_many([ref]),
                lambda: tickets.comment(ref, "e", "t"),
            ):
                site.faults.add(Effect.ANSWER, method="GET", status=200, body=body)
                with pytest.raises(Unavailable, match="unreadable"):
                    call()
            site.faults.planned.clear()

    def test_the_adapter_asks_nothing_before_it_has_to(self, site: Site, question: TicketRequest) -> None:
        site.adapter().create(question)
        assert site.faults.requests == [f"POST {site.creation}"]
