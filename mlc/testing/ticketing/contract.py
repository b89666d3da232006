"""The contract of the Ticketing port. A further system is one more parameter of the fixture ``site``."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from mlc.model.failure import Refused
from mlc.model.ticket import Answer, TicketKind, TicketRef
from mlc.testing.ticketing.additions import AdditionContract
from mlc.testing.ticketing.site import LABEL, Site
from mlc.ticketing import Section, Ticketing, TicketRequest
from mlc.ticketing.port import NOBODY_WAITS


class TicketingContract(AdditionContract):
    """What the port promises, kept by the system of the fixture ``site``."""

    def test_a_created_ticket_is_found_by_its_label_and_waits(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        assert tickets.find(LABEL) == [ref]
        assert ref.provider == tickets.provider
        assert ref.label == LABEL
        assert ref.url.startswith(site.url)
        state = tickets.get(ref)
        assert state.answer is Answer.PENDING
        assert state.version
        assert state.decided_by is None
        assert state.expiration is None

    def test_an_unknown_label_finds_nothing(self, tickets: Ticketing) -> None:
        assert tickets.find("gov-000000000000000000000000") == []

    @pytest.mark.parametrize("label", ['x" OR project = SECRET', "a^ORstate=1", "a b", "é", "", "x" * 256, "a\n"])
    def test_a_label_that_could_end_a_query_is_refused(
        self, site: Site, tickets: Ticketing, question: TicketRequest, label: str
    ) -> None:
        ref = TicketRef(provider=tickets.provider, id="1", key="MLR-1", url="", label=label)
        for call in (
            lambda: tickets.find(label),
            lambda: tickets.create(question.model_copy(update={"label": label})),
            lambda: tickets.get_many([ref]),
            lambda: tickets.comment(ref, label, "said"),
        ):
            with pytest.raises(Refused, match="letters, digits"):
                call()
        assert site.faults.requests.count(f"POST {site.creation}") == 0

    @pytest.mark.parametrize(
        ("happens", "answer"),
        [
            ("approve", Answer.APPROVED),
            ("reject", Answer.REJECTED),
            ("withdraw", Answer.UNDECIDED),
            ("work_on", Answer.PENDING),
        ],
    )
    def test_what_people_do_becomes_an_answer(
        self, site: Site, tickets: Ticketing, question: TicketRequest, happens: str, answer: Answer
    ) -> None:
        ref = tickets.create(question)
        before = tickets.get(ref)
        getattr(site, happens)(ref)
        state = tickets.get(ref)
        assert state.answer is answer
        assert (state.status, state.resolution) != (before.status, before.resolution)
        assert tickets.get_many([ref])[LABEL].answer is answer

    def test_the_decider_and_their_last_comment_come_with_the_answer(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        site.say(ref, "looks fine at first", by="ada")
        site.say(ref, "AUC is good enough for prod", by="ada")
        site.say(ref, "I am not the decider", by="bob")
        tickets.comment(ref, "e1", "said by the process")
        site.approve(ref)
        state = tickets.get(ref)
        assert state.decided_by is not None
        assert state.decided_by.startswith("ada")
        assert state.decided_at is not None
        assert state.decided_at.tzinfo is not None
        assert state.reason == "AUC is good enough for prod"

    def test_a_reopened_ticket_is_pending_again_with_nobody_as_its_decider(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        site.reject(ref)
        site.reopen(ref)
        state = tickets.get(ref)
        assert state.answer is Answer.PENDING
        assert state.decided_by is None

    def test_a_decision_that_was_taken_back_and_taken_anew_is_the_last_ones(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        site.say(ref, "fine", by="ada")
        site.approve(ref, by="ada")
        site.reopen(ref)
        site.say(ref, "fine now", by="bob")
        site.approve(ref, by="bob")
        state = tickets.get(ref)
        assert (state.decided_by or "").startswith("bob")
        assert state.reason == "fine now"

    def test_every_change_gives_another_version_and_both_ways_of_reading_agree_on_it(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        versions = [tickets.get(ref).version]
        changes: list[Callable[[], None]] = [
            lambda: site.say(ref, "a"),
            lambda: site.say(ref, "b"),
            lambda: site.approve(ref),
        ]
        if site.dated:
            changes.append(lambda: site.set_expiration(ref, "2099-01-01"))
        for change in changes:
            change()
            versions.append(tickets.get(ref).version)
            assert tickets.get_many([ref])[LABEL].version == versions[-1]
        assert len(set(versions)) == len(versions)

    def test_a_deleted_ticket_is_gone_and_left_out_of_a_batch(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        other = tickets.create(question.model_copy(update={"label": "gov-b"}))
        site.delete(ref)
        assert tickets.get(ref).answer is Answer.GONE
        assert set(tickets.get_many([ref, other])) == {"gov-b"}
        assert tickets.find(LABEL) == []

    def test_many_are_read_with_one_request_for_each_fifty(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        refs = [tickets.create(question.model_copy(update={"label": f"gov-{n:024x}"})) for n in range(51)]
        site.approve(refs[50])
        tickets.get_many(refs[:1])
        site.faults.requests.clear()
        states = tickets.get_many(refs)
        assert len(states) == 51
        assert states[refs[50].label].answer is Answer.APPROVED
        assert len(site.faults.requests) <= 2

    def test_a_reference_by_key_alone_will_do_for_reading(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        by_key = ref.model_copy(update={"id": ref.key, "url": ""})
        assert tickets.get(by_key) == tickets.get(ref)
        assert tickets.get_many([by_key]) == tickets.get_many([ref]) != {}

    def test_reading_no_tickets_asks_nothing(self, site: Site, tickets: Ticketing) -> None:
        assert tickets.get_many([]) == {}
        assert site.faults.requests == []

    def test_a_future_expiration_date_is_read(self, site: Site, tickets: Ticketing, question: TicketRequest) -> None:
        if not site.dated:
            pytest.skip("tickets of this kind have no such field")
        ref = tickets.create(question)
        site.set_expiration(ref, "2099-12-31")
        state = tickets.get(ref)
        assert state.expiration == date(2099, 12, 31)
        assert state.expiration_problem is None
        assert tickets.get_many([ref])[LABEL].expiration == date(2099, 12, 31)

    def test_a_past_expiration_date_is_a_problem_in_words(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        if not site.dated:
            pytest.skip("tickets of this kind have no such field")
        ref = tickets.create(question)
        site.set_expiration(ref, (datetime.now(UTC) - timedelta(days=2)).date().isoformat())
        state = tickets.get(ref)
        assert state.expiration is None
        assert state.expiration_problem is not None
        assert "past" in state.expiration_problem

    def test_closing_withdraws_an_open_ticket_once_and_says_why(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        for _ in range(2):
            assert tickets.close(ref, "cancelled", "The run was cancelled.") is None
        state = tickets.get(ref)
        assert state.status == site.withdrawn
        assert state.answer is Answer.UNDECIDED
        (said,) = site.comments(ref)
        assert "The run was cancelled." in said
        assert NOBODY_WAITS in said

    def test_closing_leaves_a_decision_as_it_is(self, site: Site, tickets: Ticketing, question: TicketRequest) -> None:
        ref = tickets.create(question)
        site.approve(ref)
        assert tickets.close(ref, "cancelled", "The run was cancelled.") is None
        assert tickets.get(ref).answer is Answer.APPROVED

    def test_closing_a_ticket_that_is_gone_is_no_error(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        site.delete(ref)
        for one in (ref, ref, ref.model_copy(update={"id": ref.key})):
            assert tickets.close(one, "cancelled", "The run was cancelled.") is None

    def test_a_clone_that_carries_the_label_is_not_ours(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        for _ in range(6):
            site.copy(LABEL)
        site.approve(ref)
        assert tickets.find(LABEL) == [ref]
        assert tickets.get_many([ref])[LABEL].answer is Answer.APPROVED

    def test_a_long_ticket_is_cut_and_keeps_its_last_section(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        body = [Section(heading="Text", paragraphs=["word " * 20_000]), Section(paragraphs=["Key: k-1"])]
        ref = tickets.create(question.model_copy(update={"body": body, "summary": "long\nsummary " * 100}))
        summary, description = site.text(ref)
        assert len(description) <= tickets.wording(TicketKind(site.kind)).room
        assert description.endswith("Key: k-1")
        assert "does not fit" in description
        assert len(summary) <= 255

    def test_the_wording_fits_the_system(self, site: Site, tickets: Ticketing, question: TicketRequest) -> None:
        tickets.create(question)
        wording = tickets.wording(TicketKind(site.kind))
        assert wording.yes
        assert wording.no
        assert wording.how
        assert wording.expiration_field == ("Expiration Date" if site.dated else None)

    def test_two_tickets_under_one_label_are_both_found_the_older_one_first(
        self, tickets: Ticketing, question: TicketRequest
    ) -> None:
        refs = [tickets.create(question) for _ in range(2)]
        assert tickets.find(LABEL) == refs

    def test_what_changed_comes_with_its_state_the_one_longest_ago_first(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        assert tickets.changed(60, 10) == []
        refs = [tickets.create(question.model_copy(update={"label": f"gov-{n:024x}"})) for n in range(3)]
        site.approve(refs[1])
        site.reject(refs[0])
        found = {ticket.ref.label: ticket for ticket in tickets.changed(60, 10)}
        assert [found[ref.label].state.answer for ref in refs] == [Answer.REJECTED, Answer.APPROVED, Answer.PENDING]
        assert [found[ref.label].ref for ref in refs] == refs
        times = [ticket.updated for ticket in tickets.changed(60, 10)]
        assert times == sorted(times)
        assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=5) for at in times)
        assert len(tickets.changed(60, 2)) == 2

    def test_what_changed_is_looked_for_in_any_span(self, tickets: Ticketing, question: TicketRequest) -> None:
        ref = tickets.create(question)
        for minutes in (1, 60, 9_999, 10_000, 500_000):
            assert [ticket.ref for ticket in tickets.changed(minutes, 10)] == [ref]

    def test_a_ticket_keeps_what_the_process_noted_and_a_copy_of_it_does_not_pass_for_it(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        noted = {"snapshot_id": "s-1", "workflow_id": "deploy-s-1"}
        ref = tickets.create(question.model_copy(update={"properties": noted}))
        kept = tickets.properties(ref)
        if not kept:
            pytest.skip("this system keeps none")
        assert kept.items() >= {**noted, "label": LABEL}.items()
        site.copy(LABEL)
        copies = [ticket.ref for ticket in tickets.changed(60, 10) if ticket.ref.key != ref.key]
        assert [tickets.properties(copy) for copy in copies] == [{}] * len(copies)
        site.delete(ref)
        assert [ticket.ref.key for ticket in tickets.changed(60, 10) if ticket.ref.key == ref.key] == []
