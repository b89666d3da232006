"""What the tests of `mlc check` need of a site, and ways to break it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from servers import eventually
from starlette.responses import JSONResponse
from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from mlc.center.modelop.client import ModelManage
from mlc.check.report import check_everything
from mlc.model.finding import Finding, Mark
from mlc.model.processes import TASK_QUEUE
from mlc.model.ticket import ticket_queue
from mlc.namespace import setup
from mlc.settings import ProcessSettings
from mlc.standalone.faults import Effect, Faults

CENTER_TOKEN, JIRA_TOKEN = "a-token-of-the-centre", "a-token-of-the-desk"
SECRETS = (CENTER_TOKEN, JIRA_TOKEN, "a-webhook-secret", "a-gateway-token")


@activity.defn
async def nothing() -> None: ...


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=30))


async def bare_namespace(client: Client, name: str) -> Client:
    """A new namespace with nothing in it, when the server knows it everywhere."""
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=Duration(seconds=86_400))
    )
    inside = await Client.connect(client.service_client.config.target_host, namespace=name)

    async def known() -> bool:
        try:
            return await inside.count_workflows() is not None
        except RPCError:
            return False

    await eventually(known, seconds=60)
    return inside


async def namespace_of(client: Client, name: str) -> Client:
    """A new namespace that `mlc setup` was run on."""
    inside = await bare_namespace(client, name)
    await setup(inside, ProcessSettings())
    return inside


@asynccontextmanager
async def polling(client: Client, *queues: str) -> AsyncIterator[None]:
    """Workers on our task queues, or these, as long as the context lasts, and until Temporal has heard of them."""
    runner = UnsandboxedWorkflowRunner()
    async with AsyncExitStack() as stack:
        for queue in queues or (TASK_QUEUE, ticket_queue(TASK_QUEUE)):
            await stack.enter_async_context(
                Worker(client, task_queue=queue, workflows=[Nothing], activities=[nothing], workflow_runner=runner)
            )
            await client.execute_workflow(Nothing.run, id=f"first-{queue}", task_queue=queue)
        yield


class Gate:
    """In front of the centre: paths of ``closed`` are not let through, those of ``answers`` are answered here."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.closed: dict[str, int] = {}
        self.answers: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "").removeprefix("/model-manage/api").strip("/")
        if path in self.answers:
            await JSONResponse(self.answers[path])(scope, receive, send)
        elif status := next((status for start, status in self.closed.items() if path.startswith(start)), None):
            await JSONResponse({"message": "closed"}, status)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


@dataclass
class Site:
    center: ModelManage
    gate: Gate
    faults: Faults
    monkeypatch: pytest.MonkeyPatch

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)

    def jira_answers(self, path: str, body: str, status: int = 200) -> None:
        headers = {"Content-Type": "application/json"}
        self.faults.add(Effect.ANSWER, path=path, status=status, body=body, headers=headers)

    async def findings(self) -> list[Finding]:
        """Everything that `mlc check` says of a site, which never holds a secret; not of the machine that it is on."""
        sections = [each for each in await check_everything() if each.title != "Runtimes on this machine"]
        found = [finding for section in sections for finding in section.findings]
        assert not any(secret in f"{finding.what} {finding.remedy}" for finding in found for secret in SECRETS)
        return found

    async def flaws(self) -> list[Finding]:
        """What is wrong, or a warning."""
        return [finding for finding in await self.findings() if finding.mark in {Mark.WRONG, Mark.WARNING}]
