"""The five monitors by the names that ModelOp gives them; NumPy and pandas are loaded when one of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import needs
from .errors import MonitorError
from .schema import Field, Schema

if TYPE_CHECKING:
    import pandas as pd

BASELINE, COMPARATOR = "BASELINE_DATA", "COMPARATOR_DATA"


@dataclass(frozen=True)
class Monitor:
    """A monitor: what it reads, and where it is.

    Attributes:
        inputs: roles of the assets that it reads, in the order of the function's arguments.
        function: module of this package, and the function in it.
        lacking: what a schema lacks for it, in sentences.
        reads: the fields of a schema whose columns it reads in each of its frames.
        doubtful: what is probably not meant in a schema that suffices for it, in sentences.
    """

    name: str
    inputs: tuple[str, ...]
    function: tuple[str, str]
    lacking: Callable[[Schema], list[str]]
    reads: Callable[[Schema], list[Field]]
    doubtful: Callable[[Schema], list[str]] = lambda _: []

    def compute(self, *frames: pd.DataFrame, schema: Schema, **settings: Any) -> dict[str, Any]:
        """The test result.

        Args:
            frames: one for each of ``inputs``.
            settings: keyword arguments of the function.

        Raises:
            MonitorError: schema or data don't suffice, or there is not one frame for each input.
        """
        if len(frames) != len(self.inputs):
            raise MonitorError([f"{self.name} reads {' and '.join(self.inputs)}, and got {len(frames)} data frames."])
        module, name = self.function
        found: dict[str, Any] = getattr(import_module(f".{module}", __package__), name)(*frames, schema, **settings)
        return found


def _listed(*monitors: Monitor) -> Mapping[str, Monitor]:
    return {monitor.name: monitor for monitor in monitors}


MONITORS = _listed(
    Monitor(
        "Performance Monitor: Regression",
        (COMPARATOR,),
        ("performance", "regression"),
        needs.regression,
        needs.label_and_score,
    ),
    Monitor(
        "Performance Monitor: Classification",
        (COMPARATOR,),
        ("classification", "classification"),
        needs.classification,
        needs.label_and_score,
    ),
    Monitor(
        "Data Drift Monitor: Comprehensive Analysis",
        (BASELINE, COMPARATOR),
        ("drift", "data_drift"),
        needs.data_drift,
        needs.compared_for_drift,
        needs.odd_candidates,
    ),
    Monitor(
        "Concept Drift Monitor: Comprehensive Analysis",
        (BASELINE, COMPARATOR),
        ("drift", "concept_drift"),
        needs.concept_drift,
        needs.score,
    ),
    Monitor(
        "Stability Monitor: PSI/CSI",
        (BASELINE, COMPARATOR),
        ("stability", "stability"),
        needs.stability,
        needs.bucketed,
    ),
)
"""By name."""
