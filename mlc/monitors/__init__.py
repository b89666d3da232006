"""The five out-of-the-box monitors: metrics on pandas data frames, as pure computation. Needs the extra ``monitors``.

    schema = mlc.monitors.read_schema(text)
    result = mlc.monitors.MONITORS["Stability Monitor: PSI/CSI"].compute(baseline, sample, schema=schema)

`schema` reads the extended Avro schema, `inference` makes one from data, `needs` says what a schema lacks for a
monitor. `performance`, `classification`, `drift` (by `drift_tests` and `statistics`) and `stability` are the monitors;
`columns` is what they make of columns of all kinds, `columnwise` does the work column by column, `results` has the
form of a test result. `registry` lists them by name.

A column that can't be compared is named in the result (``not_compared``) and left out; a scalar that can't be computed
is null. What leaves nothing to compute is a ``MonitorError``. Importing this loads neither NumPy nor pandas.
"""

from .errors import MonitorError
from .inference import infer
from .job import schema_of
from .registry import MONITORS, Monitor
from .schema import DataClass, Field, Role, Schema, read_schema

__all__ = [
    "MONITORS",
    "DataClass",
    "Field",
    "Monitor",
    "MonitorError",
    "Role",
    "Schema",
    "infer",
    "read_schema",
    "schema_of",
]
