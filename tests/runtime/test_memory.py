"""A runtime's memory does not grow with the files of the models that it runs."""

import base64
import hashlib
import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from large_center import PIECE, LargeCenter
from servers import serving

from mlc.center.modelop.settings import CenterSettings

MEGABYTE = 1024**2
ALLOWED = 250 * MEGABYTE
LARGE = 100 * MEGABYTE // len(PIECE) + 1
CONTENTS = pytest.mark.parametrize("contents", ["embedded", "reference"])
pytestmark = pytest.mark.timeout(180)

# Prints the most anonymous and shared memory that the process ever had; in the model's process, nothing is counted.
MEASURED = """
import asyncio, json, pathlib, re, sys, threading, time
peak, over = 0, threading.Event()
def watch():
    global peak
    while not over.wait(0.005):
        status = pathlib.Path("/proc/self/status").read_text()
        peak = max(peak, 1024 * sum(map(int, re.findall(r"Rss(?:Anon|Shmem):\\s+(\\d+)", status))))
watching = threading.Thread(target=watch)
watching.start()
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.runtime.activities import JobActivities
from mlc.runtime.isolation.levels import Process
from mlc.runtime.online import OnlineModels
from mlc.model.job import RunJobInput
from mlc.settings import RuntimeSettings
from temporalio.testing import ActivityEnvironment
settings = RuntimeSettings(name="large", folder=pathlib.Path("."))
center = ModelOpCenter(CenterSettings(url=sys.argv[1], token=None, contents=sys.argv[3]))
class Deaf:  # in the place of Temporal's client
    def get_async_activity_handle(self, **_): return self
    async def heartbeat(self, *_, **__): pass
async def run_job():
    jobs = JobActivities(center, settings, Process(), pathlib.Path("jobs"), text_limit=2**20)
    end = await ActivityEnvironment(client=Deaf()).run(jobs.execute_job, RunJobInput(job_id="job-1"))
    return end.model_dump(mode="json")
async def score():
    models = OnlineModels(center, settings, Process(), pathlib.Path("online"), text_limit=2**20)
    following = asyncio.create_task(models.run("engine-1"))
    while True:
        reply = await models.score({})
        if reply.error is None:
            break
        if type(reply.error).__name__ != "NotServing": raise reply.error
        await asyncio.sleep(0.1)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return reply.outcomes
try:
    answer = asyncio.run({"job": run_job, "online": score}[sys.argv[2]]())
finally:
    over.set()
watching.join()
print(json.dumps({"answer": answer, "peak": peak}))
"""


def run_in_a_process(center: LargeCenter, what: str, contents: str, tmp_path: Path) -> dict[str, Any]:
    """What it answered, and its peak of anonymous memory in bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(center.app, listener) as url:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, url, what, contents],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@CONTENTS
def test_a_job_with_a_large_file_and_a_large_output(contents: str, tmp_path: Path) -> None:
    source = """
        # modelop.train
        def t(df):
            with open("weights.bin", "rb") as read, open("outputDir/half.bin", "wb") as written:
                written.write(read.read(40_000_000))
        """
    center = LargeCenter(textwrap.dedent(source), LARGE, CenterSettings().training_job_type)
    done = run_in_a_process(center, "job", contents, tmp_path)
    ended = center.changes[-1]
    assert done["answer"]["status"] == ended["jobStatus"] == "COMPLETE", ended["jobMessages"]
    assert ended["runtimeInfo"]["sha256"]["artefacts"] == {"weights.bin": center.digest}
    [made] = ended["outputData"]
    by_itself = center.sent.get(made.get("contentHash", {}).get("hexString"))
    half = base64.b64decode(made["fileContent"]) if contents == "embedded" else by_itself
    assert len(half) == 40_000_000
    assert hashlib.sha256(half).hexdigest() == ended["runtimeInfo"]["sha256"]["trained"]["half.bin"]
    assert done["peak"] < ALLOWED, f"{done['peak'] / MEGABYTE:.0f} MB"
    assert list(tmp_path.glob("jobs/jobs/*")) == []


@CONTENTS
def test_an_online_model_with_a_large_file(contents: str, tmp_path: Path) -> None:
    source = """
        import hashlib
        # modelop.score
        def s(record):
            with open("weights.bin", "rb") as file:
                yield hashlib.file_digest(file, "sha256").hexdigest()
        """
    center = LargeCenter(textwrap.dedent(source), LARGE, CenterSettings().scoring_job_type)
    done = run_in_a_process(center, "online", contents, tmp_path)
    (outcome,) = done["answer"]
    assert outcome["results"] == [center.digest]
    assert center.changes[-1]["state"] == "DEPLOYED"
    assert done["peak"] < ALLOWED, f"{done['peak'] / MEGABYTE:.0f} MB"
