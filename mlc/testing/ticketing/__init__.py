"""What every ticket system's adapter has to keep. For another one, in a test file of its own::

from mlc.testing.ticketing import TicketingContract, TicketingFaults, TicketSystemContract

@pytest.fixture
def site() -> Iterator[Site]: ...  # mlc.testing.ticketing.site.Site: the system, and what people do there

@pytest.fixture
def system() -> TicketSystem[Any]: ...  # what the registry lists

class TestContract(TicketingContract): ...
class TestFaults(TicketingFaults): ...
class TestSystem(TicketSystemContract): ...
"""

import pytest

# Before they are imported: pytest then tells what was compared where an assertion fails.
pytest.register_assert_rewrite(
    *(f"mlc.testing.ticketing.{part}" for part in ("additions", "contract", "faults", "system"))
)

from mlc.testing.ticketing.contract import TicketingContract  # noqa: E402
from mlc.testing.ticketing.faults import TicketingFaults  # noqa: E402
from mlc.testing.ticketing.site import LABEL, Site  # noqa: E402
from mlc.testing.ticketing.system import TicketSystemContract  # noqa: E402

__all__ = ["LABEL", "Site", "TicketSystemContract", "TicketingContract", "TicketingFaults"]
