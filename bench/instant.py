"""A model centre that answers at once, in the worker's own process, and a worker of the project's processes on it.

python bench/instant.py ADDRESS    that worker on the Temporal server at ADDRESS, until it is ended

Every snapshot id is one of a model of its own, which asks for nothing by tags: the automatic path of DeployModel.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from mlc.center import Beside, Capability, Center, NewDeployment
from mlc.center.ledger import After
from mlc.model.asset import Asset, AssetRole
from mlc.model.decision import DecisionRecord
from mlc.model.deployment import DeploymentRecord, DeploymentState, Runtime
from mlc.model.file import FileRules
from mlc.model.monitor_plan import CLASSIFICATION
from mlc.model.notification import Notification
from mlc.model.snapshot import Model, Monitor, Snapshot, Submission

RUNTIME = Runtime(id="batch-runtime", name="batch-runtime", stage="PROD", platforms={"python": "3.12"})
FILES = [
    Asset(name=f"file-{number}", role=role, size=100, sha256=f"{number:064x}")
    for number, role in enumerate([AssetRole.MODEL_SOURCE, AssetRole.WEIGHTS_FILE, AssetRole.TRAINING_DATA])
]
NOW = datetime.now(UTC)


class Around(NamedTuple):
    """A snapshot that asks for no monitors, with its deployments and the one runtime."""

    snapshot: Snapshot
    made: list[DeploymentRecord]

    async def deployments(self) -> list[DeploymentRecord]:
        return self.made

    async def runtimes(self) -> list[Runtime]:
        return [RUNTIME]

    async def monitors(self, _: Collection[str]) -> dict[str, Snapshot]:
        return {}


class InstantCenter:
    """As much of the port of a centre as DeployModel's automatic path asks for."""

    text_limit = 1024 * 1024
    capabilities: Collection[Capability] = frozenset(Capability)

    def __init__(self) -> None:
        self._deployments: dict[str, DeploymentRecord] = {}
        self._of_model: dict[str, list[str]] = {}
        self._numbers = itertools.count()

    def own_id(self, snapshot_id: str) -> str:
        return snapshot_id

    def page_of(self, _: str) -> None:
        return None

    async def get_snapshot(self, snapshot_id: str) -> Snapshot:
        model = Model(id=f"model-of-{snapshot_id}", name="credit", methodology="Classification", stage="PROD")
        monitors = [Monitor(name=name) for name in CLASSIFICATION]
        return Snapshot(id=snapshot_id, name="credit-1", created=NOW, model=model, assets=FILES, monitors=monitors)

    @asynccontextmanager
    async def open_snapshot(self, snapshot_id: str) -> AsyncIterator[Snapshot]:
        yield await self.get_snapshot(snapshot_id)

    async def record_submission(self, snapshot: Snapshot, submission: Submission) -> None: ...

    async def list_runtimes(self) -> list[Runtime]:
        return [RUNTIME]

    async def list_deployments(self, *, model_id: str = "", snapshot_id: str = "", **_: Any) -> list[DeploymentRecord]:
        ids = self._of_model.get(model_id or f"model-of-{snapshot_id}", [])
        return [self._deployments[id_] for id_ in reversed(ids)]

    async def create_deployment(self, new: NewDeployment) -> DeploymentRecord:
        made = DeploymentRecord(
            id=f"deployment-{next(self._numbers)}",
            created=datetime.now(UTC),
            state=DeploymentState.DEPLOYED,
            snapshot_id=new.snapshot.id,
            snapshot_created=new.snapshot.created,
            model_id=new.snapshot.model.id,
            stage=new.stage,
            key=new.key,
            placed=new.rank,
            provisional=new.rank is not None,
            snapshot=new.snapshot,
        )
        self._deployments[made.id] = made
        self._of_model.setdefault(made.model_id, []).append(made.id)
        return made

    async def get_deployment(self, deployment_id: str) -> DeploymentRecord:
        return self._deployments[deployment_id]

    @asynccontextmanager
    async def open_deployment(self, deployment_id: str) -> AsyncIterator[DeploymentRecord]:
        yield self._deployments[deployment_id]

    @asynccontextmanager
    async def open_surroundings(self, snapshot_id: str, *_: Beside, **__: Any) -> AsyncIterator[Around]:
        snapshot = await self.get_snapshot(snapshot_id)
        yield Around(snapshot, await self.list_deployments(model_id=snapshot.model.id))

    async def confirm_deployment(self, deployment_id: str, *, beside: bool = False) -> After:
        known = self._deployments[deployment_id]
        after = self._deployments[deployment_id] = known.model_copy(update={"provisional": False})
        return After(after, await self.list_deployments(model_id=known.model_id) if beside else None)

    async def append_decision(self, record: DecisionRecord) -> DecisionRecord:
        return record

    async def list_notifications(self, **_: Any) -> list[Notification]:
        return []

    async def create_notification(self, notification: Notification, **_: Any) -> Notification:
        return notification


async def main(address: str) -> None:
    from temporalio.client import Client

    from mlc.settings import ProcessSettings
    from mlc.ticketing import registry
    from mlc.ticketing.jira.settings import JiraSettings
    from mlc.worker import MlcPlugin, activities_of, new_worker

    tickets = registry.set_up(JiraSettings(url="http://127.0.0.1:9", user="bench", token="bench-token"))
    with ThreadPoolExecutor(2) as threads:
        center = cast(Center, InstantCenter())
        activities = activities_of(center, tickets, threads, process=ProcessSettings(), files=FileRules())
        client = await Client.connect(address, plugins=[MlcPlugin(activities)])
        async with new_worker(client):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
