"""The commands in the README and in docs/commands.md, run as they stand there."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_process import ROOT, Dev, environment, mlc, wait_until

from mlc.temporal import connect_at

pytestmark = pytest.mark.timeout(300)

PAGES = [ROOT / "README.md", ROOT / "docs" / "commands.md"]
TEXT = "".join(page.read_text() for page in PAGES)


def block_after(words: str) -> list[str]:
    """The lines of the first console block after these words."""
    block = TEXT.split(words, 1)[1].split("```console\n", 1)[1].split("```", 1)[0]
    return block.strip().splitlines()


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    running = Dev(tmp_path_factory.mktemp("readme") / "home").ready()
    yield running
    assert running.end(signal.SIGTERM) == 0


@pytest.fixture(scope="module")
def snapshot(dev: Dev) -> str:
    """A snapshot whose run waits for the reviewer on MLR-1."""
    said = mlc(dev.home, "submit", "examples/diabetes", "--tag", "run_test", "--tag", "jira")
    assert said.returncode == 0, said.stderr
    found = re.search(r"deploy-(\S+)", said.stdout)
    assert found
    wait_until(lambda: waits_on(dev, found[0]) == "MLR-1")
    return found[1]


def waits_on(dev: Dev, workflow_id: str) -> str | None:
    """The ticket that a run waits for in its review. Asked again and again, the `temporal` command is too busy."""

    async def asked() -> dict[str, Any]:
        run = (await connect_at(dev.setting("TEMPORAL_ADDRESS"))).get_workflow_handle(workflow_id)
        answer: dict[str, Any] = await run.query("status")
        return answer

    status = asyncio.run(asked())
    return status["open_tickets"][0]["key"] if status["phase"] == "review" and status["open_tickets"] else None


def shell(dev: Dev, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line as it stands there, but for the ports of this installation."""
    gateway = f"127.0.0.1:{dev.setting('MLC_GATEWAY_PORT')}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command.replace("127.0.0.1:8090", gateway).replace(".venv/bin/", "")],
        env=environment(dev.home, TEMPORAL_ADDRESS=dev.setting("TEMPORAL_ADDRESS"), PATH=path, **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# What each command prints, so that one that does nothing does not pass.
SAID = {
    "start": "WorkflowId",
    "metadata": "**Waiting for** an answer to [MLR-1]",
    "query": '"phase":"review"',
    "list --query 'MlcPhase": "",
    "list --query 'MlcTickets": "deploy-",
    "update": "pending",
    "signal": "Signal workflow succeeded",
    "list --query 'TemporalReportedProblems": "",
    "cancel": "Canceled workflow",
}


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_misspelt_signal_is_accepted_and_comes_to_nothing(dev: Dev, snapshot: str) -> None:
    (signal,) = (command for command in block_after("<!-- commands") if "workflow signal" in command)
    done = shell(dev, signal.replace("ticket_changed", "tiket_changed"), SNAPSHOT=snapshot)
    assert (done.returncode, "succeeded" in done.stdout) == (0, True)
    assert '"phase":"review"' in shell(dev, block_after("<!-- commands")[2], SNAPSHOT=snapshot).stdout


def test_the_temporal_commands_do_what_they_say(dev: Dev, snapshot: str) -> None:
    commands = block_after("<!-- commands")
    assert len(commands) == len(SAID)
    for command, (begins, says) in zip(commands, SAID.items(), strict=True):
        assert command.startswith(f"temporal workflow {begins}"), "docs/commands.md and this test go together"
        done = shell(dev, command, SNAPSHOT=snapshot)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout, f"{command}\n{done.stdout}"


def test_a_deployment_is_ended_by_hand(dev: Dev, snapshot: str) -> None:
    url, token = dev.setting("MLC_CENTER_URL"), dev.setting("MLC_CENTER_TOKEN")
    headers = {"Authorization": f"Bearer {token}"}
    made = httpx.post(f"{url}/deployedModels", json={"deployableModel": {"id": snapshot}}, headers=headers).json()
    assert made["state"] == "DEPLOYED"
    (curl,) = block_after("To end a deployment by hand")
    done = shell(dev, curl.replace("DEPLOYMENT", made["id"]), MLC_CENTER_URL=url, MLC_CENTER_TOKEN=token)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "UNDEPLOYED"


def test_three_lines_make_the_commands_work_in_a_new_terminal(dev: Dev, snapshot: str, tmp_path: Path) -> None:
    """In a checkout with its environment and its home, as `make dev` makes them, and nothing else set."""
    (tmp_path / ".mlc").symlink_to(dev.home)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    path, settings, own = block_after("After `make dev`")
    assert own == "SNAPSHOT=..."
    gateway = f"127.0.0.1:{dev.setting('MLC_GATEWAY_PORT')}"
    (curl,) = block_after("The same start as ModelOp")
    commands = [block_after("<!-- commands")[2], curl.replace("127.0.0.1:8090", gateway), "mlc schedule list"]
    for command, says in zip(commands, ('"phase":', '"workflowIds"', ""), strict=True):
        done = subprocess.run(
            ["bash", "-ec", "\n".join([path, settings, f"SNAPSHOT={snapshot}", command])],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert says in done.stdout, f"{command}\n{done.stdout}"


def test_the_signal_by_curl_is_taken(dev: Dev, snapshot: str) -> None:
    (command,) = block_after("The same start as ModelOp")
    done = shell(dev, command, SNAPSHOT=snapshot, MLC_GATEWAY_TOKEN=dev.setting("MLC_GATEWAY_TOKEN"))
    assert done.returncode == 0, done.stderr
    assert '"workflowIds"' in done.stdout


def test_a_ticket_is_decided_as_it_says(dev: Dev) -> None:
    said = mlc(dev.home, "submit", "examples/diabetes", "--tag", "run_test", "--tag", "jira")
    assert said.returncode == 0, said.stderr
    found = re.search(r"deploy-\S+", said.stdout)
    assert found
    status = f"temporal workflow query -w {found[0]} --type status"
    wait_until(lambda: waits_on(dev, found[0]))
    (key,) = set(re.findall(r"MLR-\d+", shell(dev, status).stdout))
    account = {name: dev.setting(name) for name in ("MLC_JIRA_URL", "MLC_JIRA_USER", "MLC_JIRA_TOKEN")}
    for command in block_after("<!-- commands: tests/cli decides by them -->"):
        done = shell(dev, command.replace("curl ", "curl --fail ").replace("MLR-1/", f"{key}/"), **account)
        assert done.returncode == 0, done.stderr
    wait_until(lambda: '"reason":"The data are of this year."' in shell(dev, status).stdout)
    assert '"outcome":"approved"' in shell(dev, status).stdout


def test_back_tests_and_batch_jobs_start_as_it_says(dev: Dev, snapshot: str) -> None:
    by_hand, signal, batch, schedules = block_after("<!-- commands: tests/cli runs these, too -->")
    token = dev.setting("MLC_GATEWAY_TOKEN")
    for command, says in [
        (by_hand, '"outcome":"passed"'),
        (signal, f'"back-test-{snapshot}-2026-11-22"'),
        (batch, "WorkflowId"),
        (schedules, "schedule"),
    ]:
        done = shell(dev, command, SNAPSHOT=snapshot, MLC_GATEWAY_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout, f"{command}\n{done.stdout}"


def test_the_decision_table_commands_answer(dev: Dev) -> None:
    check, evaluate, show, test = (line for line in block_after("Then, in another terminal") if " dmn " in line)
    assert shell(dev, check).returncode == 0
    assert "recall" in shell(dev, evaluate).stdout
    assert "✓ 1" in shell(dev, show).stdout
    tested = shell(dev, test)
    assert (tested.returncode, tested.stderr) == (0, "")


def test_the_check_finds_nothing_missing_in_standalone_mode(dev: Dev, snapshot: str) -> None:
    done = mlc(dev.home, "check")
    assert (done.returncode, done.stderr) == (0, "")
    findings = [line for line in done.stdout.splitlines() if line.startswith(" ")]
    assert len(findings) > 20
    assert [line for line in findings if not line.startswith(("  ✓ ", "  · "))] == []
    open_questions = (
        *("Transitions to these statuses: no ticket of ours", "Whether the account may make", "Temporal "),
        "Models can't be isolated by ",
    )
    for note in (line for line in findings if line.startswith("  · ")):
        assert note.startswith(tuple(f"  · {question}" for question in open_questions))
    assert done.stdout.endswith("Nothing is missing.\n")


def test_the_check_says_what_to_do_and_fails_where_something_is_missing(dev: Dev) -> None:
    done = mlc(dev.home, "check", TEMPORAL_ADDRESS="127.0.0.1:1", MLC_JIRA_TOKEN="hush-hush")
    assert (done.returncode, done.stderr) == (1, "")
    assert "  ✗ Temporal can't be reached at 127.0.0.1:1: start it" in done.stdout
    assert ": correct MLC_JIRA_USER and MLC_JIRA_TOKEN." in done.stdout
    assert "  ✓ Monitors: all 5 are there" in done.stdout
    assert done.stdout.endswith("2 to be put right.\n")
    assert "hush" not in done.stdout


def test_every_program_says_in_one_line_what_it_is_and_warns_of_nothing(dev: Dev) -> None:
    temporal = f"namespace default at {dev.setting('TEMPORAL_ADDRESS')}"
    said = {
        "worker": f"Worker on task queue mlc of {temporal}; tickets: jira, servicenow",
        "gateway": f"Gateway on http://127.0.0.1:{dev.setting('MLC_GATEWAY_PORT')}",
        "batch-prod": f"Runtime batch-prod of stage PROD, Temporal's {temporal}",
        "online-prod": f"Runtime online-prod of stage PROD, Temporal's {temporal}; online at http://127.0.0.1:",
    }
    for program, line in said.items():
        log = (dev.home / "logs" / f"{program}.log").read_text()
        assert log.count(line) == 1, log
        assert "is no setting" not in log
        assert line not in dev.said()
