"""Starting DeployModel: once, twice, again, by signal, after a reset; and how a run that has finished says so."""

import asyncio
import os
import shlex
import uuid
from typing import Any

import httpx
from deploying import load, loading, out_of_order, places, said
from office import Office, Run
from paperwork import remarks
from pydantic import SecretStr
from servers import eventually
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from mlc.gateway.app import create_app
from mlc.model.processes import DeployModelInput, deploy_model_id
from mlc.settings import GatewaySettings
from mlc.standalone.faults import Effect
from mlc.standalone.temporal_server import temporal_binary
from mlc.ticketing.jira.settings import JiraSettings

NO_TABLE = ["TEST_RESULT_COMPARATOR"]
CHANGED = "com.modelop.mlc.definitions.Signals_deployable_model_changed"


async def typed(desk: Office, snapshot_id: str) -> str:
    """What the terminal shows after the command that the project tells people to type."""
    command = DeployModelInput.command(snapshot_id).replace("--task-queue mlc", f"--task-queue {desk.task_queue}")
    program, *arguments = shlex.split(command)
    assert program == "temporal"
    process = await asyncio.create_subprocess_exec(
        temporal_binary(),
        *arguments,
        env=os.environ | {"TEMPORAL_ADDRESS": desk.client.service_client.config.target_host},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    return output.decode()


async def test_the_start_command_typed_twice_joins_the_run(desk: Office) -> None:
    snapshot_id = await desk.snapshot("jira", without=NO_TABLE)
    first = await typed(desk, snapshot_id)
    run: Run = desk.client.get_workflow_handle(deploy_model_id(snapshot_id))
    run_id = (await run.describe()).run_id
    assert run_id in first
    await desk.ticket(run, "review")
    assert run_id in await typed(desk, snapshot_id)
    assert (await run.describe()).run_id == run_id
    assert len(await desk.tickets()) == 1
    await run.terminate()


async def test_a_new_start_after_the_end_asks_anew(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test", "jira")
    asked = []
    for answer in ("Rejected", "Done"):
        run = await desk.start(snapshot_id)
        await desk.finish_job(run, metrics={"auc": 0.97})
        asked.append(await desk.ticket(run, "review"))
        await desk.decide(run, asked[-1], answer)
        result = await run.result()
        assert result.decision is not None
        assert result.decision.ticket == asked[-1].key
    assert result.outcome == "deployed"
    assert len({ticket.key for ticket in asked}) == len({ticket.label for ticket in asked}) == 2
    keys = [job["jobParameters"]["mlcKey"] for job in await desk.jobs(snapshot_id)]
    assert len(set(keys)) == 2


async def test_a_signal_after_the_end_starts_nothing_although_temporal_has_forgotten_the_run(
    desk: Office, skipping_server: WorkflowEnvironment
) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    await (await desk.start(snapshot_id)).result()
    assert await signalled(desk, desk.client, snapshot_id) == []
    forgetful = skipping_server.client  # of a Temporal that never heard of it
    assert await signalled(desk, forgetful, snapshot_id) == []
    fresh = await desk.snapshot()  # the same signal does start something on a snapshot that no run took up
    assert await signalled(desk, forgetful, fresh) == [deploy_model_id(fresh)]
    await forgetful.get_workflow_handle(deploy_model_id(fresh)).terminate()


async def signalled(desk: Office, temporal: Client, snapshot_id: str) -> list[str]:
    """Tell a gateway that a snapshot has changed; the ids of the runs that it started or joined."""
    jira = JiraSettings(webhook_secrets=[SecretStr("x")])
    gateway = create_app(GatewaySettings(), jira, temporal=temporal, center=desk.port)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://gateway") as http:
        body = {"name": CHANGED, "variables": {"DEPLOYABLE_MODEL": {"value": {"id": snapshot_id}}}}
        answer = (await http.post("/mlc-service/rest/signalResponsive", json=body)).raise_for_status().json()
    return list(answer["workflowIds"])


async def test_a_run_that_was_reset_goes_on_with_the_same_ticket_and_the_sweep_leaves_it_alone(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("jira", without=NO_TABLE))
    ticket = await desk.ticket(run, "review")
    reset = await reset_before_the_ticket(desk, run)
    assert (await desk.ticket(reset, "review")) == ticket
    assert len(await desk.tickets()) == 1

    async def both_listed() -> bool:
        found = [r async for r in desk.client.list_workflows(f"MlcTickets = '{ticket.label}'")]
        return sorted(r.status.name for r in found if r.status) == ["RUNNING", "TERMINATED"]

    await eventually(both_listed)
    report: Any = await desk.client.execute_workflow(
        "SweepTickets", id=f"sweep-{uuid.uuid4()}", task_queue=desk.task_queue
    )
    assert report["withdrawn"] == 0
    assert (await desk.fields(ticket))["status"]["name"] == "To Do"
    assert await remarks(desk, ticket) == []
    await desk.decide(reset, ticket, "Done")
    assert (await reset.result()).outcome == "deployed"


async def reset_before_the_ticket(desk: Office, run: Run) -> Run:
    """As ``temporal workflow reset`` does, to the moment before the ticket was asked for."""
    events = (await run.fetch_history()).events
    made = next(
        e
        for e in events
        if e.HasField("activity_task_scheduled_event_attributes")
        and e.activity_task_scheduled_event_attributes.activity_type.name == "open_ticket"
    )
    await desk.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=desk.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=run.id, run_id=run.first_execution_run_id),
            reason="test",
            workflow_task_finish_event_id=made.activity_task_scheduled_event_attributes.workflow_task_completed_event_id,
            request_id=str(uuid.uuid4()),
        )
    )
    return desk.client.get_workflow_handle(run.id, result_type=type((await desk.status(run)).result))


async def test_each_run_says_once_how_it_ended_although_an_answer_was_lost(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    desk.center_faults.add(Effect.DROP_AFTER, method="POST", path="/notifications$")
    assert (await (await desk.start(snapshot_id)).result()).outcome == "deployed"
    assert "Nobody was asked and nothing was judged" in await said(desk, snapshot_id)
    assert (await (await desk.start(snapshot_id)).result()).outcome == "deployed"
    assert len(await desk.center.list_notifications(snapshot_id=snapshot_id)) == 2


async def test_a_notification_that_the_centre_refuses_does_not_fail_a_finished_run(desk: Office) -> None:
    await desk.engine("online", online=True)
    out_of_order(desk, "POST", "/notifications$", status=403)
    snapshot_id = await desk.snapshot()
    run = await desk.start(snapshot_id)
    await load(desk, *(await loading(desk, snapshot_id)).values())
    result = await run.result()
    assert result.outcome == "deployed"
    assert any("POST notifications was answered with 403" in warning for warning in result.warnings)
    assert await places(desk, snapshot_id) == [("online", "DEPLOYED")]
