"""What the schema and the data of a snapshot lack for the monitors that it gets: told when they are attached."""

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pandas as pd
import pytest
from backroom import ASSETS, Backroom, asset

from activities import monitor_needs
from activities.monitor_needs import inputs_of, known_columns, what_lacks
from activities.monitors import MonitorActivities
from mlc.center.modelop import wire
from mlc.model.asset import Asset
from mlc.model.failure import Refused, Unavailable
from mlc.model.monitor_plan import CLASSIFICATION
from mlc.model.snapshot import Model, Schema, Snapshot
from mlc.standalone.monitors import monitor_folders

PERFORMANCE, DRIFT, CONCEPT, STABILITY = CLASSIFICATION
MODELS = {name: folder.model for name, folder in monitor_folders().items() if name in CLASSIFICATION}


def field(name: str, role: str, data_class: str = "categorical", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "string", "role": role, "dataClass": data_class, **more}


GOOD = [field("amount", "predictor", "numerical"), field("bad", "label"), field("score", "score")]


def record(*fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "credit", "fields": list(fields)}


def snapshot(*schemas: dict[str, Any] | None) -> Snapshot:
    told = [Schema(name=f"{number}.avsc", definition=each) for number, each in enumerate(schemas)]
    data = [Asset(name=f"{role.lower()}.csv", role=f"{role}_DATA", ref="r") for role in ("BASELINE", "COMPARATOR")]
    return Snapshot(id="s", model=Model(name="m", input_schemas=told), assets=data)


def reads(made: Snapshot) -> dict[str, list[Asset]]:
    """What each monitor reads of a snapshot."""
    return {name: inputs_of(made, model) for name, model in MODELS.items()}


def lacking(*schemas: dict[str, Any] | None) -> list[str]:
    made = snapshot(*schemas)
    return what_lacks(made, reads(made), {})


def test_a_schema_that_suffices_needs_no_word() -> None:
    assert lacking(record(*GOOD)) == []


def test_what_is_wrong_for_all_is_said_once_with_their_names_and_what_to_do() -> None:
    (said,) = lacking()
    assert all(name in said for name in CLASSIFICATION)
    assert "The model has no input schema" in said
    assert "mlc schema infer FILE" in said


@pytest.mark.parametrize(
    ("schemas", "names", "says"),
    [
        ([record(*GOOD), record(*GOOD)], CLASSIFICATION, "exactly one input schema, and there are 2"),
        ([None], CLASSIFICATION, "is no Avro record"),
        ([{"type": "record", "fields": "none"}], CLASSIFICATION, "is no Avro record"),
        ([record({"name": "x", "type": "int"})], CLASSIFICATION, "'x' has no role"),
        ([record(GOOD[0], GOOD[2])], [PERFORMANCE], "no field with the role label"),
        ([record(*GOOD[:2])], [PERFORMANCE, CONCEPT, STABILITY], "no field with the role score"),
        ([record(*GOOD[:2], field("score", "score", "numerical"))], [PERFORMANCE], '"dataClass": "categorical" if'),
        ([record(*GOOD[1:])], [DRIFT], "no column to compare"),
        ([record(*GOOD, field("other", "score"))], [PERFORMANCE], "2 fields with the role score ('score', 'other')"),
    ],
)
def test_what_a_schema_lacks_is_said_with_the_monitors_that_need_it(
    schemas: list[Any], names: list[str], says: str
) -> None:
    said = next(sentence for sentence in lacking(*schemas) if says in sentence)
    assert all(name in said for name in names)
    assert "Correct the schema, and submit the model anew" in said


def test_what_data_drift_compares_and_is_no_input_is_said_where_it_runs() -> None:
    odd = [field("id", "identifier", driftCandidate=True), field("bad", "label", driftCandidate=True), GOOD[2]]
    assert lacking(record(GOOD[0], *odd)) == [
        f"{DRIFT}: It compares the identifier 'id', the label 'bad' as it does predictors: if that isn't meant, set "
        "driftCandidate to false."
    ]
    made = snapshot(record(GOOD[0], *odd))
    assert what_lacks(made, {CONCEPT: reads(made)[CONCEPT]}, {}) == []
    many = [field(f"id{number}", "identifier", driftCandidate=True) for number in range(1_000)]
    (said,) = lacking(record(*GOOD, *many))
    assert "and 995 more" in said


def deep(levels: int) -> Any:
    made: Any = "score"
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize(
    "hostile",
    [
        record(field("x", deep(100_000))),
        record({"name": "x", "role": deep(100_000), "specialValues": deep(100_000), "positiveClassLabel": deep(10)}),
        record(field("x", "score", threshold=10**10_000)),
        record(field("x", "score", threshold=float("nan"), specialValues=[10**5_000, 10**5_000])),
        record(field("\ud800*bold*\x00\n" * 50_000, "score")),
        record(*[field(f"f{number}", "nobody") for number in range(20_000)]),
        record(*[{}] * 20_000),
        record(*[field("x", "score")] * 2_000),
        record(deep(100_000), None, 1, []),
        {"type": ["record"], "fields": {"a": 1}},
        {"schemaDefinition": {"schemaDefinition": "{"}},
        {},
    ],
)
def test_no_schema_is_so_bad_that_a_snapshot_gets_no_monitors(hostile: dict[str, Any]) -> None:
    made = snapshot()
    schema = Schema.model_construct(name="hostile.avsc", definition=hostile)  # what is too deep comes through no JSON
    made.model.input_schemas.append(schema)
    for said in what_lacks(made, reads(made), {}):
        assert len(said.encode()) <= 600
        assert said.isprintable()


def test_a_monitor_of_somebodys_own_is_not_judged_by_what_ours_need() -> None:
    made = snapshot()
    known = reads(made)
    assert what_lacks(made, {"Mine": known[DRIFT]}, {}) == []
    assert "Mine" not in what_lacks(made, {**known, "Mine": known[DRIFT]}, {})[0]


def test_columns_that_a_file_lacks_are_said_for_those_who_read_them() -> None:
    columns = {("BASELINE_DATA", "baseline.csv"): ["amount", "id"], ("COMPARATOR_DATA", "other.csv"): []}
    made = snapshot(record(*GOOD))
    (said,) = what_lacks(made, reads(made), columns)
    assert said == (
        f"Not all is there for {CONCEPT}, {STABILITY}. baseline.csv (BASELINE_DATA) lacks columns that the schema "
        "names: 'score'."
    )


class Files:
    """What files contain, by name; or what is raised, or never answered, when one is read."""

    def __init__(self, by_hash: bool = False, **files: bytes | Exception | None) -> None:
        self.files = {name.replace("_", "."): content for name, content in files.items()}
        self.by_hash = by_hash
        self.read: list[tuple[str, int]] = []

    def keeps_by_hash(self, asset: Asset) -> bool:
        return self.by_hash

    async def stream(self, asset: Asset, *, start: int = 0) -> AsyncGenerator[bytes]:
        self.read.append((asset.name, start))
        content = self.files[asset.name]
        if content is None:
            await asyncio.Event().wait()
        if not isinstance(content, bytes):
            raise content or AssertionError
        for place in range(start, len(content), 1_000):
            yield content[place : place + 1_000]


async def columns_of(files: Files, *names: str, schema: bool = True, fetched: bool = True) -> dict[str, Any]:
    """The columns of a baseline and a sample of these names."""
    made = snapshot(*[record(*GOOD)] if schema else [])
    roles = ("BASELINE_DATA", "COMPARATOR_DATA")
    assets = []
    for name, role in zip(names, roles, strict=True):
        content = files.files[name]
        size = len(content) if isinstance(content, bytes) else 9
        assets.append(Asset(name=name, role=role, ref="r", size=size))
    made = made.model_copy(update={"assets": assets})
    read = [asset for inputs in reads(made).values() for asset in inputs]
    found = await known_columns(files, made, read, fetched=fetched)  # type: ignore[arg-type]
    return {name: columns for (_, name), columns in found.items()}


def parquet(columns: int, rows: int = 1) -> bytes:
    made = io.BytesIO()
    pd.DataFrame({f"c{number}": [float(row) for row in range(rows)] for number in range(columns)}).to_parquet(made)
    return made.getvalue()


async def test_the_header_of_csv_and_the_footer_of_parquet_tell_the_columns(room: Backroom) -> None:
    csv = b"\xef\xbb\xbf" + b'amount,"the ""score""",bad\r\n' + b"1,2,3\r\n" * 100_000
    small, large = parquet(2), parquet(3, 200_000)
    files = Files(by_hash=True, a_csv=csv, b_parquet=small, c_parquet=large)
    assert await columns_of(files, "a.csv", "b.parquet") == {
        "a.csv": ["amount", 'the "score"', "bad"],
        "b.parquet": ["c0", "c1"],
    }
    assert (await columns_of(files, "a.csv", "c.parquet"))["c.parquet"] == ["c0", "c1", "c2"]
    assert ("c.parquet", len(large) - 256 * 1024) in files.read, "not from its beginning"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b'amount,"bad', b'"a"b,c\n', b"x" * 100_000, Refused("centre", "gone", status=404), parquet(1)[:-1]],
)
async def test_of_a_file_that_does_not_tell_its_columns_nothing_is_said(content: bytes | Exception) -> None:
    for name in ("a.csv", "a.parquet"):
        files = Files(by_hash=True, **{name.replace(".", "_"): content}, b_csv=b"x,y\n")
        found = await columns_of(files, name, "b.csv")
        assert name not in found or content == parquet(1)[:-1]


async def test_an_outage_or_a_file_that_never_comes_costs_seconds_and_no_monitor(
    monkeypatch: pytest.MonkeyPatch, room: Backroom
) -> None:
    down = Files(a_csv=b"x,y\n", b_csv=Unavailable("centre", "down"))
    assert await room.environment.run(columns_of, down, "a.csv", "b.csv") == {"a.csv": ["x", "y"]}
    monkeypatch.setattr(monitor_needs, "LONGEST_LOOK", 0.01)
    silent = Files(a_csv=b"x,y\n", b_csv=None)
    assert "b.csv" not in await room.environment.run(columns_of, silent, "a.csv", "b.csv")


async def test_files_that_can_only_be_read_from_their_beginning_or_are_of_no_use_are_not_read() -> None:
    files = Files(a_csv=b"x\n", b_parquet=parquet(3, 200_000), c_json=b"[]", d_gz=b"")
    assert await columns_of(files, "a.csv", "b.parquet") == {"a.csv": ["x"]}
    assert await columns_of(files, "c.json", "d.gz") == {}
    assert await columns_of(files, "a.csv", "a.csv", schema=False) == {}
    assert files.read == [("a.csv", 0)]
    apart = Files(by_hash=True, a_csv=b"x\n", b_csv=b"x\n")
    assert await columns_of(apart, "a.csv", "b.csv", fetched=False) == {}
    assert apart.read == []


async def test_what_is_lacking_is_told_before_and_after_and_all_are_added(monitored: Backroom) -> None:
    others = [each for each in ASSETS if each.asset_role != "BASELINE_DATA"]
    data = [asset("baseline.csv", "BASELINE_DATA", "amount,bad\n1,x\n"), *others]
    by_hash = monitored.port.settings.contents == "reference"
    for schemas, says in (
        ([], "has no input schema"),
        ([{"schemaDefinition": record(*GOOD)}], "baseline.csv (BASELINE_DATA) lacks columns"),
    ):
        id_ = await monitored.snapshot(assets=data, input_schema=schemas)
        plan = await monitored.run(monitored.monitors.plan_monitors, id_)
        added = await monitored.run(monitored.monitors.add_missing_monitors, id_)
        assert plan.add == added.added == list(CLASSIFICATION)
        assert added.missing == []
        assert any(says in warning for warning in plan.warnings)
        # A file that does not come with the snapshot is not asked for when nobody decides.
        assert added.warnings == ([] if schemas and by_hash else plan.warnings)


async def test_missing_production_data_are_no_obstacle_where_what_the_model_scores_is_compared(
    monitored: Backroom,
) -> None:
    standalone = monitored.port.settings.standalone
    baseline = [asset("baseline.csv", "BASELINE_DATA", "amount,bad,score\n1,x,y\n")]
    assets = [*baseline, *(each for each in ASSETS if each.asset_role not in {"BASELINE_DATA", "COMPARATOR_DATA"})]
    id_ = await monitored.snapshot(assets=assets, input_schema=[{"schemaDefinition": record(*GOOD)}])
    of_assets = MonitorActivities(monitored.port, reads_scored=False)
    for activities, waits in ((of_assets, False), (monitored.monitors, standalone)):
        plan = await monitored.run(activities.plan_monitors, id_)
        assert (plan.add if waits else list(plan.lacking)) == list(CLASSIFICATION)
        assert all("COMPARATOR_DATA" in why for why in plan.lacking.values())
        added = await monitored.run(activities.add_missing_monitors, id_)
        assert (added.added if waits else added.missing) == list(CLASSIFICATION)
        for warnings in (plan.warnings, added.warnings):
            told = [said for said in warnings if "until it has scored something" in said]
            assert len(told) == waits
            assert all(name in said for said in told for name in CLASSIFICATION)
    carried = (await monitored.port.get_snapshot(id_)).monitors
    reads = {monitor.name: [asset.role for asset in monitor.assets] for monitor in carried}
    assert reads == ({name: baselines(name) for name in CLASSIFICATION} if standalone else {})


async def test_what_those_lack_that_are_there_already_is_told_too(monitored: Backroom) -> None:
    by_hash = monitored.port.settings.contents == "reference"
    narrow = asset("narrow.csv", "BASELINE_DATA", "amount,bad\n1,x\n")
    others = [each for each in ASSETS if each.asset_role not in {"BASELINE_DATA", "COMPARATOR_DATA"}]
    production = asset("comparator.csv", "COMPARATOR_DATA", "amount,bad,score\n1,x,y\n")
    good = [{"schemaDefinition": record(*GOOD)}]
    for assets, schemas, says, needing in (
        ([narrow, production], [], "has no input schema", list(CLASSIFICATION)),
        ([narrow, production], good, "narrow.csv (BASELINE_DATA) lacks columns", [CONCEPT, STABILITY]),
        ([production], good, "0 assets with the role BASELINE_DATA", [DRIFT, CONCEPT, STABILITY]),
    ):
        id_ = await monitored.snapshot(assets=[*assets, *others], input_schema=schemas)
        await attach(monitored, id_, *CLASSIFICATION)
        plan = await monitored.run(monitored.monitors.plan_monitors, id_)
        assert (plan.there, plan.add) == (list(CLASSIFICATION), [])
        told = [said for said in plan.warnings if says in said]
        assert [name for name in CLASSIFICATION if any(name in said for said in told)] == needing
        added = await monitored.run(monitored.monitors.add_missing_monitors, id_)
        unread = by_hash and "lacks columns" in says  # a file that does not come with the snapshot
        assert added.warnings == ([] if unread else plan.warnings)


async def test_one_that_is_there_is_looked_at_with_the_data_that_were_set_on_it(monitored: Backroom) -> None:
    others = [each for each in ASSETS if each.asset_role not in {"BASELINE_DATA", "COMPARATOR_DATA"}]
    production = asset("comparator.csv", "COMPARATOR_DATA", "amount,bad,score\n1,x,y\n")
    own = asset("own.csv", "BASELINE_DATA", "amount,score\n1,y\n")
    id_ = await monitored.snapshot(
        assets=[production, *others], input_schema=[{"schemaDefinition": record(*GOOD, field("age", "predictor"))}]
    )
    await attach(monitored, id_, DRIFT, assets=[own, production])
    plan = await monitored.run(monitored.monitors.plan_monitors, id_)
    assert DRIFT in plan.there
    assert [said for said in plan.warnings if "0 assets" in said] == []
    (said,) = [said for said in plan.warnings if "own.csv (BASELINE_DATA) lacks columns" in said]
    assert DRIFT in said
    assert "'age'" in said


async def attach(room: Backroom, id_: str, *names: str, assets: Sequence[wire.Asset] = ()) -> None:
    """Put monitors on a snapshot by hand."""
    associations = []
    for name in names:
        found = await room.port.find_models(name, monitors=True)
        monitor = await room.port.latest_snapshot(found[0].id)
        assert monitor is not None
        document = (await room.center.get_snapshot(monitor.id)).wire()
        association = wire.Association(
            association_role="DATA_DRIFT_MODEL", association_assets=list(assets), associated_model=document
        )
        associations.append(association.wire())
    await room.center.patch_snapshot(id_, {"associatedModels": associations})


async def test_a_missing_baseline_stays_an_obstacle(monitored: Backroom) -> None:
    id_ = await monitored.snapshot(assets=[each for each in ASSETS if each.asset_role != "BASELINE_DATA"])
    plan = await monitored.run(monitored.monitors.plan_monitors, id_)
    assert list(plan.lacking) == [name for name in CLASSIFICATION if baselines(name)] != []
    assert all("BASELINE_DATA" in why for why in plan.lacking.values())


def baselines(name: str) -> list[str]:
    return [role for role in MODELS[name].required_roles if role == "BASELINE_DATA"]
