"""What ``mlc submit`` shows of large files on their way: a bar on a terminal, a line each elsewhere."""

import asyncio
import os
import pty
import re
import subprocess
import sys
import threading
from typing import Any

import pytest

from mlc.center.progress import Progress, Stage
from mlc.cli import sending
from mlc.cli.sending import LARGE, sending_shown

SIZE = 10 * LARGE
SHOWS = """
import asyncio
from mlc.center.progress import Progress, Stage
from mlc.cli.sending import LARGE, sending_shown

async def run():
    async with sending_shown() as tell:
        for stage in (Stage.READ, Stage.SENT):
            for part in range(11):
                tell(Progress("we\\x1bights.bin", 10 * LARGE, stage, part * LARGE))
                await asyncio.sleep(0.05)
        tell(Progress("we\\x1bights.bin", 10 * LARGE, Stage.STORED, 10 * LARGE))

asyncio.run(run())
"""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which rates are told, in seconds."""
    now = [100.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    monkeypatch.setattr(sending, "time", Clock)
    return now


def steps(name: str, stage: Stage, *done: int, size: int = SIZE) -> list[Progress]:
    return [Progress(name, size, stage, each) for each in done]


async def shown(clock: list[float], *told: Progress) -> None:
    async with sending_shown() as tell:
        for progress in told:
            tell(progress)
            clock[0] += 1


async def test_piped_a_large_file_has_one_line(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    await shown(
        clock,
        *steps("weights.bin", Stage.READ, LARGE, SIZE),
        *steps("weights.bin", Stage.SENT, 0, LARGE, 5 * LARGE, SIZE),
        *steps("weights.bin", Stage.STORED, SIZE),
        *steps("known.bin", Stage.READ, LARGE, SIZE),
        *steps("known.bin", Stage.STORED, SIZE),
        *steps("begun.bin", Stage.SENT, 5 * LARGE, SIZE),
        *steps("begun.bin", Stage.STORED, SIZE),
        *steps("small.bin", Stage.SENT, 0, LARGE - 1, size=LARGE - 1),
        *steps("small.bin", Stage.STORED, LARGE - 1, size=LARGE - 1),
    )
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "weights.bin: 83.9 MB sent in 4.0 s, 21.0 MB/s",
        "known.bin: 83.9 MB, the model centre has it already",
        "begun.bin: 83.9 MB, went on at 41.9 MB, in 2.0 s, 21.0 MB/s",
    ]
    assert said.out == ""


async def test_a_name_can_neither_steer_a_terminal_nor_style_the_text(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "[bold]a\x1b[2Jb[/nothing]"
    await shown(clock, *steps(name, Stage.SENT, 0, SIZE), *steps(name, Stage.STORED, SIZE))
    assert capsys.readouterr().err.startswith("[bold]a [2Jb[/nothing]: 83.9 MB sent")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (
            Progress("w.bin", SIZE, Stage.SENT, 5 * LARGE),
            "Interrupted: of w.bin 41.9 MB of 83.9 MB are sent. Type the same again, and it goes on there.\n",
        ),
        (Progress("w.bin", SIZE, Stage.READ, 5 * LARGE), ""),
        (None, ""),
    ],
)
async def test_interrupted_it_says_what_has_arrived_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str], last: Progress | None, said: str
) -> None:
    reached = asyncio.Event()

    async def send() -> None:
        async with sending_shown() as tell:
            if last:
                tell(last)
            reached.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(send())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert capsys.readouterr().err == said


def test_on_a_terminal_it_shows_bytes_rate_and_percent(tmp_path: Any) -> None:
    ours, theirs = pty.openpty()
    written = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                written.extend(data)
        except OSError:  # it was closed at the other end
            pass

    reading = threading.Thread(target=read)
    reading.start()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "160", "MLC_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SHOWS], stderr=theirs, stdout=subprocess.PIPE, timeout=60, env=environment, check=False
    )
    os.close(theirs)
    reading.join(10)
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    assert (done.returncode, done.stdout) == (0, b""), text
    assert re.search(r"reading we ights\.bin", text)
    assert re.search(r"sending we ights\.bin .* [1-9]\d% .*\d+\.\d/83\.9 MB .*MB/s", text)
    assert re.search(r"we ights\.bin: 83\.9 MB sent in", text)
