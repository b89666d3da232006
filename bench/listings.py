"""How long a page of the standalone centre's jobs takes, on SQLite and, where there is one, on PostgreSQL.

python bench/listings.py [--quick]       prints JSON; status 1 when a page takes longer than its limit

100,000 jobs (--quick: 20,000) of 2 KB, with 20 items a page. Each page is asked of the store in turn, eleven times a
round; told is the median. The baseline is the cheapest statement (SELECT 1) in the same rounds: what a round trip costs
there. `http` is the same asked of the centre's own process, and its baseline a page of nothing. PostgreSQL is
MLC_BENCH_POSTGRESQL (an empty database's address), or else the tests' own, which the extra `test` installs.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from jobs import JOBS, fill, pages
from measuring import Report, Size, asked, figure, report, told
from parts import parts
from sqlalchemy import text

from mlc.standalone.center.store import Store

LIMIT_MS = 20
ASKED = 11


def bare(store: Store) -> None:
    with store.engine.execution_options(reads_only=True).connect() as connection:
        connection.execute(text("SELECT 1"))


def measured(size: Size, baseline: Callable[[], Any], asks: Mapping[str, Callable[[], Any]]) -> dict[str, Report]:
    """The milliseconds of each; the limit is of the page itself, not of how much dearer than the baseline it is."""
    base: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(size.rounds):
        base.append(_milliseconds(baseline))
        for name, ask in asks.items():
            found[name].append(_milliseconds(ask))
    kept = {name: {"at_most": LIMIT_MS, "kept": statistics.median(each) <= LIMIT_MS} for name, each in found.items()}
    return {name: figure(each, "ms", baseline=base) | kept[name] for name, each in found.items()}


def _milliseconds(ask: Callable[[], Any]) -> float:
    times = []
    for _ in range(ASKED):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def of_store(size: Size, store: Store, jobs: int) -> dict[str, Report]:
    fill(store, jobs)
    whole = store.page(JOBS, number=jobs // 20 - 1)
    assert (whole.total, len(whole.items)) == (jobs, 20)
    asks = {name: lambda page=page: page(store) for name, page in pages(jobs).items()}
    return measured(size, lambda: bare(store), asks)


async def over_http(size: Size, home: Path, jobs: int) -> dict[str, Report]:
    async with parts("center", home=home) as system:
        said = system.said
        access = {"Authorization": f"Bearer {said['MLC_CENTER_TOKEN']}"}
        return await asyncio.to_thread(_over_http, size, said["MLC_CENTER_URL"], access, jobs)


def _over_http(size: Size, url: str, access: dict[str, str], jobs: int) -> dict[str, Report]:
    with httpx.Client(base_url=url, headers=access, timeout=60) as http:

        def ask(path: str) -> dict[str, Any]:
            document: dict[str, Any] = http.get(path).raise_for_status().json()
            return document

        assert ask(pages(jobs)["middle"].path())["page"]["totalElements"] == jobs
        # The page of 200 is one for people, which the centre makes of its store itself.
        of_20 = {name: page for name, page in pages(jobs).items() if page.size == 20}
        asks = {name: lambda page=page: ask(page.path()) for name, page in of_20.items()}
        return measured(size, lambda: ask("notifications"), asks)


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The address of an empty database; None if there is no server."""
    if given := os.environ.get("MLC_BENCH_POSTGRESQL"):
        yield given
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    try:
        from tests import postgres_server
    except ImportError:
        yield None
        return
    if postgres_server.unavailable():
        yield None
        return
    with postgres_server.running_postgres() as server:
        yield server.url(server.create())


def main() -> int:
    size = asked(__doc__)
    jobs = size.of(100_000, 20_000, 400)
    figures: dict[str, Report] = {}
    skipped = {}
    with tempfile.TemporaryDirectory(prefix="mlc-bench-") as folder:
        told("SQLite")
        store = Store(Path(folder) / "center.db")
        figures |= {f"sqlite_{name}": each for name, each in of_store(size, store, jobs).items()}
        store.close()
        told("over HTTP")
        over = asyncio.run(over_http(size, Path(folder), jobs))
        figures |= {f"http_{name}": each for name, each in over.items()}
    with tempfile.TemporaryDirectory(prefix="mlc-bench-") as folder, postgresql() as url:
        if url is None:
            skipped["postgresql"] = "there is no server: set MLC_BENCH_POSTGRESQL"
        else:
            told("PostgreSQL")
            store = Store(url, folder)
            figures |= {f"postgresql_{name}": each for name, each in of_store(size, store, jobs).items()}
            store.close()
    return report("listings", size, figures, skipped=skipped, jobs=jobs)


if __name__ == "__main__":
    sys.exit(main())
