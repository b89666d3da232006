"""The suites of mlc.testing, run for every ticket system whose adapter is here."""

from typing import Any

import pytest
from sites import JiraSite

from mlc.testing.ticketing import Site, TicketingContract, TicketingFaults, TicketSystemContract
from mlc.ticketing.jira import JIRA
from mlc.ticketing.servicenow import SERVICENOW
from mlc.ticketing.system import TicketSystem


@pytest.fixture
def system(site: Site) -> TicketSystem[Any]:
    return JIRA if isinstance(site, JiraSite) else SERVICENOW


class TestContract(TicketingContract):
    pass


class TestFaults(TicketingFaults):
    pass


class TestSystem(TicketSystemContract):
    @pytest.fixture(autouse=True)
    def no_settings_of_this_machine(self, no_variables: None) -> None:
        """Nothing is set up here."""
