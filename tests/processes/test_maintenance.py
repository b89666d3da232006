"""A centre that answers with a page for a while, status 200, is waited for as one that is down."""

import pytest
from failing import GOOD
from office import Office

from mlc.model.processes import Outcome
from mlc.standalone.faults import Effect

PAGES = {"a page": "<html>Back soon</html>", "nothing": "", "a proxy's word": '{"error": "maintenance"}'}


@pytest.mark.parametrize("page", PAGES)
async def test_a_run_goes_on_after_maintenance_with_one_job_and_without_a_ticket(desk: Office, page: str) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot("run_test")
    answer = {"status": 200, "body": PAGES[page], "headers": {"Content-Type": "application/json"}}
    desk.center_faults.add(Effect.ANSWER, method="GET", path="/deployableModels/", times=2, **answer)
    desk.center_faults.add(Effect.ANSWER_AFTER, method="POST", path="/jobs$", **answer)
    desk.center_faults.add(Effect.ANSWER, method="GET", path="/engines", times=2, **answer)
    desk.center_faults.add(Effect.ANSWER_AFTER, method="POST", path="/deployedModels$", **answer)
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics=GOOD)
    assert (await run.result()).outcome is Outcome.DEPLOYED
    assert [fault.times for fault in desk.center_faults.planned] == [0] * 4
    assert len(await desk.jobs(snapshot_id)) == 1
    assert len(await desk.center.list_deployments(snapshot_id=snapshot_id)) == 1
    assert await desk.tickets() == []
