"""96 MiB in an asset: they go from snapshot to job, through training and monitors, and the worker doesn't notice."""

import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from center_harness import TOKEN, CenterProcess

SIZE = 96 * 1024 * 1024
MOST = SIZE
"""Bytes that the process which runs the adapter may take at its peak, without pages of files: it takes a half."""

WORKER = """
import asyncio, base64, hashlib, json, sys, threading, time
from pathlib import Path

from pydantic import SecretStr

from mlc.center import NewFile, NewJob, NewMonitor
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import DeployableModel, StoredModel
from mlc.model.asset import Asset, AssetKind
from mlc.model.job import JobKind
from mlc.model.snapshot import Model

address, token, folder, large = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
peak, done, times = 0, threading.Event(), {}


def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def watch():
    global peak
    while not done.is_set():
        peak = max(peak, resident())
        time.sleep(0.01)


class Timed:
    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.began = time.monotonic()

    def __exit__(self, *_):
        times[self.what] = round(time.monotonic() - self.began, 1)


async def run():
    settings = CenterSettings(url=f"{address}/model-manage/api", token=SecretStr(token), timeout=60, spool=folder)
    center = ModelOpCenter(settings)
    source, data, weights = folder.parent / "m.py", folder.parent / "t.csv", folder.parent / "w.bin"
    source.write_text("def train(d): ...")
    data.write_text("a,b")
    weights.write_bytes(b"weights" * 1000)
    files = [
        NewFile(Asset(name="m.py", kind=AssetKind.SOURCE, role="MODEL_SOURCE"), source),
        NewFile(Asset(name="t.csv", role="TRAINING_DATA"), data),
        NewFile(Asset(name="large.bin", role="UNKNOWN"), large),
    ]
    with Timed("save_model"):
        model = await center.save_model(Model(name="large"), files)
    with Timed("create_snapshot"):  # by the model's id, which only the standalone centre takes, to save time
        made = await center.model_manage.create_snapshot(DeployableModel(stored_model=StoredModel(id=model.id)))
    with Timed("create_job"):
        async with center.open_snapshot(made.id) as snapshot:
            inputs = snapshot.with_role("TRAINING_DATA")
            job = await center.create_job(NewJob("k", JobKind.TRAINING, "w", snapshot, inputs, []))
    with Timed("end_job"):
        # As a runtime of somebody else's does it: ours reads the job once more, which takes its time here.
        made_of_it = {"name": "w.bin", "filename": "w.bin", "assetType": "FILE", "assetRole": "WEIGHTS_FILE"}
        made_of_it["fileContent"] = base64.b64encode(weights.read_bytes()).decode()
        await center.model_manage.patch_job(job.id, {"jobStatus": "COMPLETE", "outputData": [made_of_it]})
    with Timed("replace_assets"):
        async with center.open_job(job.id) as whole, center.open_snapshot(made.id) as snapshot:
            await center.replace_assets(snapshot, whole, whole.outputs)
    with Timed("add_monitors"):
        (monitor, *_) = await center.find_models("Stability Monitor: PSI/CSI", monitors=True)
        latest = await center.latest_snapshot(monitor.id)
        async with center.open_snapshot(made.id) as snapshot, center.open_snapshot(latest.id) as carried:
            await center.add_monitors(snapshot, [NewMonitor(carried, snapshot.with_role("TRAINING_DATA"), [], [])])
            with Timed("stream"):
                (asset,) = [asset for asset in snapshot.assets if asset.name == "large.bin"]
                digest, longest = hashlib.sha256(), 0
                async for piece in center.stream(asset):
                    digest.update(piece)
                    longest = max(longest, len(piece))
    (after, *_) = [s async for s in listed(center, made.id)]
    await center.aclose()
    assets = {asset.filename: asset.content_hash.hex_string for asset in after.stored_model.model_assets}
    return {
        "digests": [digest.hexdigest(), assets["large.bin"]],
        "longest": longest,
        "names": list(assets),
        "monitors": len(after.associated_models),
    }


async def listed(center, snapshot_id):
    # A listing tells the hashes of what the centre has now, without all the bytes.
    async for page in center.model_manage._hal.pages("deployableModels", {"sort": "createdDate,desc"}):
        for document in page:
            if document["id"] == snapshot_id:
                yield DeployableModel.model_validate(document)


watching = threading.Thread(target=watch)
watching.start()
try:
    report = asyncio.run(run())
finally:
    done.set()
    watching.join()
print(json.dumps({**report, "peak": peak, "times": times}))
"""


@pytest.mark.timeout(600)
def test_a_large_asset_stays_as_it_is_and_out_of_memory(process: CenterProcess, tmp_path: Path) -> None:
    process.environment["MLC_STANDALONE_CENTER_MAX_BODY"] = str(2 * 1024**3)
    process.start()
    large, spool = tmp_path / "large.bin", tmp_path / "spool"
    spool.mkdir()
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    block = os.urandom(1024 * 1024)
    digest = hashlib.sha256()
    with large.open("wb") as file:
        for number in range(SIZE // len(block)):
            piece = number.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            file.write(piece)
    worker = subprocess.run(
        [sys.executable, "-c", WORKER, process.address, TOKEN, str(spool), str(large)],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert worker.returncode == 0, worker.stderr.decode()[-3000:]
    report = json.loads(worker.stdout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(report, "CPU of the worker:", round(used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime, 1), "s")
    assert report["digests"] == [digest.hexdigest()] * 2
    assert report["names"] == ["m.py", "t.csv", "large.bin", "w.bin"]
    assert report["monitors"] == 1
    assert report["longest"] <= 1024 * 1024
    assert report["peak"] < MOST
    assert list(spool.iterdir()) == []
    assert httpx.get(process.address).status_code < 500, "the centre has survived it"
