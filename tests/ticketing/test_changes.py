"""What changed between two snapshots, as ModelOp's JSON has them: git, assets, metadata, schemas."""

from typing import Any

import pytest

from activities.model_card import as_text, model_card
from mlc.center.modelop import wire
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import read_snapshot
from mlc.ticketing.content.changes import Change, Part, changes, summary
from mlc.ticketing.content.evidence import ModelCard

FIELD = {"name": "age", "type": "int", "role": "predictor", "driftCandidate": True}


def snapshot(**about: Any) -> wire.DeployableModel:
    """A snapshot whose ``modelMetaData`` is ``about``; ``assets``, ``meta`` and ``by`` stand elsewhere."""
    assets, meta, by = about.pop("assets", []), about.pop("meta", {}), about.pop("by", "ada")
    stored = {"id": "m", "modelMetaData": {"name": "fraud", **about}, "modelAssets": assets}
    return wire.DeployableModel.model_validate({"id": "s", "createdBy": by, "metaData": meta, "storedModel": stored})


def asset(name: str, digest: str = "", role: str = "UNKNOWN", **more: Any) -> dict[str, Any]:
    hashed = {"contentHash": {"hashType": "SHA-256", "hexString": digest * 64}} if digest else {}
    return {"name": name, "filename": name, "assetRole": role, **hashed, **more}


def schema(*fields: dict[str, Any], name: str = "input.avsc") -> dict[str, Any]:
    return {"name": name, "schemaDefinition": {"type": "record", "name": "r", "fields": list(fields)}}


def found(before: wire.DeployableModel, now: wire.DeployableModel) -> list[Change]:
    return changes(card(before), card(now))


def card(snapshot: wire.DeployableModel) -> ModelCard:
    return model_card(read_snapshot(snapshot, CenterSettings()))


def rows(before: wire.DeployableModel, now: wire.DeployableModel) -> dict[str, tuple[str | None, str | None]]:
    return {change.what: (change.before, change.now) for change in found(before, now)}


def test_an_asset_is_added_removed_or_changed_by_its_hash_and_the_same_content_is_no_change() -> None:
    before = snapshot(assets=[asset("a.py", "1"), asset("old.csv", "2"), asset("same.csv", "3")])
    now = snapshot(assets=[asset("a.py", "4"), asset("new.csv", "5"), asset("same.csv", "3")])
    assert rows(before, now) == {
        "Asset a.py (UNKNOWN)": (f"SHA-256 {'1' * 64}", f"SHA-256 {'4' * 64}"),
        "Asset new.csv (UNKNOWN)": (None, f"SHA-256 {'5' * 64}"),
        "Asset old.csv (UNKNOWN)": (f"SHA-256 {'2' * 64}", None),
    }
    assert [change.how for change in found(before, now)] == ["changed", "added", "removed"]


def test_an_asset_in_another_role_is_another_asset() -> None:
    before, now = snapshot(assets=[asset("a", "1")]), snapshot(assets=[asset("a", "1", role="TEST_DATA")])
    assert rows(before, now).keys() == {"Asset a (UNKNOWN)", "Asset a (TEST_DATA)"}


def test_two_assets_of_one_name_and_role_are_both_compared() -> None:
    before = snapshot(assets=[asset("a", "1"), asset("a", "2")])
    (change,) = found(before, snapshot(assets=[asset("a", "1"), asset("a", "3")]))
    assert change.before == f"SHA-256 {'2' * 64}"
    (gone,) = found(before, snapshot(assets=[asset("a", "1")]))
    assert gone.how == "removed"


def test_files_without_hashes_are_shown_with_their_addresses_and_not_taken_for_equal() -> None:
    before = snapshot(assets=[asset("d.csv", fileUrl="s3://b/1.csv"), asset("e.csv")])
    now = snapshot(assets=[asset("d.csv", fileUrl="s3://b/2.csv"), asset("e.csv")])
    assert rows(before, now) == {
        "Asset d.csv (UNKNOWN)": ("s3://b/1.csv, no hash known", "s3://b/2.csv, no hash known"),
        "Asset e.csv (UNKNOWN)": ("no hash known", "no hash known"),
    }
    assert [change.how for change in found(before, now)] == ["changed", "not comparable"]


def test_git_says_which_commit_repository_and_branch_came_before() -> None:
    before = snapshot(
        repositoryInfo={"repositoryRemote": "https://g/a", "repositoryBranch": "main", "lastCommitId": "1"}
    )
    now = snapshot(repositoryInfo={"repositoryRemote": "https://g/b", "repositoryBranch": "dev", "lastCommitId": "2"})
    assert list(rows(before, now).items()) == [
        ("Git commit", ("1", "2")),
        ("Git repository", ("https://g/a", "https://g/b")),
        ("Git branch", ("main", "dev")),
    ]
    assert rows(snapshot(), snapshot(repositoryInfo={"lastCommitId": "2"})) == {"Git commit": (None, "2")}


@pytest.mark.parametrize(
    ("name", "before", "now", "row"),
    [
        ("Risk", {"modelRisk": "low"}, {"modelRisk": "high"}, ("low", "high")),
        ("Stage", {"modelStage": "DEV"}, {"modelStage": "PROD"}, ("DEV", "PROD")),
        ("Methodology", {}, {"modelMethodology": "Regression"}, (None, "Regression")),
        ("Description", {"description": "a"}, {"description": "b"}, ("a", "b")),
        ("Owner", {"by": "ada"}, {"by": "bob"}, ("ada", "bob")),
        ("Tags", {"meta": {"tags": ["b", "a"]}}, {"meta": {"tags": ["a", "c"]}}, ("a, b", "a, c")),
        ("Model tags", {"tags": ["x"]}, {"tags": []}, ("x", None)),
        ("Snapshot description", {}, {"meta": {"description": "new"}}, (None, "new")),
        (
            "Intended use",
            {"custom": {"Intended use": "cards"}},
            {"custom": {"Intended use": "loans"}},
            ("cards", "loans"),
        ),
        (
            "limits.max",
            {"custom": {"limits": {"max": 1, "min": 0}}},
            {"custom": {"limits": {"max": 2, "min": 0}}},
            ("1", "2"),
        ),
        (
            "reviewed",
            {"meta": {"custom": {"reviewed": False}}},
            {"meta": {"custom": {"reviewed": True}}},
            ("false", "true"),
        ),
        ("owner (custom)", {"custom": {"owner": "x"}}, {"custom": {"owner": "y"}}, ("x", "y")),
        ("Roi.costMultipliersTP", {"roi": {"costMultipliersTP": 1}}, {"roi": {"costMultipliersTP": 1.5}}, ("1", "1.5")),
        (
            "Enable input schema checking",
            {"enableInputSchemaChecking": False},
            {"enableInputSchemaChecking": True},
            ("false", "true"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_metadatum_is_compared(
    name: str, before: dict[str, Any], now: dict[str, Any], row: tuple[str | None, str | None]
) -> None:
    assert rows(snapshot(**before), snapshot(**now)) == {name: row}
    assert {change.part for change in found(snapshot(**before), snapshot(**now))} == {Part.METADATA}


def test_the_processes_own_notes_and_the_order_of_tags_are_no_changes() -> None:
    before = snapshot(meta={"tags": ["a", "b"], "custom": {"mlcDeployModel": {"runId": "1"}, "mlcDecision": {"x": 1}}})
    assert found(before, snapshot(meta={"tags": ["b", "a"]})) == []


def test_a_schemas_fields_are_added_removed_and_changed_in_type_and_properties_each_by_name() -> None:
    before = snapshot(inputSchema=[schema(FIELD, {"name": "gone", "type": "string"})])
    changed = FIELD | {"type": ["null", "double"], "driftCandidate": False, "specialValues": [-1]}
    now = snapshot(inputSchema=[schema(changed, {"name": "income", "type": "double", "role": "predictor"})])
    assert rows(before, now) == {
        "Input schema, field age: type": ("int", "null or double"),
        "Input schema, field age: driftCandidate": ("true", "false"),
        "Input schema, field age: specialValues": (None, "[-1]"),
        "Input schema, field income": (None, "double (role predictor)"),
        "Input schema, field gone": ("string", None),
    }


def test_fields_of_records_within_records_are_compared_by_their_paths() -> None:
    def nested(kind: str) -> wire.DeployableModel:
        line = {"type": "record", "name": "line", "fields": [{"name": "amount", "type": kind}]}
        return snapshot(outputSchema=[schema({"name": "lines", "type": ["null", {"type": "array", "items": line}]})])

    assert rows(nested("int"), nested("double")) == {"Output schema, field lines.amount: type": ("int", "double")}


def test_a_schema_that_was_renamed_is_compared_with_its_former_self() -> None:
    before, now = snapshot(inputSchema=[schema(FIELD, name="v1.avsc")]), snapshot(inputSchema=[schema(name="v2.avsc")])
    assert rows(before, now) == {
        "Input schema: name": ("v1.avsc", "v2.avsc"),
        "Input schema, field age": ("int (role predictor, driftCandidate true)", None),
    }


def test_of_several_schemas_each_is_compared_with_its_namesake() -> None:
    before = snapshot(inputSchema=[schema(FIELD, name="a"), schema(name="b")])
    now = snapshot(inputSchema=[schema(name="b"), schema(FIELD, name="a"), schema(FIELD, name="c")])
    assert rows(before, now) == {
        "Input schema c": (None, "c"),
        "Input schema c, field age": (None, "int (role predictor, driftCandidate true)"),
    }


@pytest.mark.parametrize(
    "definition", [None, "no JSON", "[]", 7, {"fields": None}, {"fields": ["x", {"type": {"type": {"type": 1}}}]}]
)
def test_a_schema_that_is_none_is_no_reason_not_to_write_a_ticket(definition: object) -> None:
    odd = snapshot(inputSchema=[{"schemaDefinition": definition}])
    assert found(odd, odd) == []


def test_a_schema_that_nests_for_ever_is_read_to_a_depth() -> None:
    deep: dict[str, Any] = {"type": "record", "fields": []}
    for _ in range(200):
        deep = {"type": "record", "fields": [{"name": "x", "type": deep}]}
    lists: Any = "int"
    for _ in range(5_000):
        lists = {"type": "array", "items": lists}
    endless = schema({"name": "lists", "type": lists}, {"name": "note", "type": "int", "doc": lists})
    read, other = card(snapshot(inputSchema=[{"name": "deep", "schemaDefinition": deep}, endless])).schemas
    assert len(read.fields) == 8
    assert other.fields[0].type == f"{'array of ' * 8}..."


def test_the_summary_counts_what_changed_part_by_part() -> None:
    before = snapshot(assets=[asset("a", "1"), asset("b", "1")], modelRisk="low", custom={"x": "1"})
    now = snapshot(assets=[asset("a", "2"), asset("c", "1")], modelRisk="high", inputSchema=[schema(FIELD)])
    assert summary(found(before, now)) == (
        "Assets: 1 added, 1 removed, 1 changed. Metadata: 1 removed, 1 changed. Schemas: 2 added."
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("x", "x"),
        (True, "true"),
        (0, "0"),
        ([], ""),
        ({}, ""),
        (["a", "b"], "a, b"),
        ([1, "a"], '[1, "a"]'),
    ],
)
def test_a_metadatum_is_written_whole(value: object, text: str) -> None:
    assert as_text(value) == text
