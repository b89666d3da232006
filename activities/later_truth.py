"""Truth that arrived later, for a monitor's job: where the monitor reads a label that can be found by an identifier."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from activities.monitor_needs import known_columns, schema_of, truth_columns
from mlc.center import Capability, Center
from mlc.model.asset import Asset
from mlc.model.failure import NotFound
from mlc.model.scored import TruthColumns
from mlc.model.snapshot import Snapshot
from mlc.monitors import MONITORS, Schema


def wanted_truth(center: Center, snapshot: Snapshot, monitor: str) -> TruthColumns | None:
    """The columns that truth would be about in a monitor's job; None if the job would read none.

    Args:
        monitor: the name of the monitor's model. Of one that isn't ours nobody knows what it reads: it is given truth.
    """
    schema, _ = schema_of(snapshot)
    if schema is None or Capability.KEEPS_TRUTH not in center.capabilities or not snapshot.model.id:
        return None
    columns = truth_columns(schema)
    return columns if columns is not None and _reads_label(monitor, schema, columns) else None


async def later_truth(center: Center, snapshot: Snapshot, opened: AsyncExitStack) -> Asset | None:
    """All truth of a snapshot's model at this moment, as a file; None if there is none.

    Args:
        opened: keeps the file open, until the job is made.
    """
    try:
        return await opened.enter_async_context(center.open_truth(snapshot.model.id))
    except NotFound:  # the model is gone, and its truth with it
        return None


async def has_no_label(
    center: Center, snapshot: Snapshot, monitor: str, columns: TruthColumns, records: Sequence[Asset]
) -> bool:
    """Whether a monitor would find no label at all in what was scored, as far as can be told from the files' heads."""
    if monitor not in MONITORS:
        return False
    found = await known_columns(center, snapshot, records, fetched=True)
    return len(found) == len(records) and all(columns.label not in names for names in found.values())


def _reads_label(monitor: str, schema: Schema, columns: TruthColumns) -> bool:
    known = MONITORS.get(monitor)
    return known is None or columns.label in {field.name for field in known.reads(schema)}
