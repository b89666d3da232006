"""The programs that `bench/batch.py` measures, each a process of its own: a plain loop, pandas, and a runtime's job.

python bench/scoring_programs.py plain|pandas|ours SOURCE TARGET FUNCTION [PROCESSES] [--look]

As many cores as processes are used. A format is that of a file's name. With `--look` a job's peaks of memory are
printed as JSON, in megabytes.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from measuring import MEBIBYTE, children_of, own_memory

CHUNK = 100_000
"""Records of a frame, where pandas reads a file in parts."""
LOOKED = 0.2
"""Seconds between two looks at the memory of a job's processes."""
CONVERTERS: dict[str, Callable[[str], Any]] = {"id": int, "age": int, "income": float, "debt": float, "region": str}
FUNCTIONS = {
    "trivial": """
def score(record):
    yield {"id": record["id"], "score": record["age"] * 0.01 + record["debt"]}
""",
    "heavy": """
def score(record):
    total = record["debt"]
    for step in range(1100):
        total = total * 0.99 + step
    yield {"id": record["id"], "score": total}
""",
    "frame": """
import pandas as pd
def score(frame):
    return pd.DataFrame({"id": frame["id"], "score": frame["age"] * 0.01 + frame["debt"]})
""",
    "list": """
def score(records):
    return [{"id": record["id"], "score": record["age"] * 0.01 + record["debt"]} for record in records]
""",
}
BATCHES = {"frame": "# modelop.batch: frame\n", "list": "# modelop.batch: records\n"}


def write_input(path: Path, records: int, columns: int = 0) -> None:
    """An input of so many records, with so many more columns; what it holds depends on nothing else."""
    if path.suffix == ".parquet":
        _write_parquet(path, records)
        return
    regions = ("north", "south", "east", "west")
    names = [*CONVERTERS, *(f"more_{n}" for n in range(columns))]
    with path.open("w") as file:
        file.write({".csv": ",".join(names) + "\n", ".json": "["}.get(path.suffix, ""))
        for n in range(records):
            row = (n, 18 + n * 7 % 70, round(10_000 + n * 7919 % 190_000 / 1.07, 2), n * 104_729 % 999_983 / 1e6)
            cells = (*row, regions[n % 4], *((n * 31 + k) % 1000 / 8 for k in range(columns)))
            if path.suffix == ".csv":
                file.write(",".join(map(str, cells)) + "\n")
            else:
                end = "\n" if path.suffix == ".jsonl" else "\n]" if n == records - 1 else ",\n"
                file.write(json.dumps(dict(zip(names, cells, strict=True))) + end)


def _write_parquet(path: Path, records: int) -> None:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        rows = Path(folder) / "rows.csv"
        write_input(rows, records)
        writer = None
        for frame in pd.read_csv(rows, chunksize=CHUNK):
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        if writer:
            writer.close()


def plain(source: Path, target: Path, function: str) -> None:
    """A loop as anybody would write it."""
    score = _function(function)
    with source.open(newline="") as lines, target.open("w") as output:
        for record in plain_records(source, lines):
            for answer in score(record):
                output.write(json.dumps(answer) + "\n")


def plain_records(source: Path, lines: Any) -> Iterator[dict[str, Any]]:
    """The records of a CSV file, or of JSON lines."""
    if source.suffix == ".csv":
        for row in csv.DictReader(lines):
            yield {name: CONVERTERS[name](cell) for name, cell in row.items()}
    else:
        for line in lines:
            yield json.loads(line)


def with_pandas(source: Path, target: Path, function: str) -> None:
    """The same with frames of a part of the file each; a function that takes lists gets those of the frames."""
    import pandas as pd

    score = _function(function)
    if source.suffix == ".csv":
        frames = pd.read_csv(source, chunksize=CHUNK)
    else:
        frames = pd.read_json(source, lines=True, chunksize=CHUNK)
    with target.open("w") as output:
        for number, frame in enumerate(frames):
            found = pd.DataFrame(score(frame.to_dict("records"))) if function == "list" else score(frame)
            if target.suffix == ".csv":
                found.to_csv(output, index=False, header=not number)
            else:
                found.to_json(output, orient="records", lines=True, double_precision=15)


def _function(name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    exec(FUNCTIONS[name], namespace)
    score: Callable[..., Any] = namespace["score"]
    return score


def ours(source: Path, target: Path, function: str, processes: int) -> str | None:
    """A scoring job, as a runtime runs it; what went wrong."""
    code = BATCHES.get(function, "") + FUNCTIONS[function].strip().replace("def score", "# modelop.score\ndef score")
    return asyncio.run(_job(source, target, code, processes))


async def _job(source: Path, target: Path, code: str, processes: int) -> str | None:
    from mlc.model.asset import Asset, AssetKind
    from mlc.model.job import JobKind, JobRecord
    from mlc.model.snapshot import Model, Snapshot
    from mlc.runtime.activities import limits
    from mlc.runtime.contents.fetching import fetching
    from mlc.runtime.execution import JobExecution
    from mlc.runtime.isolation.levels import level_for
    from mlc.settings import FileSettings, RuntimeSettings

    settings = RuntimeSettings(scoring_processes=processes, memory_limit_mb=8192, time_limit=36_000)
    model = Asset(name="model.py", kind=AssetKind.SOURCE, primary=True, ref="model.py", functions={})
    snapshot = Snapshot(id="snapshot", model=Model(name="bench", type="PYTHON"), assets=[model])
    files = [
        Asset(name=path.name, kind=AssetKind.EXTERNAL, address=path.as_uri(), format=path.suffix[1:].upper())
        for path in (source, target)
    ]
    job = JobRecord(id="job", kind=JobKind.SCORING, snapshot=snapshot, inputs=[files[0]], outputs=[files[1]])

    async def stream(_asset: Asset, **_: Any) -> AsyncIterator[bytes]:
        yield code.encode()

    async def nothing(*_: Any) -> None:
        return None

    async def definition(_owner: Any, path: Path) -> None:
        await asyncio.to_thread(path.write_text, "{}")

    # All that a job asks its centre for.
    center: Any = SimpleNamespace(stream=stream, keeps_by_hash=lambda _: False, save_definition=definition)
    level = level_for(settings)
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        execution = JobExecution(
            job,
            center,
            level=level,
            folder=Path(folder) / "job",
            environments=Path(folder) / "environments",
            contents=fetching(center, settings, level, nothing),
            limits=limits(settings, MEBIBYTE),
            files=FileSettings(root=source.parent, limit_mb=100_000, time_limit=36_000),
            laid_out=nothing,
        )
        outcome = await execution.run()
        execution.clear()
    return outcome.problem and "\n".join([outcome.problem, *outcome.messages])


@contextmanager
def looked_at() -> Iterator[dict[str, float]]:
    """The largest memory of this process (``runtime``), and of any of its descendants (``others``), in megabytes."""
    peaks, over = {"runtime": 0.0, "others": 0.0}, threading.Event()

    def look() -> None:
        while not over.wait(LOOKED):
            for pid in children_of(os.getpid()):
                name = "runtime" if pid == os.getpid() else "others"
                peaks[name] = max(peaks[name], round((own_memory(pid) or 0) / MEBIBYTE, 1))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("program", choices=["plain", "pandas", "ours"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("function", choices=list(FUNCTIONS))
    parser.add_argument("processes", type=int, nargs="?", default=1)
    parser.add_argument("--look", action="store_true")
    asked = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.processes])
    if asked.program != "ours":
        {"plain": plain, "pandas": with_pandas}[asked.program](asked.source, asked.target, asked.function)
        return
    from mlc.runtime.arena import share_arena

    share_arena()  # before there are threads, as a runtime does
    with looked_at() if asked.look else nullcontext({}) as peaks:
        problem = ours(asked.source, asked.target, asked.function, asked.processes)
    if problem:
        raise SystemExit(problem)
    print(json.dumps(peaks))


if __name__ == "__main__":
    main()
