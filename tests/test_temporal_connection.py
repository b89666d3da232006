"""Connecting to Temporal: in one place, by the user's settings, or by none of them."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlc.temporal import configured_address, connect, connect_at

ROOT = Path(__file__).parent.parent
OWNER = "mlc/temporal.py"
MAY = {
    "tests/runtime/running.py": "goes to the address of this test's own server",
    "tests/reliability/test_everything_killed.py": "goes to the address that `mlc dev` has written",
    "tests/processes/office.py": "goes through a proxy that cuts connections, in another namespace",
    "tests/center/test_center_dispatch.py": "counts calls, and refuses to connect at times",
    "tests/cli/test_cli_dev.py": "goes to the address that `mlc dev` has written",
    "tests/processes/test_ticket_queue.py": "is a worker of an earlier release, on this test's own server",
    "tests/processes/flood.py": "goes to the address of this test's own server, from a process of its own",
    "tests/processes/test_progress_of_a_batch_job.py": "is what the centre and the runtime of this test connect with",
    "tests/check/test_setup.py": "goes to a namespace that setup has made",
    "tests/runtime/test_run_job_namespace.py": "goes to the namespace in which jobs are run",
    "bench/bare.py": "goes to the address of this bench's own server, without the project's plugin",
    "bench/instant.py": "goes to the address of this bench's own server",
    "tests/check/check_site.py": "goes to a namespace that it has made",
}
"""Tests and benches that connect by themselves, and why."""


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)


def ways(source: str) -> Iterator[str]:
    """What a module does of its own to reach Temporal."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "connect" and "Client" in ast.unparse(node.value):
            yield ast.unparse(node)
        if isinstance(node, ast.Attribute) and node.attr in {"load_client_connect_config", "to_client_connect_config"}:
            yield node.attr
        if isinstance(node, ast.ImportFrom) and node.module == "temporalio.envconfig":
            yield node.module
        if isinstance(node, ast.Import | ast.ImportFrom) and "envconfig" in [alias.name for alias in node.names]:
            yield "envconfig"


def connecting() -> dict[str, list[str]]:
    folders = ("mlc", "workflows", "activities", "bench", "docs", "examples", "tests")
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    found = {str(file.relative_to(ROOT)): list(ways(file.read_text())) for file in files}
    return {file: what for file, what in found.items() if what}


def test_only_one_module_connects_to_temporal_by_the_users_settings() -> None:
    assert connecting().keys() - MAY.keys() == {OWNER}


def test_no_test_is_excused_that_does_not_connect() -> None:
    assert MAY.keys() <= connecting().keys()


@pytest.mark.parametrize(
    "source",
    [
        "from temporalio.client import Client\nasync def f(): await Client.connect('x')",
        "import temporalio.client as c\nasync def f(): await c.Client.connect('x')",
        "from temporalio.envconfig import ClientConfig as Other",
        "from temporalio import envconfig",
    ],
)
def test_a_module_that_connects_by_itself_is_found(source: str) -> None:
    assert list(ways(source))


@pytest.mark.usefixtures("no_settings")
async def test_without_settings_the_usual_address_is_taken() -> None:
    assert configured_address() is None
    assert (await connect(lazy=True)).service_client.config.target_host == "localhost:7233"


@pytest.mark.usefixtures("no_settings")
async def test_the_environment_names_server_and_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example.org:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "models")
    client = await connect(lazy=True)
    assert configured_address() == "temporal.example.org:7233"
    assert (client.service_client.config.target_host, client.namespace) == ("temporal.example.org:7233", "models")


@pytest.mark.usefixtures("no_settings")
async def test_an_address_of_our_own_is_reached_with_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ADDRESS", "temporal.example.org:7233"), ("NAMESPACE", "models"), ("API_KEY", "word")):
        monkeypatch.setenv(f"TEMPORAL_{name}", value)
    client = await connect_at("127.0.0.1:1")
    config = client.service_client.config
    assert (config.target_host, client.namespace, config.api_key) == ("127.0.0.1:1", "default", None)


@pytest.mark.usefixtures("no_settings")
async def test_a_server_that_is_not_there_is_said_at_once_unless_lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    with pytest.raises(RuntimeError, match="client connect"):
        await connect()
    await connect(lazy=True)
