"""How far large files are on their way into the centre: a bar on a terminal, and one line each in any case."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, TaskID, TaskProgressColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from mlc.center.progress import Progress, Stage, Tell
from mlc.terminal import printable

LARGE = 8 * 1024 * 1024
"""Bytes of a file that has a line of its own."""
_DOING = {Stage.READ: "reading", Stage.SENT: "sending"}


class _Shown:
    """The file that is on its way now."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._stage = Stage.STORED
        self.last: Progress | None = None
        self._from, self._began = 0, 0.0

    def tell(self, progress: Progress) -> None:
        if self._task is None:
            self._task = self._bars.add_task("", total=progress.size)
        if progress.stage is not self._stage:
            self._begin(self._task, progress)
        self.last = progress
        self._bars.update(self._task, completed=progress.done)
        if progress.stage is Stage.STORED:
            self._end(self._task)

    def _begin(self, task: TaskID, progress: Progress) -> None:
        before, self._stage = self._stage, progress.stage
        if progress.stage is Stage.STORED:
            if progress.size >= LARGE:
                self._bars.console.print(self._line(progress, sent=before is Stage.SENT), markup=False, soft_wrap=True)
            return
        self._from, self._began = progress.done, time.monotonic()
        what = printable(f"{_DOING[progress.stage]} {progress.name}")
        self._bars.reset(task, total=progress.size, completed=progress.done, description=what)

    def _line(self, progress: Progress, *, sent: bool) -> str:
        size = f"{progress.name}: {decimal(progress.size)}"
        if not sent:
            return printable(f"{size}, the model centre has it already")
        seconds = max(time.monotonic() - self._began, 0.001)
        new = progress.size - self._from
        rate = f"in {seconds:.1f} s, {decimal(round(new / seconds))}/s"
        return printable(f"{size}, went on at {decimal(self._from)}, {rate}" if self._from else f"{size} sent {rate}")

    def _end(self, task: TaskID) -> None:
        self._bars.remove_task(task)
        self._task = self.last = None


@asynccontextmanager
async def sending_shown() -> AsyncIterator[Tell]:
    """What is to be told of files on their way, and is shown on the standard error until the block ends.

    If it is interrupted, it says what has arrived and how to go on.
    """
    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )
    bars.disable = not bars.console.is_terminal  # the lines are printed all the same
    shown = _Shown(bars)
    try:
        with bars:
            yield shown.tell
    except asyncio.CancelledError:
        if (last := shown.last) is not None and last.stage is Stage.SENT:
            text = f"Interrupted: of {last.name} {decimal(last.done)} of {decimal(last.size)} are sent. Type the same "
            typer.echo(printable(f"{text}again, and it goes on there."), err=True)
        raise
