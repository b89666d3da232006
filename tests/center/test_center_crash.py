"""The centre dies between two requests, and starts again on the same file."""

import asyncio
import contextlib
import signal

from center_harness import CenterProcess, settings_for

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.wire import Asset, DeployableModel, Job, ModelMetaData, Notification, StoredModel
from mlc.model.failure import Unavailable


async def test_what_was_answered_survives_being_killed(process: CenterProcess) -> None:
    process.start()
    center = ModelManage(settings_for(process.address))
    kept: list[str] = []

    async def write() -> None:
        with contextlib.suppress(Unavailable):
            while True:
                kept.append((await center.create_notification(Notification(message="kept"))).id)

    for _ in range(2):
        enough = len(kept) + 20
        writing = [asyncio.create_task(write()) for _ in range(3)]
        while len(kept) < enough:
            await asyncio.sleep(0.01)
        process.kill()
        await asyncio.gather(*writing)
        process.start()
    there = {notification.id for notification in await center.list_notifications()}
    assert set(kept) <= there
    assert len(there) <= len(kept) + 6, "at most the writes in flight were done without an answer"
    await center.aclose()


async def test_contents_and_waiting_jobs_survive_being_killed(process: CenterProcess) -> None:
    process.start()
    center = ModelManage(settings_for(process.address))
    source = Asset(filename="m.py", asset_type="SOURCE_CODE", source_code="def score(r): ...")
    model = StoredModel(model_meta_data=ModelMetaData(name="m"), model_assets=[source])
    snapshot = await center.create_snapshot(DeployableModel(stored_model=model))
    job = await center.create_job(Job(job_type="MODEL_BATCH_JOB", model=snapshot))
    process.kill()
    process.start()
    read = await center.get_job(job.id)
    assert read.job_status == "CREATED"
    assert read.model is not None
    assert read.model.stored_model.model_assets[0].source_code == "def score(r): ..."
    await center.aclose()


async def test_the_monitors_are_there_once_however_often_the_centre_starts(process: CenterProcess) -> None:
    ids = []
    for _ in range(2):
        process.start()
        center = ModelManage(settings_for(process.address))
        monitors = await center.find_stored_models("Stability Monitor: PSI/CSI", category="MODEL_MONITORING_MODEL")
        assert len(monitors) == 1
        snapshot = await center.latest_snapshot(monitors[0].id or "")
        assert snapshot is not None
        ids.append((monitors[0].id, snapshot.id, monitors[0].created_date))
        await center.patch_stored_model(monitors[0].id or "", {"modelMetaData": {"description": "changed here"}})
        await center.aclose()
        assert process.stop() == -signal.SIGTERM
    assert ids[0] == ids[1]
