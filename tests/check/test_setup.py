"""What `mlc setup` brings a namespace, and what a worker does without it."""

import asyncio
from datetime import timedelta

import pytest
from check_site import bare_namespace
from servers import eventually
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from mlc.namespace import keep_closed_runs, set_up_jobs, setup
from mlc.settings import ProcessSettings
from mlc.worker import NotConfigured, check_addresses, running_worker
from tests.fuzz.answering import Answer, answering

DAY = timedelta(days=1)


async def kept(client: Client) -> timedelta:
    """How long the namespace keeps closed runs."""
    answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return answer.config.workflow_execution_retention_ttl.ToTimedelta()


async def test_setup_raises_the_retention_and_never_shortens_it(
    dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await bare_namespace(dev_server.client, "retention")
    assert await kept(client) == DAY
    raised = (await setup(client, ProcessSettings()))[-1]
    assert raised == "retention: closed runs are kept for 30 days from now on, not for 1 day"
    assert await kept(client) == 30 * DAY
    monkeypatch.setenv("MLC_RETENTION", "P7D")
    assert (await setup(client, ProcessSettings()))[-1] == "retention: closed runs are kept for 30 days"
    assert await kept(client) == 30 * DAY


async def test_a_retention_that_the_server_cuts_is_told_as_it_is(dev_server: WorkflowEnvironment) -> None:
    client = await bare_namespace(dev_server.client, "retention-cut")
    line = await keep_closed_runs(client, 5_000_000 * DAY)
    assert line == f"retention: closed runs are kept for {(await kept(client)).days} days from now on, not for 1 day"


async def test_where_the_server_does_not_allow_another_retention_setup_says_so_and_goes_on(
    dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await bare_namespace(dev_server.client, "retention-refused")

    async def refused(_: UpdateNamespaceRequest) -> None:  # as Temporal Cloud does; a development server never refuses
        raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")

    monkeypatch.setattr(client.workflow_service, "update_namespace", refused)
    assert (await setup(client, ProcessSettings()))[-1] == (
        "retention: closed runs are kept for 1 day only, and the server does not let this account raise it to 30 days "
        "(Request unauthorized.): do so where the namespace is administered"
    )


async def test_setup_makes_the_namespace_of_jobs_once(dev_server: WorkflowEnvironment) -> None:
    client = dev_server.client
    (made,) = await set_up_jobs(client, "made-for-jobs", 7 * DAY)
    assert made == "RunJob's namespace made-for-jobs: was made; closed runs are kept for 7 days"
    inside = await Client.connect(client.service_client.config.target_host, namespace="made-for-jobs")
    assert (await inside.count_workflows()).count == 0, "it can be used at once"
    (there,) = await set_up_jobs(client, "made-for-jobs", 30 * DAY)
    assert there == "RunJob's namespace made-for-jobs: is there; closed runs are kept for 7 days"
    assert await set_up_jobs(client, None, DAY) == []
    assert await set_up_jobs(client, client.namespace, DAY) == []


async def test_two_who_set_up_the_namespace_of_jobs_at_once_are_both_right(dev_server: WorkflowEnvironment) -> None:
    lines = await asyncio.gather(*(set_up_jobs(dev_server.client, "made-by-two", DAY) for _ in range(4)))
    assert {line.split(": ")[0] for (line,) in lines} == {"RunJob's namespace made-by-two"}


@pytest.mark.parametrize("status", [RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED])
async def test_where_the_server_makes_no_namespace_setup_says_who_must(
    dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode
) -> None:
    async def refused(_: RegisterNamespaceRequest) -> None:  # as Temporal Cloud does
        raise RPCError("Request unauthorized.", status, b"")

    monkeypatch.setattr(dev_server.client.workflow_service, "register_namespace", refused)
    (line,) = await set_up_jobs(dev_server.client, "never-made", DAY)
    assert "never-made: is not there, and the server does not let this account make it (Request unauthorized.)" in line
    assert "make it where namespaces are administered" in line


async def test_a_worker_refuses_a_namespace_that_was_not_set_up(
    dev_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await bare_namespace(dev_server.client, "not-set-up")
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    monkeypatch.setenv("MLC_JIRA_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    with pytest.raises(NotConfigured, match=r"Namespace nowhere is not found\. Create it, or set TEMPORAL_NAMESPACE"):
        async with running_worker():
            pass
    monkeypatch.setenv("TEMPORAL_NAMESPACE", client.namespace)
    lacking = "'not-set-up' lacks the search attributes MlcModel, MlcPhase, MlcStage, MlcTickets: run `mlc setup`"
    with pytest.raises(NotConfigured, match=lacking):
        async with running_worker():
            pass
    await setup(client, ProcessSettings())
    async with running_worker() as worker:

        async def runs() -> bool:
            return worker.is_running

        await eventually(runs)


@pytest.mark.parametrize("prefix", ["MLC_JIRA", "MLC_SERVICENOW"])
async def test_a_worker_refuses_a_ticket_system_whose_address_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv("MLC_TICKETING", prefix.removeprefix("MLC_").lower())
    with answering(lambda _, path: Answer(301, b"", (("Location", f"https://tickets.example.org{path}"),))) as site:
        monkeypatch.setenv(f"{prefix}_URL", site.url)
        says = f"it redirects to https://tickets.example.org: set {prefix}_URL to that."
        with pytest.raises(NotConfigured, match=says):
            async with running_worker():
                pass
        assert len(site.requests) == 1
        assert site.requests[0].startswith("GET ")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            Answer(302, b"", (("Location", "https://sso.example.org/login"),)),
            "redirects to https://sso.example.org/login",
        ),
        (Answer(401), "are user and token right"),
        (Answer(503), ""),
        (Answer(raw=b""), ""),
    ],
)
async def test_a_worker_says_what_a_ticket_system_refuses_and_does_not_wait_for_one_that_is_down(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: Answer, says: str
) -> None:
    with answering(lambda *_: answer) as site:
        monkeypatch.setenv("MLC_JIRA_URL", site.url)
        await check_addresses()
    warned = [record.getMessage() for record in caplog.records if record.name == "mlc.worker"]
    assert len(warned) == bool(says)
    assert says in " ".join(warned)
