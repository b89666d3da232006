"""`mlc.monitors` costs next to nothing to import, says what it needs, and its nulls don't pass a decision table."""

from __future__ import annotations

import subprocess
import sys

import pytest
from monitors.frames import field, frame, schema

import mlc.dmn
from mlc.model.monitor_plan import CLASSIFICATION, REGRESSION
from mlc.monitors import MONITORS, MonitorError
from mlc.standalone.monitors import monitor_folders


def test_the_import_loads_neither_numpy_nor_pandas_nor_anything_else_of_the_project() -> None:
    code = "import sys; import mlc.monitors; print(*sorted(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"numpy", "pandas", "scipy", "sklearn", "pydantic", "temporalio"} & set(loaded.stdout.split())
    code = "import sys; import mlc.monitors; print(*(name for name in sys.modules if name.startswith('mlc.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert {".".join(name.split(".")[:2]) for name in loaded.stdout.split()} == {"mlc.monitors"}


def test_the_names_are_those_that_snapshots_get() -> None:
    assert set(MONITORS) == {*CLASSIFICATION, *REGRESSION}
    assert {name: monitor.inputs for name, monitor in MONITORS.items()} == {
        name: tuple(folder.model.required_roles) for name, folder in monitor_folders().items()
    }


def test_a_monitor_without_one_of_its_frames_says_so() -> None:
    with pytest.raises(MonitorError, match="reads BASELINE_DATA and COMPARATOR_DATA, and got 1 data frames"):
        MONITORS["Stability Monitor: PSI/CSI"].compute(frame(x=[1]), schema=schema(field("x")))


TABLE = """
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="d"><decision id="v" name="v">
<decisionTable hitPolicy="COLLECT"><input label="x_CSI"><inputExpression><text>x_CSI</text></inputExpression></input>
<output name="passes" typeRef="boolean"/><rule><inputEntry><text>&gt;= 0.2</text></inputEntry>
<outputEntry><text>false</text></outputEntry></rule></decisionTable></decision></definitions>
"""


def test_a_scalar_that_could_not_be_computed_is_a_null_input_and_no_pass() -> None:
    described = schema(field("x"), field("score", "score"))
    monitor = MONITORS["Stability Monitor: PSI/CSI"]
    table = mlc.dmn.load(TABLE.encode())
    good = frame(x=[1.0, 2.0], score=[1.0, 2.0])
    assert table.evaluate({"x_CSI": monitor.compute(good, good, schema=described)["x_CSI"]}).problems == []
    result = monitor.compute(good, good.assign(x=["a", "b"]), schema=described)
    problems = table.evaluate({"x_CSI": result["x_CSI"]}).problems
    assert [problem.kind for problem in problems] == [mlc.dmn.Kind.NULL_INPUT]
