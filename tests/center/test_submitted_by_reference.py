"""``mlc submit`` of a folder with a large file, as a person types it: interrupted, killed, typed again; memory flat."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from center_harness import TOKEN, CenterProcess
from temporalio.testing import WorkflowEnvironment

from bench.cutting import CuttingProxy
from bench.measuring import own_memory

ROOT = Path(__file__).parents[2]
SIZE = 192 * 1024 * 1024
MOST = 170 * 1024 * 1024
"""Bytes that a process may take for itself at its peak: less than the file has. What is imported takes a half."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A monitor's: it is stored, and nothing is started."""
    place = tmp_path / "model"
    place.mkdir()
    (place / "metadata.json").write_text(json.dumps({"name": "Large", "modelCategory": "MODEL_MONITORING_MODEL"}))
    (place / "model.py").write_text("# modelop.metrics\ndef metrics(data):\n    yield {}\n")
    with (place / "weights.bin").open("wb") as file:
        file.truncate(SIZE)
    return place


class Submitting:
    """The command, with the address of the centre or of what leads there."""

    def __init__(self, home: Path, folder: Path, server: WorkflowEnvironment) -> None:
        self._command = [sys.executable, "-m", "mlc.cli", "submit", str(folder)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLC_", "TEMPORAL_"))}
        self._environment = kept | {
            "MLC_HOME": str(home),
            "MLC_CENTER_TOKEN": TOKEN,
            "MLC_CENTER_CONTENTS": "reference",
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TEMPORAL_ADDRESS": server.client.service_client.config.target_host,
        }

    def start(self, address: str) -> subprocess.Popen[str]:
        environment = self._environment | {"MLC_CENTER_URL": f"{address}/model-manage/api"}
        return subprocess.Popen(
            self._command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@contextmanager
def peaks(*processes: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[list[int]]:
    over, found = threading.Event(), [0 for _ in processes]

    def watch() -> None:
        while not over.wait(0.02):
            for number, process in enumerate(processes):
                found[number] = max(found[number], own_memory(process.pid) or 0)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


@pytest.mark.timeout(400)
def test_interrupted_or_killed_it_goes_on_where_it_was_and_memory_stays_flat(
    process: CenterProcess, folder: Path, tmp_path: Path, dev_server: WorkflowEnvironment
) -> None:
    process.start()
    assert process.process is not None
    submitting = Submitting(tmp_path / "home", folder, dev_server)
    said = list[tuple[int, str]]()
    for number, share in ((signal.SIGINT, 0.25), (signal.SIGKILL, 0.5)):
        with CuttingProxy(("127.0.0.1", process.port)) as proxy:
            proxy.hold_at = round(SIZE * share) - (0 if number == signal.SIGINT else SIZE // 4)
            command = submitting.start(f"http://127.0.0.1:{proxy.port}")
            assert proxy.holding.wait(120)
            command.send_signal(number)
            said.append((command.wait(60), command.communicate()[1]))
    (interrupted, sentence), (killed, _) = said
    assert interrupted == 130
    assert re.search(
        r"^Interrupted: of weights\.bin \d+\.\d MB of 201\.3 MB are sent\. Type the same", sentence, re.MULTILINE
    )
    assert killed == -signal.SIGKILL

    command = submitting.start(process.address)
    with peaks(command, process.process) as found:
        out, err = command.communicate(timeout=200)
    assert command.returncode == 0, err
    went_on = re.search(r"^weights\.bin: 201\.3 MB, went on at (\d+\.\d) MB, in ", err, re.MULTILINE)
    assert went_on, err
    assert float(went_on[1]) > 80, "what two earlier ones had sent was kept"
    assert max(found) < MOST, found

    began = time.monotonic()
    out, err = submitting.start(process.address).communicate(timeout=200)
    print("peaks", found, "once more", round(time.monotonic() - began, 1), "s")
    assert "weights.bin: 201.3 MB, the model centre has it already\n" in err
    assert "(updated)" in out
    digest = hashlib.file_digest((folder / "weights.bin").open("rb"), "sha256").hexdigest()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{process.address}/model-manage/api/contents/{digest}"
    assert httpx.head(url, headers=headers, timeout=30).headers["Content-Length"] == str(SIZE)


def test_a_file_that_is_changed_meanwhile_is_an_error_and_nothing_is_made(
    process: CenterProcess, folder: Path, tmp_path: Path, dev_server: WorkflowEnvironment
) -> None:
    process.start()
    with CuttingProxy(("127.0.0.1", process.port)) as proxy:
        proxy.hold_at = SIZE // 4
        command = Submitting(tmp_path / "home", folder, dev_server).start(f"http://127.0.0.1:{proxy.port}")
        assert proxy.holding.wait(120)
        (folder / "weights.bin").unlink()
        proxy.go_on()
        out, err = command.communicate(timeout=200)
    assert (command.returncode, out) == (1, "")
    assert "The file 'weights.bin' was removed while it was sent: leave it as it is, and send it again." in err
    headers = {"Authorization": f"Bearer {TOKEN}"}
    listed = httpx.get(f"{process.address}/model-manage/api/storedModels", headers=headers, timeout=30).json()
    assert "Large" not in json.dumps(listed)
