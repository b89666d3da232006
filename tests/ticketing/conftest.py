"""Desks on free ports, and the adapters that talk to them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_harness import LABEL, Desks, RunningDesk
from sites import ChangeSite, IncidentSite, JiraSite

from mlc.testing.ticketing import Site
from mlc.ticketing import Section, TicketRequest


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    starter = Desks(tmp_path)
    yield starter
    starter.stop_all()


@pytest.fixture(params=["cloud", "server"])
def desk(request: pytest.FixtureRequest, desks: Desks) -> RunningDesk:
    return desks.start(deployment=request.param)


@pytest.fixture(params=["Jira Cloud", "Jira Data Center", "ServiceNow change", "ServiceNow incident"])
def site(request: pytest.FixtureRequest, desks: Desks) -> Site:
    """Every ticket system whose adapter keeps the contract."""
    match request.param:
        case "Jira Cloud":
            return JiraSite(desks.start(deployment="cloud"))
        case "Jira Data Center":
            return JiraSite(desks.start(deployment="server"))
        case "ServiceNow change":
            return ChangeSite(desks.start())
        case _:
            return IncidentSite(desks.start())


@pytest.fixture
def question(request: pytest.FixtureRequest) -> TicketRequest:
    """What is asked; of the kind that the test's site, if it has one, is about."""
    kind = request.getfixturevalue("site").kind if "site" in request.fixturenames else "review"
    body = [Section(heading="What is asked", paragraphs=["May it be deployed?"], facts=[("Model", "fraud-xgb")])]
    return TicketRequest(label=LABEL, kind=kind, summary="[Model approval] fraud-xgb", body=body)


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set up in the environment."""
    for name in [name for name in os.environ if name.startswith("MLC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
