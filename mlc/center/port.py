"""A model centre that is both: a catalogue of models and the ledger of what happens to them."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mlc.center.catalogue import Catalogue
from mlc.center.ledger import Ledger
from mlc.center.surroundings import Beside, Surroundings, Tested
from mlc.model.result import TestResultRecord


class Center(Catalogue, Ledger, Protocol):
    """What the processes work with. One adapter may give both halves, or two may be put together."""

    def open_surroundings(
        self, snapshot_id: str, *beside: Beside, result_id: str | None = None, contents: bool = True
    ) -> AbstractAsyncContextManager[Surroundings]:
        """As ``open_snapshot``, with what is around the snapshot.

        Args:
            beside: what will be asked for.
            result_id: the test result that will be asked for.
            contents: False: nothing has to be known but what ``get_snapshot`` tells; nothing is open.

        Raises:
            NotFound: there is no such snapshot.
        """
        ...

    def open_tested(self, result: TestResultRecord) -> AbstractAsyncContextManager[Tested]:
        """As ``keep_test_result``, and ``open_snapshot`` of what the result is of: it is judged next.

        Raises:
            NotFound: there is no such snapshot; the result is kept.
        """
        ...
