"""What is added to a ticket: comments, attachments and links, each of them once."""

from collections.abc import Callable

import pytest

from mlc.model.failure import NotFound
from mlc.testing.ticketing.site import OnSite, Site
from mlc.ticketing import Attachment, Ticketing, TicketRequest


class AdditionContract(OnSite):
    """The part of ``TicketingContract`` about that."""

    def test_a_comment_is_added_once_for_an_event(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        for event in ("run-1", "run-1", "run-10", "run-1"):
            tickets.comment(ref, event, f"about {event}")
        bodies = site.comments(ref)
        assert len(bodies) == 2
        assert all("gov-event:run-1" in body for body in bodies)

    def test_a_mark_is_found_among_hundreds_of_comments(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        tickets.comment(ref, "first", "ours")
        for n in range(120):
            site.say(ref, f"chatter {n}")
        tickets.comment(ref, "first", "ours")
        assert len(site.comments(ref)) == 121

    def test_an_attachment_is_added_once_by_name(self, site: Site, tickets: Ticketing, question: TicketRequest) -> None:
        ref = tickets.create(question)
        for content in (b'{"auc": 0.9}', b"other"):
            tickets.attach(ref, Attachment(name="results-ab12.json", content=content))
        assert site.files(ref) == [b'{"auc": 0.9}']

    def test_a_link_is_replaced_by_its_global_id(self, site: Site, tickets: Ticketing, question: TicketRequest) -> None:
        ref = tickets.create(question)
        tickets.link(ref, "run", "http://127.0.0.1/old", "Run")
        tickets.link(ref, "run", "http://127.0.0.1/new", "Run in the Temporal UI")
        tickets.link(ref, "center", "http://127.0.0.1/model", "Model")
        tickets.link(ref, "center", "http://127.0.0.1/model", "Model")
        assert site.links(ref) == ["http://127.0.0.1/new", "http://127.0.0.1/model"]

    def test_a_comment_on_a_ticket_that_is_gone_says_so(
        self, site: Site, tickets: Ticketing, question: TicketRequest
    ) -> None:
        ref = tickets.create(question)
        site.delete(ref)
        calls: list[Callable[[], None]] = [
            lambda: tickets.comment(ref, "e", "text"),
            lambda: tickets.attach(ref, Attachment(name="a.json", content=b"{}")),
        ]
        for call in calls:
            with pytest.raises(NotFound):
                call()
