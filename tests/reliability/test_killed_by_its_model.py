"""A model kills its runtime until that is held against it; then a person decides."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.cli_process import Dev, mlc
from reliability.test_everything_killed import Systems, patiently

ENDED = ("COMPLETE", "ERROR", "CANCELLED")
KILLS = """
import os as _os, re as _re, time as _time
from pathlib import Path as _Path

def _kill_runtime():
    pid = _os.getppid()
    while "\\0runtime\\0" not in _Path(f"/proc/{pid}/cmdline").read_text():
        pid = int(_re.search(r"^PPid:\\s+(\\d+)", _Path(f"/proc/{pid}/status").read_text(), _re.MULTILINE)[1])
    _os.kill(pid, 9)
    _time.sleep(600)

with open(TRIES, "a") as _file:
    _file.write("x")
if not _Path(MENDED).exists():
    _kill_runtime()
"""


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    home = tmp_path / "home"
    home.mkdir()
    # The model shall reach its runtime: what keeps it from that has tests of its own.
    (home / "mlc.env").write_text("MLC_RUNTIME_ISOLATION=process\n")
    running = Dev(home)
    try:
        yield running.ready()
    finally:
        running.end(signal.SIGTERM)
        print(running.said())


@pytest.mark.timeout(300)
def test_a_model_that_kills_its_runtime_fails_after_three_losses_and_done_on_its_ticket_retries(
    dev: Dev, tmp_path: Path
) -> None:
    tries, mended, folder = tmp_path / "tries", tmp_path / "mended", tmp_path / "customers"
    mlc(dev.home, "init", str(folder))
    source = folder / "model.py"
    source.write_text(f"TRIES, MENDED = {str(tries)!r}, {str(mended)!r}\n{KILLS}\n{source.read_text()}")
    said = mlc(dev.home, "submit", str(folder), "--tag=run_test")
    [snapshot_id] = re.findall(r"^Run +deploy-(\S+)", said.stdout, re.MULTILINE)
    systems = Systems(dev, snapshot_id)

    [ticket] = patiently(systems.tickets, 120)
    assert "The runtime was lost 3 times while the model was running" in str(ticket["fields"]["description"])
    [job] = systems.jobs()
    assert (job["jobStatus"], job["jobResult"], tries.read_text()) == ("ERROR", "FAILURE", "xxx")
    mended.touch()
    patiently(lambda: systems.approve(ticket["key"]))

    def retried() -> dict[str, Any] | None:
        return next((each for each in systems.jobs() if each["id"] != job["id"] and each["jobStatus"] in ENDED), None)

    again = patiently(retried)
    assert (again["jobStatus"], again["jobResult"], tries.read_text()) == ("COMPLETE", "SUCCESS", "xxxx")
    assert "losses" not in again["runtimeInfo"]
