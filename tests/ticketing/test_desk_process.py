"""The desk as a process of its own: killed without warning it loses nothing, told to stop it stops."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
from desk_harness import TOKEN, USER, eventually

from mlc.model.ticket import Answer
from mlc.ticketing import TicketRequest
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.settings import JiraSettings

SERVE = "from mlc.settings import DeskSettings; from mlc.standalone.desk.serve import serve; serve(DeskSettings())"


def start(port: int, home: Path) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "MLC_HOME": str(home), "MLC_DESK_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], env=environment | {"MLC_DESK_USER": USER, "MLC_DESK_TOKEN": TOKEN}
    )

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/rest/api/2/serverInfo", trust_env=False).is_success
        except httpx.HTTPError:
            assert process.poll() is None, "the desk ended"
            return False

    eventually(answers, 30)
    return process


def test_a_killed_desk_still_has_every_ticket_that_it_answered_for(tmp_path: Path, question: TicketRequest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    tickets = JiraTicketing(JiraSettings(url=f"http://127.0.0.1:{port}", user=USER, token=TOKEN))
    desk = start(port, tmp_path)
    try:
        refs = [tickets.create(question.model_copy(update={"label": f"gov-{n}"})) for n in range(5)]
        desk.kill()
        desk.wait(60)
        desk = start(port, tmp_path)
        assert [tickets.find(ref.label) for ref in refs] == [[ref] for ref in refs]
        assert {state.answer for state in tickets.get_many(refs).values()} == {Answer.PENDING}
        desk.send_signal(signal.SIGTERM)
        assert desk.wait(60) in {0, -signal.SIGTERM}
    finally:
        if desk.poll() is None:
            desk.kill()
            desk.wait(60)
