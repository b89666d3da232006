"""Accuracy, precision, recall, F1, AUC and confusion matrix of labelled, scored records."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

import mlc.monitors

MONITOR = mlc.monitors.MONITORS["Performance Monitor: Classification"]
watched: dict[str, Any] = {}


# modelop.init
def init(job: dict[str, Any]) -> None:
    """Called once, with the job: keeps the schema of the model that is watched."""
    watched["schema"] = mlc.monitors.schema_of(job)


# modelop.metrics
def metrics(sample: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A test result: scalars for decision tables, and blocks for people."""
    yield MONITOR.compute(sample, schema=watched["schema"])
