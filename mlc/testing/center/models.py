"""Models, files and snapshots that the suites work with."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from mlc.center import Center, NewFile
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.snapshot import Model, RuntimeName, Schema, Snapshot
from mlc.model.verdict import RuleOutcome, TableFindings, Verdict

SOURCE = b"def score(row):\n    yield {'Gr\xc3\xbc\xc3\x9fe': row}\n"
TABLE = b"<definitions/>"
DATA = bytes(range(256)) * 100
"""Longer than what an adapter may keep in memory, and no text."""

VERDICT = Verdict(
    judged=True,
    passed=False,
    rules=[RuleOutcome(table="t.dmn", rule=2, passes=False, reason="too low", category="Performance")],
    problems=["gini is missing"],
    warnings=["f1 is null"],
    findings=TableFindings(errors=1, warnings=2, said=["Warning: t.dmn, line 4: a gap"]),
)

Monitored = Callable[[str], Awaitable[Any]]
"""Has the centre keep a monitor's test result of a snapshot, which no process has made."""


def a_model(name: str = "Credit risk, Größe 2/3", **more: Any) -> Model:
    return Model(
        **{
            "name": name,
            "description": "d",
            "methodology": "Classification",
            "risk": "High",
            "stage": "dev",
            "tags": ["m"],
            "custom": {"owner": "me", "nested": {"fileContent": "x" * 5000}},
            "input_schemas": [Schema(name="rows.avsc", definition={"type": "record", "name": "row", "fields": []})],
            **more,
        }
    )


def some_files(folder: Path) -> list[NewFile]:
    """A source, test and training data, and a decision table."""
    contents = {"model.py": SOURCE, "test.csv": DATA, "train.csv": DATA[1:], "limits.dmn": TABLE}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    functions = {"init": "begin", "score": "score", "metrics": "measure", "train": "fit"}
    source = Asset(
        name="model.py", role=AssetRole.MODEL_SOURCE, kind=AssetKind.SOURCE, primary=True, functions=functions
    )
    return [
        NewFile(source, folder / "model.py"),
        NewFile(Asset(name="test.csv", role=AssetRole.TEST_DATA, format="CSV"), folder / "test.csv"),
        NewFile(Asset(name="train.csv", role=AssetRole.TRAINING_DATA, format="CSV"), folder / "train.csv"),
        NewFile(Asset(name="limits.dmn", role=AssetRole.TEST_RESULT_COMPARATOR), folder / "limits.dmn"),
    ]


async def a_snapshot(
    center: Center,
    folder: Path,
    name: str = "snapshot",
    *,
    model: Model | None = None,
    tags: Sequence[str] = ("run_test",),
    stage: str | None = None,
    target_runtimes: Sequence[RuntimeName] = (),
) -> Snapshot:
    """A snapshot of a model that has been saved, by default a new one."""
    saved = model or await center.save_model(a_model(), some_files(folder))
    return await center.create_snapshot(saved.id, name=name, tags=tags, stage=stage, target_runtimes=target_runtimes)
