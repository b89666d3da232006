"""What every model centre's adapter has to keep, catalogue, ledger and both together. For another one, in a test file::

from mlc.testing.center import CatalogueContract, JobContract, LedgerContract, OnlineRequestContract
from mlc.testing.center import PolicyContract, SurroundingsContract, TruthContract

@pytest.fixture
def center() -> AsyncIterator[Catalogue]: ...  # an adapter of an empty centre; a Ledger for the next two, then a Center

@pytest.fixture
def monitored(center) -> Monitored: ...  # has a monitor's test result written, as the centre itself would

class TestCatalogue(CatalogueContract): ...
class TestJobs(JobContract): ...
class TestLedger(LedgerContract): ...
class TestOnlineRequests(OnlineRequestContract): ...
class TestPolicies(PolicyContract): ...
class TestSurroundings(SurroundingsContract): ...
class TestTruth(TruthContract): ...

The suite of surroundings holds what brings several things in one answer to what each of them says by itself.
A ledger's tests need snapshots, which they make with the same ``center``: it must be a catalogue, too.
"""

import pytest

_PARTS = ("catalogue", "jobs", "ledger", "models", "online_requests", "policies", "surroundings", "truth")
# Before they are imported: pytest then tells what was compared where an assertion fails.
pytest.register_assert_rewrite(*(f"mlc.testing.center.{part}" for part in _PARTS))

from mlc.testing.center.catalogue import CatalogueContract  # noqa: E402
from mlc.testing.center.jobs import JobContract  # noqa: E402
from mlc.testing.center.ledger import LedgerContract  # noqa: E402
from mlc.testing.center.models import Monitored  # noqa: E402
from mlc.testing.center.online_requests import OnlineRequestContract  # noqa: E402
from mlc.testing.center.policies import PolicyContract  # noqa: E402
from mlc.testing.center.surroundings import SurroundingsContract  # noqa: E402
from mlc.testing.center.truth import TruthContract  # noqa: E402

__all__ = [
    "CatalogueContract",
    "JobContract",
    "LedgerContract",
    "Monitored",
    "OnlineRequestContract",
    "PolicyContract",
    "SurroundingsContract",
    "TruthContract",
]
