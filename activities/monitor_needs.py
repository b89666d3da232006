"""Whether schema and data suffice for the out-of-the-box monitors: told when they are attached, not first at night.

A monitor is known by its name; of one that somebody has made, nobody but its author knows what it needs.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.arity import NotClear
from activities.chosen_inputs import chosen_monitor_inputs, shown_names, watched_inputs
from mlc.center import Contents
from mlc.data import headers
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import ExternalError
from mlc.model.scored import TruthColumns
from mlc.model.snapshot import Model, Snapshot
from mlc.model.truncation import truncate
from mlc.monitors import MONITORS, MonitorError, Schema, read_schema
from mlc.monitors.schema import Role

Columns = Mapping[tuple[str, str], Collection[str]]
"""Of a snapshot's files, by role and name: their columns, as far as they are known."""

LONGEST_LOOK = 10
"""Seconds for looking at files: what they lack is worth telling, and not worth waiting for."""
_PROBLEMS = 3
"""Sentences about one schema."""
_NO_SCHEMA = (
    "The model has no input schema, and each run of theirs will end in an error. Make one with mlc schema infer FILE, "
    "put it into the model's folder, and submit that."
)
_REMEDY = "Correct the schema, and submit the model anew: until then each run of theirs will end in an error."


def as_added(snapshot: Snapshot, monitor: Model, scored: bool) -> Model:
    """A monitor as a snapshot gets it: without production data, where the snapshot has none and its jobs read what the
    model has ``scored``.
    """
    production = AssetRole.COMPARATOR_DATA
    if not scored or monitor.required_roles.count(production) != 1 or snapshot.with_role(production):
        return monitor
    return without_production(monitor)


def without_production(monitor: Model) -> Model:
    """A monitor that reads everything but its production data from assets."""
    role = AssetRole.COMPARATOR_DATA
    return monitor.model_copy(
        update={
            "required_roles": [each for each in monitor.required_roles if each != role],
            "required_assets": [each for each in monitor.required_assets if each.role != role],
        }
    )


def attached(snapshot: Snapshot, scored: bool) -> tuple[dict[str, list[Asset]], list[str]]:
    """Of each out-of-the-box monitor that is on a snapshot already, by its name, what it reads; and a sentence for each
    that can't have it.
    """
    reads: dict[str, list[Asset]] = {}
    problems: list[str] = []
    for monitor in snapshot.monitors:
        if not monitor.watches or monitor.name not in MONITORS or monitor.name in reads:
            continue
        around = snapshot.model_copy(update={"assets": [*snapshot.assets, *monitor.assets]})
        needs = as_added(around, Model(name=monitor.name, required_roles=list(MONITORS[monitor.name].inputs)), scored)
        reads[monitor.name] = []
        try:
            reads[monitor.name] = watched_inputs(snapshot, monitor.name, needs)
        except ApplicationError as error:
            problems.append(truncate(f"{error.message} It is on the snapshot already.", 400))
    return reads, problems


def what_lacks(
    snapshot: Snapshot, reads: Mapping[str, Sequence[Asset]], columns: Columns, *, truth: bool = False
) -> list[str]:
    """A sentence or more for each thing that monitors lack, or that is probably not meant, with their names.

    Args:
        reads: of each monitor, by its name, what it reads of the snapshot.
        truth: labels of what the model scores may come later, and are kept for them.
    """
    named: defaultdict[str, list[str]] = defaultdict(list)
    doubts = list[str]()
    known = [name for name in reads if name in MONITORS]
    if known:
        schema, problem = schema_of(snapshot)
        for name in known:
            for why in [problem] if schema is None else _lacking(name, schema, reads[name], columns, truth=truth):
                named[why].append(name)
            doubts += [f"{name}: {doubt}" for doubt in MONITORS[name].doubtful(schema)] if schema is not None else []
    lacking = [f"Not all is there for {', '.join(names)}. {why}" for why, names in named.items()]
    return [truncate(said, 600) for said in [*lacking, *doubts]]


async def known_columns(contents: Contents, snapshot: Snapshot, read: Iterable[Asset], *, fetched: bool) -> Columns:
    """The columns of the files that monitors would read of an open snapshot; of as many as soon can be told.

    Nothing is read where the schema says nothing of columns.

    Args:
        fetched: those, too, that did not come with the snapshot, each by a request of its own.
    """
    if schema_of(snapshot)[0] is None:
        return {}
    files = {(each.role, each.name): each for each in read if fetched or not contents.keeps_by_hash(each)}
    found: dict[tuple[str, str], Collection[str]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_LOOK):
            for place, asset in files.items():
                if (columns := await _columns(contents, asset)) is not None:
                    found[place] = columns
    return found


def schema_of(snapshot: Snapshot) -> tuple[Schema | None, str]:
    """The model's extended input schema; or None, and why it is no use."""
    schemas = snapshot.model.input_schemas
    if not schemas:
        return None, _NO_SCHEMA
    try:
        return read_schema([schema.definition or {} for schema in schemas]), ""
    except MonitorError as error:
        return None, _mend(error.problems)
    except (RecursionError, ValueError):  # what it says is too deep or too long to be shown
        return None, _mend(["The schema can't be read."])


def truth_columns(schema: Schema) -> TruthColumns | None:
    """What truth is found by, and what it fills; None if the schema doesn't have exactly one column of each role."""
    identifiers, labels = schema.having(Role.IDENTIFIER), schema.having(Role.LABEL)
    if len(identifiers) != 1 or len(labels) != 1:
        return None
    return TruthColumns(identifier=identifiers[0].name, label=labels[0].name)


def _lacking(name: str, schema: Schema, inputs: Sequence[Asset], columns: Columns, *, truth: bool) -> Iterable[str]:
    monitor = MONITORS[name]
    if problems := monitor.lacking(schema):
        yield _mend(problems)
        return
    reads = dict.fromkeys(field.name for field in monitor.reads(schema))
    later = truth_columns(schema) if truth else None
    for asset in inputs:
        there = columns.get((asset.role, asset.name))
        if later and there is not None and asset.role == AssetRole.COMPARATOR_DATA and later.label not in there:
            if later.label in reads:
                yield _waits(asset, later)
            there = [*there, later.label]
        if there is not None and (absent := [column for column in reads if column not in there]):
            listed = ", ".join(repr(column) for column in shown_names(absent))
            yield f"{asset.name} ({asset.role}) lacks columns that the schema names: {listed}."


def _waits(asset: Asset, later: TruthColumns) -> str:
    return (
        f"{asset.name} ({asset.role}) has no label {later.label!r}: it waits for truth. Send that when it is known, "
        f"with mlc truth FILE; what the model has scored gets it by {later.identifier!r}. Until then there is "
        "nothing to measure, and each run ends in an error."
    )


def _mend(problems: list[str]) -> str:
    more = len(problems) - _PROBLEMS
    said = [truncate(problem, 150) for problem in problems[:_PROBLEMS]]
    return " ".join([*said, *([f"{more} more things are wrong with it."] if more > 0 else []), _REMEDY])


def inputs_of(snapshot: Snapshot, monitor: Model) -> list[Asset]:
    """What a monitor would read of a snapshot; nothing where that isn't clear, which is told elsewhere."""
    try:
        return chosen_monitor_inputs(snapshot, monitor)
    except NotClear:
        return []


async def _columns(contents: Contents, asset: Asset) -> Collection[str] | None:
    """The columns of a file that the centre has; None if a few bytes of it don't tell, or can't be had."""
    kind = headers.kind_of(asset.name)
    start = max((asset.size or 0) - headers.TAIL, 0) if kind == headers.PARQUET else 0
    if not asset.ref or not kind or (start and not contents.keeps_by_hash(asset)):
        return None  # what is embedded is read from its beginning only
    try:
        read = await _bytes(contents, asset, start, headers.TAIL if kind == headers.PARQUET else headers.HEAD)
    except ExternalError as error:
        activity.logger.warning("the columns of %s are not known: %s", asset.name, error)
        return None
    return await asyncio.to_thread(headers.parquet_columns if kind == headers.PARQUET else headers.csv_columns, read)


async def _bytes(contents: Contents, asset: Asset, start: int, most: int) -> bytes:
    found = bytearray()
    async with aclosing(contents.stream(asset, start=start)) as pieces:
        async for piece in pieces:
            found += piece
            if len(found) >= most:
                break
    return bytes(found[:most])
