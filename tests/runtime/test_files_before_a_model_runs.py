"""What code of a model left while its requirements were installed: the runtime reads and writes through none of it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from outcomes import result
from small_models import embedded, python_model

from mlc.model.job import JobKind
from mlc.runtime import execution
from mlc.runtime.environments.requirements import Interpreter

Run = Callable[..., Any]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
MORE = embedded("more.txt", "additional")
MODEL = python_model(
    """
    # modelop.metrics
    def m(df): yield {"rows": len(df), "data": open("data.csv").read(), "more": open("more.txt").read()}
    """,
    embedded("weights.bin", "trained", asset_role="WEIGHTS_FILE"),
)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Lets an installation do something in the model's working directory; ``outside`` is a folder beside it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("outside")

    def doing(body: str) -> Path:
        @asynccontextmanager
        async def interpreter_for(_: Any, __: Path, directory: Path, **___: Any) -> AsyncIterator[Interpreter]:
            code = f"import os, shutil\nos.chdir({str(directory)!r})\noutside = {str(outside)!r}\n{body}"
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
            assert await process.wait() == 0
            yield Interpreter()

        monkeypatch.setattr(execution, "interpreter_for", interpreter_for)
        return outside

    return doing


def untouched(outside: Path) -> bool:
    return [p.name for p in outside.iterdir()] == ["file"] and (outside / "file").read_text() == "outside"


@pytest.mark.parametrize(
    "body",
    [
        "os.mkfifo('data.csv'); os.mkfifo('more.txt')",
        "os.symlink(outside + '/file', 'data.csv'); os.symlink(outside + '/file', 'more.txt')",
        "os.symlink('/dev/zero', 'data.csv'); os.symlink('more.txt', 'more.txt')",
        "os.link(outside + '/file', 'data.csv'); os.link(outside + '/file', 'more.txt')",
        "os.mkfifo('__moc_runtime/fetched'); os.mkfifo('__moc_runtime/order.json')",
        "os.symlink(outside + '/new', '__moc_runtime/fetched'); os.symlink(outside + '/o', '__moc_runtime/order.json')",
        "os.makedirs('__moc_runtime/inputs'); os.symlink(outside + '/file', '__moc_runtime/inputs/0')",
        "os.makedirs('__moc_runtime/outputs'); os.mkfifo('__moc_runtime/outputs/1')",
    ],
)
async def test_a_files_place_that_was_taken_beforehand_is_taken_over(
    run: Run, install: Callable[[str], Path], body: str
) -> None:
    outside = install(body)
    outcome = await asyncio.wait_for(run(JobKind.METRICS, MODEL, CSV, additional=[MORE]), 60)
    assert result(outcome) == {"rows": 1, "data": "a\n1\n", "more": "additional"}
    assert untouched(outside)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os.remove('model.py'); os.mkfifo('model.py')", "The file model.py can't be read: it is a pipe and no"),
        ("os.remove('model.py'); os.symlink('/dev/zero', 'model.py')", "The file model.py can't be read: it is a link"),
        ("os.remove('weights.bin')", "The file weights.bin can't be read: it is not there."),
        ("os.symlink(outside, '__moc_runtime/inputs')", "The input data.csv can't be written: Not a directory."),
        ("os.mkfifo('__moc_runtime/inputs')", "The input data.csv can't be written: Not a directory."),
        ("os.symlink(outside, '__moc_runtime/outputs')", "The runtime could not run the job: "),
        (
            "os.rmdir('__moc_runtime/home') if os.path.exists('__moc_runtime/home') else 0\n"
            "os.symlink(outside, '__moc_runtime/home')",
            "The runtime could not run the job: ",
        ),
        ("shutil.rmtree('outputDir'); os.symlink(outside, 'outputDir')", "The runtime could not run the job: "),
    ],
)
async def test_what_was_changed_beforehand_is_told_and_not_read(
    run: Run, install: Callable[[str], Path], body: str, said: str
) -> None:
    outside = install(body)
    outcome = await asyncio.wait_for(run(JobKind.METRICS, MODEL, CSV), 60)
    assert outcome.problem.startswith(said), outcome.problem
    assert untouched(outside)
