"""Whether the data of a model folder have the columns that its schema calls predictors, as far as headers tell."""

from collections.abc import Sequence
from difflib import get_close_matches

from activities.monitor_needs import schema_of
from mlc.center import NewFile
from mlc.center.modelop.folder import shown
from mlc.data.headers import file_columns
from mlc.model.asset import AssetRole
from mlc.model.snapshot import Model, Snapshot
from mlc.monitors.schema import Role

_COMPARED = frozenset({AssetRole.TEST_DATA, AssetRole.TRAINING_DATA, AssetRole.BASELINE_DATA})
_SHOWN = 5
_CLOSE = 0.75


def column_warnings(model: Model, files: Sequence[NewFile]) -> list[str]:
    """A sentence for each file that lacks predictors, with the column that may be meant."""
    schema = schema_of(Snapshot(id="", model=model))[0]
    predictors = [field.name for field in schema.having(Role.PREDICTOR)] if schema else []
    warnings = []
    for asset, path in files if predictors else ():
        if path is None or asset.role not in _COMPARED or (there := file_columns(path)) is None:
            continue
        if absent := [name for name in predictors if name not in there]:
            spare = [name for name in there if name not in predictors]
            listed = ", ".join(_named(name, spare) for name in absent[:_SHOWN])
            more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
            warnings.append(
                f"{asset.name} ({asset.role}) lacks columns that the schema calls predictors: {listed}{more}."
            )
    return warnings


def _named(name: str, spare: Sequence[str]) -> str:
    near = get_close_matches(name[:100], spare[:1_000], n=1, cutoff=_CLOSE)
    return f"{shown(name, 60)!r}" + (f" (is {shown(near[0], 60)!r} meant?)" if near else "")
