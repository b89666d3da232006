"""What every model centre's adapter has to keep, catalogue and ledger apart. For another one, in a test file::

from mlc.testing.center import CatalogueContract, JobContract, LedgerContract

@pytest.fixture
def center() -> AsyncIterator[Catalogue]: ...  # an adapter of an empty centre; a Ledger for the other two

@pytest.fixture
def monitored(center) -> Monitored: ...  # has a monitor's test result written, as the centre itself would

class TestCatalogue(CatalogueContract): ...
class TestJobs(JobContract): ...
class TestLedger(LedgerContract): ...

A ledger's tests need snapshots, which they make with the same ``center``: it must be a catalogue, too.
"""

import pytest

# Before they are imported: pytest then tells what was compared where an assertion fails.
pytest.register_assert_rewrite(*(f"mlc.testing.center.{part}" for part in ("catalogue", "jobs", "ledger", "models")))

from mlc.testing.center.catalogue import CatalogueContract  # noqa: E402
from mlc.testing.center.jobs import JobContract  # noqa: E402
from mlc.testing.center.ledger import LedgerContract  # noqa: E402
from mlc.testing.center.models import Monitored  # noqa: E402

__all__ = ["CatalogueContract", "JobContract", "LedgerContract", "Monitored"]
