"""Installing a model's requirements: what is said meanwhile, how long it may take, and why it can't be done."""

import os
import platform
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from installing import installed
from jobs_in_centre import ended, job_on
from servers import eventually
from small_models import embedded, needing, tiny_library

from mlc.center.modelop.client import ModelManage
from mlc.model.failure_text import failure_text
from mlc.model.job import JobKind
from mlc.runtime.environments import installation
from mlc.runtime.environments.installation import InstallRules
from mlc.runtime.environments.pip_output import PipOutput
from mlc.runtime.harness.functions import ModelFailure

Run = Callable[..., Any]
CSV = embedded("d.csv", "a\n1\n", file_format="CSV")
FULL = platform.python_version()
SHORT = FULL.rpartition(".")[0]


class Index:
    """A package index with the tiny library 1.0. ``statuses`` are the next answers, ``hanging`` keeps all waiting."""

    def __init__(self, folder: Path) -> None:
        self.wheel = tiny_library(folder, "1.0")
        self.statuses: list[int] = []
        self.asked: list[str] = []
        self.hanging = False
        self.done = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if outer.hanging:
                    outer.done.wait(60)
                status = outer.statuses.pop(0) if outer.statuses else 200
                content = outer.page(self.path)
                self.send_response(status if content else 404)
                self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/zip")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def page(self, path: str) -> bytes:
        if path.endswith(".whl"):
            return self.wheel.read_bytes()
        link = f'<a href="/{self.wheel.name}">{self.wheel.name}</a>'.encode()
        return link if path.startswith("/simple/tiny-library") else b""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The only index that pip knows."""
    (tmp_path / "wheels").mkdir()
    index = Index(tmp_path / "wheels")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.place}/simple")
    monkeypatch.setattr(installation, "FIRST_PAUSE", 0.1)
    thread = threading.Thread(target=index.server.serve_forever)
    thread.start()
    yield index
    index.done.set()
    index.server.shutdown()
    index.server.server_close()
    thread.join()


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Any]:
    """Makes an environment, and adds what is said meanwhile to a list: ``await install(requirements, said)``."""

    async def install(requirements: str, said: list[str], limit: float = 120) -> None:
        async def doing(what: str) -> None:
            said.append(what)

        try:
            async with installed(requirements, tmp_path, rules=InstallRules(time=limit), doing=doing):
                pass
        finally:
            assert list((tmp_path / "environments").glob("*.work")) == []

    return install


async def test_what_is_installed_is_said_and_then_that_the_model_runs(run: Run, index: Index) -> None:
    said: list[str] = []

    async def doing(what: str) -> None:
        said.append(what)

    outcome = await run(JobKind.METRICS, needing("tiny-library==1.0\npandas\n"), CSV, doing=doing)
    assert outcome.problem is None, outcome.messages
    assert said == [f"installing 1 package for Python {SHORT}", "running the model"]
    assert f"metrics job job-1: installing 1 package for Python {SHORT}" in outcome.messages
    said.clear()
    await run(JobKind.METRICS, needing("pandas\n"), CSV, doing=doing)
    assert said == []


async def test_the_centre_shows_what_a_job_installs_while_it_does_so(
    center: ModelManage, start_runtime: Callable[..., Any], index: Index
) -> None:
    runtime = await start_runtime()
    index.hanging = True
    job = await center.create_job(job_on(runtime.settings.name, needing("tiny-library==1.0"), CSV))

    async def doing() -> str | None:
        return ((await center.get_job(job.id)).runtime_info or {}).get("doing")

    assert await eventually(doing) == f"installing 1 package for Python {SHORT}"
    index.done.set()
    done = await ended(center, job.id)
    assert (done.job_status, done.job_result) == ("COMPLETE", "SUCCESS"), done.job_messages


async def test_only_packages_are_counted(install: Run, index: Index, tmp_path: Path) -> None:
    many = "".join(f"no-such-library-{n}==1\n" for n in range(14))
    with pytest.raises(ModelFailure, match=r"No matching distribution found for no-such-library-0==1"):
        await install(f"# fourteen\npandas\n{many}", said := [])
    assert said == [f"installing 14 packages for Python {SHORT}"]
    assert len(index.asked) == 1


async def test_a_package_that_is_not_there_fails_at_once_with_its_name_the_python_and_pips_reason(
    run: Run, index: Index
) -> None:
    outcome = await run(JobKind.METRICS, needing("tiny-library==7\n"), CSV)
    assert outcome.problem == (
        f"The model's requirements can't be installed for Python {FULL}: No matching distribution found for "
        "tiny-library==7; Could not find a version that satisfies the requirement tiny-library==7 (from versions: 1.0)."
    )
    assert failure_text(outcome.messages, 600) == outcome.problem
    assert len(index.asked) == 1


async def test_an_index_that_is_away_is_asked_again_until_it_is_there(install: Run, index: Index) -> None:
    index.statuses = [503, 503, 503]
    await install("tiny-library==1.0", said := [])
    assert said[:2] == [
        f"installing 1 package for Python {SHORT}",
        f"waiting for the package index, to install 1 package for Python {SHORT}",
    ]


async def test_an_index_that_stays_away_is_named_as_the_reason_when_the_time_is_over(
    install: Run, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(
        ModelFailure, match=r"the package index was away for the 8 seconds .* \(connection error: "
    ) as e:
        await install("tiny-library==1.0", [], limit=8)
    assert "No matching distribution" not in str(e.value)


async def test_an_installation_that_takes_too_long_is_ended(install: Run, index: Index) -> None:
    index.hanging = True
    with pytest.raises(ModelFailure, match=rf"Installing 1 package for Python {SHORT} took longer than 5 seconds"):
        await install("tiny-library==1.0", [], limit=5)


async def test_credentials_of_an_index_reach_no_message(
    run: Run, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.statuses = [401] * 9
    monkeypatch.setenv("PIP_INDEX_URL", f"http://robot:hidden-token@{index.place}/simple")
    outcome = await run(JobKind.METRICS, needing("tiny-library==1.0\n"), CSV)
    said = "\n".join(outcome.messages)
    assert "hidden-token" not in said
    assert "No matching distribution found for tiny-library==1.0" in outcome.problem
    assert "401 Client Error: Unauthorized" in outcome.problem


PRIVATE = ["https://robot:p%40ss-word@host/simple", "x @ https://ghp_token@host/x.whl", "no address at all"]


@pytest.mark.parametrize(
    "line",
    [
        "Looking in indexes: https://robot:p%40ss-word@host/simple",
        "fatal: Authentication failed for 'https://robot:p%40ss-word@host/x.git/'",
        "user robot with p%40ss-word was refused",
        "ghp_token",
        "Downloading https://host/x.whl?X-Signature=abcdef&token=p%40ss-word",
        "http://other:elsewhere-known@host:80/ and ftp://another:elsewhere-known@host",
    ],
)
def test_a_line_of_pips_holds_no_credentials(line: str) -> None:
    (said,) = PipOutput(f"ERROR: {line}", PRIVATE).lines
    for secret in ("p%40ss-word", "ghp_token", "abcdef", "elsewhere-known"):
        assert secret not in said
    assert "****" in said


DEAD = "Could not fetch URL https://h/simple/x/: connection error: HTTPSConnectionPool(host='h', port=443) - skipping"
MISSING = "ERROR: No matching distribution found for x==9"


@pytest.mark.parametrize(
    ("text", "reason", "away"),
    {
        "nothing": ("", "", False),
        "no such version": (MISSING, "No matching distribution found for x==9", False),
        "with a time before it": (
            f"2026-11-29T13:21:51,531 {MISSING}",
            "No matching distribution found for x==9",
            False,
        ),
        "an index that is away": (f"{DEAD}\n{MISSING}", "No matching distribution found for x==9", True),
        "a fault of the index": (
            "ERROR: HTTP error 502 while getting https://h/x.whl",
            "HTTP error 502 while getting https://h/x.whl",
            True,
        ),
        "it came back": (
            f"WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError': /simple/x/\n{MISSING}",
            "No matching distribution found for x==9",
            False,
        ),
        "a certificate": (
            f"Could not fetch URL https://h/: There was a problem confirming the ssl certificate: Max retries exceeded"
            f" - skipping\n{MISSING}",
            "No matching distribution found for x==9",
            False,
        ),
        "not found": (
            f"Could not fetch URL https://h/: 404 Client Error: Not Found for url: https://h/ - skipping\n{MISSING}",
            "No matching distribution found for x==9",
            False,
        ),
        "another Python": (
            f"ERROR: Ignored the following versions that require another python: 1.0 Requires-Python >=3.13\n{MISSING}",
            "No matching distribution found for x==9; Ignored the following versions that require another python: 1.0 "
            "Requires-Python >=3.13",
            False,
        ),
        "a fault of pip": (
            "ERROR: Exception:\nTraceback (most recent call last):\n  File f, line 1\nPermissionError: [Errno 13] x",
            "PermissionError: [Errno 13] x",
            False,
        ),
        "a build": (
            "  error: subprocess-exited-with-error\n  \N{MULTIPLICATION SIGN} setup.py did not run successfully.\n"
            "  \N{MULTIPLICATION SIGN} setup.py did not run successfully.\n  hint: see above",
            "setup.py did not run successfully",
            False,
        ),
        "a build, in its log": (
            "Processing ./src\nERROR: [present-rich] Getting requirements to build wheel exited with 1",
            "./src: Getting requirements to build wheel exited with 1",
            False,
        ),
        "a build of a package": (
            "Collecting a==1 (from -r r.txt (line 1))\nCollecting odd-one==2 (from -r r.txt (line 2))\n"
            "  Collecting setuptools\n  \N{MULTIPLICATION SIGN} setup.py did not run successfully.",
            "odd-one==2: setup.py did not run successfully",
            False,
        ),
    }.values(),
)
def test_pips_reason_is_found_and_an_index_that_is_away_is_told_from_a_package_that_is_not_there(
    text: str, reason: str, away: bool
) -> None:
    output = PipOutput(text)
    assert (output.reason(), bool(output.outage())) == (reason, away)


def test_what_pip_was_at_is_told_without_where_it_was_asked_for() -> None:
    text = "2026-01-02T03:04:05,678 Collecting torch==2.1 (from -r /job/requirements.txt (line 3))\nCreated temporary x"
    assert PipOutput(text).step() == "Collecting torch==2.1"


def test_a_long_reason_is_cut() -> None:
    versions = ", ".join(f"1.{n}" for n in range(1000))
    assert len(PipOutput(f"ERROR: Could not find a version (from versions: {versions})").reason()) <= 240
