"""``mlc processes``: what there is, and what starts it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlc.model.process import Processes, Signal


def lines(processes: "Processes") -> Iterator[str]:
    """The processes of a registry, with the signals that start them, for a person to read."""
    from mlc.center.modelop.signals import ModelOpSignals
    from mlc.namespace import SCHEDULED

    signals = ModelOpSignals(processes)
    for process in processes:
        yield f"{process.name}: {process.summary}"
        if process.id_pattern:
            yield f"  {'id':<8}{process.id_pattern}"
        started = [(name, signal) for name, (other, signal) in signals.processes.items() if other is process]
        for name, signal in started:
            yield f"  {'signal':<8}{name}"
            yield f"  {'':<8}{_variables(signal)} ({signal.starts})"
        if process.name in SCHEDULED:
            yield f"  {'':<8}started by a Temporal Schedule that `mlc setup` makes{SCHEDULED[process.name]}"
        elif not started:
            yield f"  {'':<8}started by hand, or by a Temporal Schedule of your own"


def _variables(signal: "Signal") -> str:
    """What a signal brings: ``needs A, B; takes C``."""
    kinds = {verb: [each.name for each in signal.variables if each.required is needed] for verb, needed in _VERBS}
    return "; ".join(f"{verb} {', '.join(names)}" for verb, names in kinds.items() if names)


_VERBS = (("needs", True), ("takes", False))
