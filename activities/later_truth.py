"""Truth that arrived later, for a monitor's job: where the monitor reads a label that can be found by an identifier."""

from contextlib import AsyncExitStack
from typing import NamedTuple

from activities.monitor_needs import schema_of, truth_columns
from mlc.center import Capability, Center
from mlc.model.asset import Asset
from mlc.model.failure import NotFound
from mlc.model.scored import TruthColumns
from mlc.model.snapshot import Snapshot
from mlc.monitors import MONITORS, Schema


class LaterTruth(NamedTuple):
    """All truth of a model at this moment, as a file, and the columns that it is about."""

    file: Asset
    columns: TruthColumns


async def later_truth(center: Center, snapshot: Snapshot, monitor: str, opened: AsyncExitStack) -> LaterTruth | None:
    """The truth that a monitor's job is to read; None if there is none, or nothing of it would be read.

    Args:
        monitor: the name of the monitor's model. Of one that isn't ours nobody knows what it reads: it is given truth.
        opened: keeps the file open, until the job is made.
    """
    schema, _ = schema_of(snapshot)
    if schema is None or Capability.KEEPS_TRUTH not in center.capabilities or not snapshot.model.id:
        return None
    columns = truth_columns(schema)
    if columns is None or not _reads_label(monitor, schema, columns):
        return None
    try:
        file = await opened.enter_async_context(center.open_truth(snapshot.model.id))
    except NotFound:  # the model is gone, and its truth with it
        return None
    return None if file is None else LaterTruth(file, columns)


def _reads_label(monitor: str, schema: Schema, columns: TruthColumns) -> bool:
    known = MONITORS.get(monitor)
    return known is None or columns.label in {field.name for field in known.reads(schema)}
