"""Decision tables that belong to a monitor: they are for that monitor's results, and not judged on a model's own.

Which they are is read from the snapshot's associations, or from what a table asks for: every input a key that only one
monitor's results have. One key that is not known, such as a misspelt one, and the table is a business table: judged.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from mlc.center import Contents
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import Refused, TooLarge
from mlc.model.monitor_plan import wanted_monitors
from mlc.model.snapshot import Schema, Snapshot
from mlc.model.verdict import MODEL_METHODOLOGY, MODEL_RISK, MODEL_STAGE

FEATURE, SCORE = "{feature}", "{score}"
"""In a key: any field of the model's schemas; one whose role is the model's score."""
ABOUT_THE_MODEL = frozenset({MODEL_METHODOLOGY, MODEL_RISK, MODEL_STAGE})
"""What any table may ask for beside a result's own keys."""

_TESTS = (
    "Jensen-ShannonDistance",
    "Kolmogorov-SmirnovPValue",
    "Epps-SingletonPValue",
    "Kullback-LeiblerDivergence",
)
_EXTREMES = list(product(("max", "min"), _TESTS, ("", "Feature")))
NOT_COMPARED = "not_compared_count"
MONITOR_KEYS: Mapping[str, Sequence[str]] = {
    # Not those of the performance monitors: a model's own metrics function yields the same ones, and a table that asks
    # for accuracy judges the model.
    "Stability Monitor: PSI/CSI": (
        *(f"CSI_{extreme}CSIValue{feature}" for extreme in ("max", "min") for feature in ("", "Feature")),
        f"{FEATURE}_CSI",
        f"{SCORE}_PSI",
        *("PSI_maxPSIValue", "Stability_maxUnmatchedShare", NOT_COMPARED),
    ),
    "Data Drift Monitor: Comprehensive Analysis": (
        *(f"DataDrift_{extreme}{test}{feature}" for extreme, test, feature in _EXTREMES),
        *("DataDrift_maxNullShareDifference", NOT_COMPARED),
    ),
    "Concept Drift Monitor: Comprehensive Analysis": (
        *(f"ConceptDrift_{extreme}{test}Value{feature}" for extreme, test, feature in _EXTREMES),
        NOT_COMPARED,
    ),
}
"""Top-level keys of the results of the monitors that come with the model centre: those that are proven, and our own."""


async def associated(contents: Contents, snapshot: Snapshot, table: Asset, content: bytes, limit: int) -> str:
    """The monitor on the snapshot that a decision table is set on; empty if none.

    A monitor's table of the same name is the same one if its content can be seen to be the same. Where a monitor's
    can't be read it is not known to be: then what the table asks for says whose it is, or it is judged.

    Args:
        content: the table's.
        limit: bytes that are read of a monitor's.
    """
    for monitor in (other for other in snapshot.monitors if other.watches):
        for asset in monitor.assets:
            if (asset.role, asset.name) != (AssetRole.TEST_RESULT_COMPARATOR, table.name):
                continue
            if asset.sha256 and table.sha256:
                same = asset.sha256 == table.sha256
            else:
                same = await _content(contents, asset, limit) == content
            if same:
                return monitor.name or "a monitor without a name"
    return ""


def asking_for(
    inputs: Iterable[str], values: Mapping[str, Any], snapshot: Snapshot, more: Mapping[str, Sequence[str]]
) -> str:
    """The monitor whose results alone have all that a table asks for; empty if there is none.

    It must be on the snapshot, or one that will be added. One key that is not that monitor's, or that the model's own
    result has, and the table is none of a monitor's.

    Args:
        inputs: what the table asks for.
        values: what the model's own result has.
        more: further keys, by monitor (setting).
    """
    asked = set(inputs) - ABOUT_THE_MODEL
    if not asked or asked & values.keys():
        return ""
    names = [
        *(monitor.name for monitor in snapshot.monitors if monitor.watches),
        *wanted_monitors(snapshot.model.methodology)[0],
    ]
    for name in dict.fromkeys(names):
        keys = [*MONITOR_KEYS.get(name, ()), *more.get(name, ())]
        if keys and asked <= set(_filled(keys, snapshot)):
            return name
    return ""


def not_judged(table: str, monitor: str, snapshot: Snapshot) -> str:
    """What is said of a table that was left to its monitor."""
    there = any(other.name == monitor for other in snapshot.monitors)
    where = "" if there else ", which the snapshot does not have yet"
    return f"{table} belongs to the monitor {monitor!r}{where}, and was not judged."


def _filled(keys: Iterable[str], snapshot: Snapshot) -> Iterable[str]:
    """The keys with the names of the model's own fields in them."""
    schemas = [*snapshot.model.input_schemas, *snapshot.model.output_schemas]
    fields = [field for schema in schemas for field in _fields(schema)]
    scores = [str(field["name"]) for field in fields if str(field.get("role", "")).casefold() == "score"]
    for key in keys:
        if FEATURE in key:
            yield from (key.replace(FEATURE, str(field["name"])) for field in fields)
        elif SCORE in key:
            yield from (key.replace(SCORE, score) for score in scores)
        else:
            yield key


def _fields(schema: Schema) -> list[dict[str, Any]]:
    fields = (schema.definition or {}).get("fields")
    return [f for f in fields if isinstance(f, dict) and f.get("name")] if isinstance(fields, list) else []


async def _content(contents: Contents, asset: Asset, limit: int) -> bytes:
    """What can be read of it; empty if nothing can."""
    if not asset.ref:
        return b""
    try:
        return await contents.read(asset, limit=limit)
    except (TooLarge, Refused):
        return b""
