"""The suites of mlc.testing say no to a system that breaks a promise: each flaw is seen by the test meant for it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from third_system import TRACKER
from third_system.adapter import Found, TrackerTicketing
from third_system.site import TrackerSite, tracking

from mlc.model.failure import ExternalError, NotFound, Unavailable
from mlc.model.finding import good, wrong
from mlc.model.ticket import Answer, TicketRef, TicketState
from mlc.standalone.faults import Effect
from mlc.testing.ticketing import TicketingContract, TicketingFaults, TicketSystemContract
from mlc.ticketing import Attachment, TicketRequest
from mlc.ticketing.port import NOBODY_WAITS
from mlc.ticketing.webhook import Event

contract, faults, of_system = TicketingContract(), TicketingFaults(), TicketSystemContract()


class FindsClones(TrackerTicketing):
    def _search(self, labels: Any) -> Any:
        params = {"labels": ",".join(labels), "by": "bob"}
        clones = self._tracker.call("search", "GET", "/tickets", Found.model_validate, params=params)
        return [*super()._search(labels), *clones.tickets]


class CommentsTwice(TrackerTicketing):
    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        self._write(ref, "comment", f"/comments/{event_id}", text=f"{text}\n\ngov-event:{event_id}")


class TakesLostRightsForGone(TrackerTicketing):
    def get(self, ref: TicketRef) -> TicketState:
        try:
            return super().get(ref)
        except Exception:
            return TicketState(answer=Answer.GONE)


class ReadsOneByOne(TrackerTicketing):
    def get_many(self, refs: Any) -> dict[str, TicketState]:
        return {ref.label: self.get(ref) for ref in refs}


class TriesAgain(TrackerTicketing):
    def create(self, request: TicketRequest) -> TicketRef:
        try:
            return super().create(request)
        except Unavailable:
            return super().create(request)


class SaysNothingWasSent(TrackerTicketing):
    def create(self, request: TicketRequest) -> TicketRef:
        try:
            return super().create(request)
        except Unavailable as error:
            error.maybe_done = False
            raise


class Tells(TrackerTicketing):
    def create(self, request: TicketRequest) -> TicketRef:
        try:
            return super().create(request)
        except Unavailable as error:
            raise Unavailable("Tracker", f"{error} with token-of-the-tracker") from None


class WithdrawsDecided(TrackerTicketing):
    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        self.comment(ref, event_id, reason)
        self._write(ref, "withdraw it", "/state", state="dropped")
        return None


class FailsOnWhatIsGone(TrackerTicketing):
    def _gone(self, ref: TicketRef) -> str | None:
        raise NotFound("Tracker", f"{ref.key} is gone")


class TakesLostRightsForWithdrawn(TrackerTicketing):
    def _gone(self, ref: TicketRef) -> str | None:
        return None


class TakesARefusalForWithdrawn(TrackerTicketing):
    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        super().close(ref, event_id, reason)
        return None


class FailsOnARefusal(TrackerTicketing):
    def close(self, ref: TicketRef, event_id: str, reason: str) -> str | None:
        self.comment(ref, event_id, reason)
        self._write(ref, "withdraw it", "/state", state="dropped")
        return None


class SaysNotThatNobodyWaits(TrackerTicketing):
    def comment(self, ref: TicketRef, event_id: str, text: str) -> None:
        super().comment(ref, event_id, text.removesuffix(NOBODY_WAITS))


class AttachesTwice(TrackerTicketing):
    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        self._write(ref, "attach", f"/files/{attachment.name}", content="e30=")


stays_open = faults.test_a_ticket_that_may_not_be_withdrawn_stays_open_with_one_comment_and_the_systems_reason
not_withdrawn = faults.test_a_ticket_is_not_taken_for_withdrawn_when_nothing_else_can_be_seen_either
one_post = faults.test_a_creation_is_one_post_whatever_happens_and_tells_whether_it_may_have_worked
not_gone = faults.test_a_ticket_is_not_taken_for_gone_when_nothing_else_can_be_seen_either
LOST = {"fault": {"effect": Effect.DROP_AFTER}, "maybe_done": True, "stored": 1}
FLAWS: list[tuple[type[TrackerTicketing], Any, dict[str, Any]]] = [
    (FindsClones, contract.test_a_clone_that_carries_the_label_is_not_ours, {}),
    (CommentsTwice, contract.test_a_comment_is_added_once_for_an_event, {}),
    (ReadsOneByOne, contract.test_many_are_read_with_one_request_for_each_fifty, {}),
    (WithdrawsDecided, contract.test_closing_leaves_a_decision_as_it_is, {}),
    (FailsOnWhatIsGone, contract.test_closing_a_ticket_that_is_gone_is_no_error, {}),
    (SaysNotThatNobodyWaits, contract.test_closing_withdraws_an_open_ticket_once_and_says_why, {}),
    (TakesLostRightsForWithdrawn, not_withdrawn, {}),
    (TakesARefusalForWithdrawn, stays_open, {"status": 400}),
    (FailsOnARefusal, stays_open, {"status": 409}),
    (AttachesTwice, contract.test_an_attachment_is_added_once_by_name, {}),
    (TakesLostRightsForGone, not_gone, {}),
    (TriesAgain, one_post, LOST),
    (SaysNothingWasSent, one_post, LOST),
    (Tells, faults.test_no_error_holds_a_secret_or_a_page, {}),
]


class FlawedSite(TrackerSite):
    kind_of_adapter: type[TrackerTicketing] = TrackerTicketing

    def adapter(self, **others: Any) -> TrackerTicketing:
        return self.kind_of_adapter(self.settings(**others))


@pytest.fixture
def site() -> Iterator[FlawedSite]:
    with tracking() as site:
        yield FlawedSite(site.url, site.tracker, site.faults)


@pytest.mark.parametrize(("adapter", "seen_by", "more"), FLAWS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_flaw_of_an_adapter_is_seen(
    site: FlawedSite,
    adapter: type[TrackerTicketing],
    seen_by: Any,
    more: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    site.kind_of_adapter = adapter
    question = TicketRequest(label="gov-0123456789abcdef01234567", kind="review", summary="May it?", body=[])
    names = seen_by.__code__.co_varnames[1 : seen_by.__code__.co_argcount]
    known = {"site": site, "tickets": site.adapter(), "question": question} | more | {"caplog": caplog}
    with pytest.raises((AssertionError, pytest.fail.Exception, ExternalError)):
        seen_by(**{name: known[name] for name in names})


def test_flaws_of_what_the_registry_lists_are_seen(site: FlawedSite) -> None:
    def breaks(body: bytes) -> Event | None:
        return None if not body else Event(key=body.decode()[0], place="models")

    webhook = TRACKER.webhook(site.settings())
    crashing = replace(TRACKER, webhook=lambda _: replace(webhook, read=breaks))
    with pytest.raises(AssertionError):
        of_system.test_the_documented_event_is_one(crashing)
    unheard = replace(TRACKER, webhook=lambda _: replace(webhook, places=frozenset()))
    with pytest.raises(AssertionError):
        of_system.test_the_documented_event_is_one(unheard)
    blind = replace(TRACKER, check=lambda _: iter([good("all is well")]))
    with pytest.raises(AssertionError):
        of_system.test_a_check_tells_of_an_account_that_is_not_let_in_and_not_its_secret(blind, site)
    chatty = replace(TRACKER, check=lambda _: iter([wrong(f"no {site.secrets[0]}", "")]))
    with pytest.raises(AssertionError):
        of_system.test_a_check_tells_of_an_account_that_is_not_let_in_and_not_its_secret(chatty, site)

    def writes(settings: Any) -> Any:
        question = TicketRequest(label="gov-x", kind="review", summary="May it?", body=[])
        yield good(site.adapter().create(question).key)

    with pytest.raises(AssertionError):
        of_system.test_a_check_writes_nothing(replace(TRACKER, check=writes), site)
    misnamed = replace(TRACKER, provider="another")
    question = TicketRequest(label="gov-y", kind="review", summary="May it?", body=[])
    with pytest.raises(AssertionError):
        of_system.test_the_adapters_tickets_bear_its_name_and_keys_that_can_be_asked_for(
            misnamed, site.adapter(), question
        )
