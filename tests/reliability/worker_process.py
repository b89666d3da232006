"""``mlc worker`` in a process of its own, which can be killed as the kernel would."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from processes.office import Office


class WorkerProcess:
    """A worker for an office, with its settings in its environment and its log in ``folder``."""

    def __init__(self, office: Office, folder: Path) -> None:
        self._log = folder / "worker.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLC_", "TEMPORAL_"))}
        self._environment = kept | {
            "MLC_HOME": str(folder),
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TEMPORAL_ADDRESS": office.client.service_client.config.target_host,
            "TEMPORAL_NAMESPACE": office.client.namespace,
            "MLC_CENTER_URL": str(office.model_manage.base_url),
            "MLC_CENTER_TOKEN": "center-token",
            "MLC_CENTER_TIMEOUT": "80",  # longer than any fault holds it
            "MLC_JIRA_URL": str(office.jira.base_url.copy_with(path="/")),
            "MLC_JIRA_USER": "bot",
            "MLC_JIRA_TOKEN": "desk-token",
            "MLC_JIRA_PROJECT": office.project,
            "MLC_JIRA_TIMEOUT": "80",
            "MLC_TICKET_INDEX_LAG": "PT1S",
            "MLC_CENTER_INDEX_LAG": "PT1S",
            "MLC_JOB_POLL": "PT30S",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlc.cli", "worker"], env=self._environment, stdout=log, stderr=log
            )

    def freeze(self) -> None:
        """Stop it where it is, until ``thaw``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9. What it logged is shown if the test fails."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        print(self._log.read_text())
        self._log.write_text("")
