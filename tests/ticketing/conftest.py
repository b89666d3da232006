"""A desk on a free port, behaving as Jira Cloud or as Jira Data Center, and the adapter that talks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_harness import LABEL, Desks, RunningDesk

from mlc.ticketing import Section, TicketRequest
from mlc.ticketing.jira import JiraTicketing


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    starter = Desks(tmp_path)
    yield starter
    starter.stop_all()


@pytest.fixture(params=["cloud", "server"])
def desk(request: pytest.FixtureRequest, desks: Desks) -> RunningDesk:
    return desks.start(deployment=request.param)


@pytest.fixture
def tickets(desk: RunningDesk) -> JiraTicketing:
    return desk.adapter()


@pytest.fixture
def question() -> TicketRequest:
    body = [Section(heading="What is asked", paragraphs=["May it be deployed?"], facts=[("Model", "fraud-xgb")])]
    return TicketRequest(label=LABEL, kind="review", summary="[Model approval] fraud-xgb", body=body)
