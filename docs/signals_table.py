"""Writes docs/signals.md from the registry of processes: ``python docs/signals_table.py > docs/signals.md``."""

from collections.abc import Iterator

from mlc.center.modelop.signals import PREFIX, ModelOpSignals
from mlc.model.process import Processes
from workflows.registry import PROCESSES

INTRODUCTION = f"""# Signals

ModelOp's signals, as the gateway takes them (`POST /mlc-service/rest/signal` and `/signalResponsive`) and schedules
send them. Each name has `{PREFIX}` before it. The workflow ids are the same for the same
variables and key: the caller's `Idempotency-Key` (of a schedule, its id), or something random.

The answer to a signal that runs monitors lists them: `"monitors": ["Stability Monitor: PSI/CSI"]`. Where the snapshot
carries none that is meant, nothing is started: the answer is 400, and says which it carries."""

HEADER = "| signal | what comes of it | variables | workflow id |\n|---|---|---|---|"


def document(processes: Processes = PROCESSES) -> str:
    """The whole page."""
    return f"{INTRODUCTION}\n\n{HEADER}\n" + "\n".join(rows(processes))


def rows(processes: Processes) -> Iterator[str]:
    signals = ModelOpSignals(processes)
    for name, what in signals.names.items():
        means = "<br>".join(f"`{variable}`: {meaning}" for variable, meaning in signals.meanings(name).items())
        process, signal = signals.processes.get(name, (None, None))
        started = f"`{process.id_pattern}`, {signal.starts}" if process and signal else ""
        yield f"| `{name.removeprefix(PREFIX)}` | {what} | {means} | {started} |"


if __name__ == "__main__":
    print(document())
