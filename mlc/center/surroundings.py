"""A snapshot with what there is around it, as far as somebody needs it: each is asked for once, or came along."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from mlc.model.deployment import DeploymentRecord, Runtime
from mlc.model.result import TestResultRecord
from mlc.model.snapshot import Snapshot


class Beside(StrEnum):
    """What a step is going to need beside a snapshot. A centre that can brings it along in the same answer."""

    DEPLOYMENTS = "deployments"
    RUNTIMES = "runtimes"
    MONITORS = "monitors"


class Surroundings(Protocol):
    """All of it is of the time when the snapshot was read, or later."""

    @property
    def snapshot(self) -> Snapshot:
        """Open."""
        ...

    async def deployments(self) -> list[DeploymentRecord]:
        """Those of the snapshot's model, newest first, in every state; of no model, the snapshot's own alone."""
        ...

    async def runtimes(self) -> list[Runtime]: ...

    async def test_result(self, result_id: str) -> TestResultRecord:
        """As ``Ledger.get_test_result``."""
        ...

    async def monitors(self, names: Collection[str]) -> Mapping[str, Snapshot]:
        """By name the newest snapshots of these monitors, as far as the centre has them: open, like the snapshot."""
        ...


class Tested(NamedTuple):
    """A test result as it is kept, and the snapshot that it is of as it is then: open."""

    result: TestResultRecord
    snapshot: Snapshot
