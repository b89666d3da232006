"""What can go wrong with Jira alone: its project, its lagging index."""

import pytest
from desk_harness import LABEL, RunningDesk

from mlc.model.failure import Refused
from mlc.ticketing import TicketRequest


def test_a_project_that_is_not_there_is_refused(desk: RunningDesk, question: TicketRequest) -> None:
    with pytest.raises(Refused, match="project"):
        desk.adapter(project="NOPE").create(question)


def test_a_lagging_index_hides_a_new_ticket_from_find_but_not_from_get(
    desk: RunningDesk, question: TicketRequest
) -> None:
    tickets = desk.adapter()
    desk.parts.index_lag = 60
    ref = tickets.create(question)
    assert tickets.find(LABEL) == []
    assert tickets.get(ref).status == "To Do"
    desk.parts.index_lag = 0
    assert tickets.find(LABEL) == [ref]
