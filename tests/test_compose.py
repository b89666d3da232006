"""docker-compose.temporal.yml, .env.example and Dockerfile, as far as they can be judged without a container engine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.testing import WorkflowEnvironment

ROOT = Path(__file__).parent.parent
FILE, EXAMPLE, DOCKERFILE = ROOT / "docker-compose.temporal.yml", ROOT / ".env.example", ROOT / "Dockerfile"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"temporal-schema", "temporal-namespace", "setup", "check"}
NOTHING_LISTENS = {"worker"}
NEEDED = re.findall(r"\$\{(\w+):\?", FILE.read_text())

SECRET = {name for name in re.findall(r"\$\{(\w+):", FILE.read_text()) if re.search("TOKEN$|PASSWORD|SECRET", name)}
CENTER = {"MLC_CENTER_TOKEN", "MLC_CENTER_CLIENT_SECRET"}
GIVEN: dict[str, set[str]] = {
    "setup": set(),
    "worker": CENTER | {"MLC_JIRA_TOKEN"},
    "gateway": CENTER | {"MLC_JIRA_WEBHOOK_SECRETS", "MLC_GATEWAY_TOKEN"},
    "check": SECRET - {"POSTGRES_PASSWORD"},
}
"""Which of the file's secrets each of our programs is given."""

by_service = pytest.mark.parametrize("name", SERVICES)


def docker_compose() -> list[str]:
    """The command of Docker Compose: of the test extra, or of this machine."""
    beside = Path(sys.executable).with_name("docker-compose")
    if beside.is_file():
        return [str(beside)]
    plugin = ["docker", "compose"]
    if (
        shutil.which("docker")
        and subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode == 0
    ):
        return plugin
    pytest.skip("there is no Docker Compose for this machine beside this Python (test extra), nor as a plugin")


def config(folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What Docker Compose makes of the file with these settings, and with no others."""
    values = folder / "values.env"
    values.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return subprocess.run(
        [*docker_compose(), "--file", str(FILE), "--env-file", str(values), "--profile", "*", "config"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    done = config(tmp_path, {name: f"given-{name}" for name in SECRET.union(NEEDED)})
    assert done.returncode == 0, done.stderr
    understood = yaml.safe_load(done.stdout)
    assert understood["services"].keys() == SERVICES.keys()
    for name, known in GIVEN.items():
        environment = understood["services"][name]["environment"]
        assert {each for each in SECRET if f"given-{each}" in environment.values()} == known, name
        assert environment["TEMPORAL_ADDRESS"] == "temporal:7233"
    assert understood["services"]["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", sorted(set(NEEDED)))
def test_docker_compose_refuses_to_start_without_what_is_needed_and_says_what(tmp_path: Path, name: str) -> None:
    done = config(tmp_path, {other: "given" for other in NEEDED if other != name} | {name: ""})
    assert done.returncode != 0
    assert f"required variable {name} is missing a value: set it to" in done.stderr


def test_the_example_names_every_variable_and_holds_no_value_for_what_is_secret() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", FILE.read_text()))
    lines = re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    assert {name for name, _ in lines} == used
    assert {name for name, value in lines if not value} >= set(NEEDED)
    assert not any(value for name, value in lines if re.search("TOKEN|PASSWORD|SECRET", name))


def test_there_is_no_password_in_the_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("TOKEN|PASSWORD|PWD|SECRET", variable):
                assert re.fullmatch(r"\$\{\w+:(\?[^}]+|-)\}", value), f"{variable} of {name}"


@by_service
def test_every_image_has_a_tag_of_a_release(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+[\w.-]*", SERVICES[name]["image"])
    if "build" in SERVICES[name]:
        version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        assert version
        assert SERVICES[name]["image"] == f"mlc-temporal:{version[1]}"


@by_service
def test_what_a_service_waits_for_is_there_and_can_come_true(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == expected
        assert other in ONE_SHOT or "healthcheck" in SERVICES[other]


@by_service
def test_services_come_back_are_asked_for_their_health_and_keep_their_logs_small(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    assert ("healthcheck" in service) is (name not in ONE_SHOT | NOTHING_LISTENS)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@by_service
def test_volumes_have_names_and_ports_are_of_this_machine_only(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def script(name: str) -> str:
    """A one-shot service's script, as its shell sees it."""
    [text] = SERVICES[name]["command"]
    return str(text).replace("$$", "$")


async def test_the_script_makes_the_namespace_and_leaves_one_that_is_there(dev_server: WorkflowEnvironment) -> None:
    address = dev_server.client.service_client.config.target_host
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "composed", "PATH": path}
    for said in ("Namespace composed successfully registered", "composed"):
        command = ["/bin/sh", "-euc", script("temporal-namespace")]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def test_the_script_brings_both_databases_to_their_schema_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text('#!/bin/sh\necho "$@"\ncase "$*" in *"$FAILS"*) exit 1;; esac\n')
    tool.chmod(0o755)

    def run(fails: str) -> subprocess.CompletedProcess[str]:
        settings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAILS": fails}
        command = ["/bin/sh", "-euc", script("temporal-schema")]
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)

    done = run("nothing")
    assert done.returncode == 0
    schema = "/etc/temporal/schema/postgresql/v12"
    assert done.stdout.splitlines() == [
        "--db temporal create",
        "--db temporal setup-schema -v 0.0",
        f"--db temporal update-schema -d {schema}/temporal/versioned",
        "--db temporal_visibility create",
        "--db temporal_visibility setup-schema -v 0.0",
        f"--db temporal_visibility update-schema -d {schema}/visibility/versioned",
    ]
    assert run("setup-schema").returncode == 1
    assert len(run("setup-schema").stdout.splitlines()) == 2


@pytest.mark.timeout(600)
def test_what_the_dockerfile_installs_is_whole_and_runs(tmp_path: Path) -> None:
    source, place = tmp_path / "src", tmp_path / "opt" / "mlc"
    source.mkdir()
    _, build, image = DOCKERFILE.read_text().split("\nFROM ")
    for *names, target in (line.split()[1:] for line in build.splitlines() if line.startswith("COPY ")):
        for name in names:
            found = ROOT / name
            if found.is_dir():
                shutil.copytree(found, source / target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(found, source / target)
    commands = [line.removeprefix("RUN ") for line in build.splitlines() if line.startswith("RUN ")]
    assert commands[0] == "python -m venv /opt/mlc"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    for command in commands[1:]:
        assert command.startswith("/opt/mlc/bin/pip install ")
        subprocess.run(command.replace("/opt/mlc", str(place)).split(), cwd=source, check=True)

    [packages] = place.glob("lib/python*/site-packages")
    for folder in ("mlc", "workflows", "activities"):
        expected = {path.relative_to(source) for path in (source / folder).rglob("*") if path.is_file()}
        assert [path for path in expected if not (packages / path).is_file()] == []

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{place}/bin", "TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_CONFIG_FILE": os.devnull}
        command = [str(place / "bin" / "mlc"), *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    assert 'ENTRYPOINT ["mlc"]' in image
    commands_used = {word for service in SERVICES.values() if "build" in service for word in service["command"]}
    assert commands_used == {"setup", "gateway", "worker", "check"}
    for command in commands_used - {"check"}:
        assert run(command, "--help").returncode == 0
        failed = run(command)
        assert failed.returncode == 1
        assert re.match("No ticket system is set up|No secret for webhooks|Temporal can't be reached", failed.stderr)
    checked = run("check")
    assert (checked.returncode, checked.stderr) == (1, "")
    assert "✗ Temporal can't be reached at 127.0.0.1:1" in checked.stdout


def test_the_build_context_leaves_out_what_is_secret_or_not_needed() -> None:
    first, *let_in = (ROOT / ".dockerignore").read_text().splitlines()
    assert first == "*"
    copied = {
        name for line in DOCKERFILE.read_text().splitlines() if line.startswith("COPY ") for name in line.split()[1:-1]
    }
    copied = {name for name in copied if not name.startswith(("--", "/"))}
    assert {line[1:] for line in let_in if line.startswith("!")} == copied


def test_the_image_does_not_run_as_root() -> None:
    *_, last = re.findall(r"^USER (\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert last == "10001"
