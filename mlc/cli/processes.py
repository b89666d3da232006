"""``mlc processes``: what there is, and what starts it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlc.model.process import Processes


def lines(processes: "Processes") -> Iterator[str]:
    """The processes of a registry, with the signals that start them, for a person to read."""
    from mlc.center.modelop.signals import ModelOpSignals

    signals = ModelOpSignals(processes)
    for process in processes:
        yield f"{process.name}: {process.summary}"
        if process.id_pattern:
            yield f"  {'id':<8}{process.id_pattern}"
        started = [(name, signal) for name, (other, signal) in signals.processes.items() if other is process]
        for name, signal in started:
            yield f"  {'signal':<8}{name}"
            yield f"  {'':<8}{', '.join(signals.meanings(name))} ({signal.starts})"
        if not started:
            yield f"  {'':<8}started by a Temporal Schedule that `mlc setup` makes"
