"""Decision tables that belong to a monitor: not judged on a model's own result, and never left out without a word."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from backroom import Backroom
from german_credit import ASSETS, BAD, FIGURES, GOOD, SCHEMA, STABILITY, STABLE, UNSTABLE, association, comparator
from german_credit import stored_model as german_credit

from activities.verdicts import JudgeRequest
from mlc.center.modelop import wire
from mlc.model.result import TestResult
from mlc.model.verdict import Verdict

DRIFT, CONCEPT = "Data Drift Monitor: Comprehensive Analysis", "Concept Drift Monitor: Comprehensive Analysis"


async def judged(
    room: Backroom,
    *tables: wire.Asset,
    monitors: Sequence[wire.Association] = (),
    values: dict[str, Any] | None = FIGURES,
    schema: dict[str, Any] | None = SCHEMA,
    methodology: str = "Classification",
) -> Verdict:
    """What is kept of a judgement: with the result, or if there is none what the activity answered."""
    stored = german_credit(f"m-{uuid.uuid4().hex[:6]}", tables)
    stored.model_meta_data.input_schema = [{"name": "in.avsc", "schemaDefinition": schema}] if schema else []
    stored.model_meta_data.model_methodology = methodology
    stored = await room.center.create_stored_model(stored)
    id_ = await room.snapshot(model=stored, more={"associated_models": list(monitors)})
    if values is None:
        return (await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_))).verdict
    made = await room.center.create_test_result(wire.ModelTestResult(deployable_model_id=id_, test_results=values))
    request = JudgeRequest(snapshot_id=id_, test_result=TestResult(id=made.id))
    verdict = (await room.run(room.verdicts.judge, request)).verdict
    kept = (await room.port.get_test_result(made.id)).verdict
    assert kept is not None
    assert (kept.judged, kept.passed) == (verdict.judged, verdict.passed)
    return kept


def asks(*keys: str, name: str = "t.dmn") -> wire.Asset:
    return comparator(name, *((key, "&lt; 0", "false") for key in keys))


async def test_the_published_german_credit_snapshot_is_judged_by_its_two_performance_tables(room: Backroom) -> None:
    verdict = await judged(room, *ASSETS, monitors=[association(STABLE)])
    assert (verdict.judged, verdict.passed, verdict.problems) == (True, True, [])
    assert [rule.table for rule in verdict.rules] == [GOOD.name]
    assert verdict.warnings == [
        f"{UNSTABLE.name} belongs to the monitor {STABILITY!r}, and was not judged.",
        f"{STABLE.name} belongs to the monitor {STABILITY!r}, and was not judged.",
    ]


async def test_its_figures_fail_where_they_are_bad(room: Backroom) -> None:
    verdict = await judged(room, *ASSETS, monitors=[association(STABLE)], values={**FIGURES, "auc": 0.6})
    assert (verdict.passed, [rule.table for rule in verdict.rules]) == (False, [GOOD.name, BAD.name])


async def test_without_the_monitor_on_the_snapshot_its_tables_are_those_of_one_to_be_added(room: Backroom) -> None:
    verdict = await judged(room, *ASSETS)
    assert (verdict.passed, len(verdict.warnings)) == (True, 2)
    assert f"{STABILITY!r}, which the snapshot does not have yet, and was not judged" in verdict.warnings[0]


@pytest.mark.parametrize(
    ("keys", "monitor"),
    [
        (["CSI_maxCSIValue"], STABILITY),
        (["CSI_minCSIValue", "CSI_minCSIValueFeature", "modelMethodology"], STABILITY),
        (["score_PSI", "purpose_CSI"], STABILITY),
        (["DataDrift_maxKolmogorov-SmirnovPValue"], DRIFT),
        (["DataDrift_minJensen-ShannonDistanceFeature", "purpose_js_distance"], DRIFT),
        (["ConceptDrift_maxKolmogorov-SmirnovPValueValue"], CONCEPT),
        (["ConceptDrift_minKullback-LeiblerDivergenceValueFeature"], CONCEPT),
    ],
)
async def test_a_table_that_asks_for_one_monitors_keys_alone_is_that_monitors(
    room: Backroom, keys: list[str], monitor: str
) -> None:
    verdict = await judged(room, asks(*keys), GOOD)
    assert (verdict.judged, verdict.passed) == (True, True)
    assert f"t.dmn belongs to the monitor {monitor!r}" in verdict.warnings[0]


@pytest.mark.parametrize(
    "keys",
    [
        ["CSI_maxCSIValu"],
        ["csi_maxcsivalue"],
        ["purpse_CSI"],
        ["label_PSI"],
        ["CSI"],
        ["purpose"],
        ["f1_scor"],
        ["CSI_maxCSIValue", "f1"],
        ["CSI_maxCSIValue", "accuracy"],
        ["CSI_maxCSIValue", "DataDrift_maxKolmogorov-SmirnovPValue"],
        ["modelOwner"],
    ],
    ids=str,
)
async def test_one_key_that_is_misspelt_or_the_models_own_or_another_monitors_and_the_table_is_judged(
    room: Backroom, keys: list[str]
) -> None:
    verdict = await judged(room, asks(*keys))
    assert (verdict.judged, verdict.passed, verdict.warnings) == (True, False, [])
    assert "is not given" in verdict.problems[0]


async def test_a_performance_table_is_the_models_although_a_monitor_has_such_keys(room: Backroom) -> None:
    verdict = await judged(room, BAD, values={"foo": "bar"}, monitors=[association(name="Performance Monitor: X")])
    assert (verdict.judged, verdict.passed) == (True, False)
    assert len(verdict.problems) == 4


async def test_a_key_that_the_models_own_result_has_is_judged_even_if_it_is_null(room: Backroom) -> None:
    assert not (await judged(room, UNSTABLE, values={"purpose_CSI": 0.9})).passed
    assert not (await judged(room, STABLE, values={"purpose_CSI": None})).passed
    assert (await judged(room, STABLE, values={"purpose_CSI": 0.9})).rules[0].passes


async def test_without_a_schema_a_features_keys_are_not_known(room: Backroom) -> None:
    assert not (await judged(room, STABLE, schema=None)).passed
    assert not (await judged(room, STABLE, schema={"fields": "broken"})).passed
    assert not (await judged(room, STABLE, schema={"fields": [{"name": None}, "x"]})).passed


async def test_a_table_set_on_a_monitor_is_the_monitors_whatever_it_asks_for(room: Backroom) -> None:
    verdict = await judged(room, BAD, monitors=[association(BAD, name="Ours")])
    assert (verdict.judged, verdict.passed, verdict.rules) == (False, True, [])
    assert verdict.warnings == [f"{BAD.name} belongs to the monitor 'Ours', and was not judged."]


BROKEN = {
    "no table": "<html/>",
    "empty": "",
    "a cell that does not parse": BAD.source_code.replace("&lt;", "&lt; &lt;", 1),
    "a hit policy that is none": BAD.source_code.replace("COLLECT", "SOME"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("values", [FIGURES, None], ids=["a result", "no result"])
async def test_a_monitors_table_with_an_error_does_not_pass(room: Backroom, content: str, values: Any) -> None:
    broken = comparator("broken.dmn").model_copy(update={"source_code": content})
    verdict = await judged(room, broken, monitors=[association(broken, name="Ours")], values=values)
    assert (verdict.judged, verdict.passed) == (True, False)
    assert any(problem.startswith("broken.dmn can't be used.") for problem in verdict.problems)


async def test_a_broken_table_of_a_monitor_keeps_a_business_table_that_passes_from_passing(room: Backroom) -> None:
    broken = comparator("broken.dmn").model_copy(update={"source_code": "<html/>"})
    monitors = [association(broken, name="Ours")]
    assert (await judged(room, GOOD, monitors=monitors)).passed
    verdict = await judged(room, GOOD, broken, monitors=monitors)
    assert (verdict.judged, verdict.passed, len(verdict.problems)) == (True, False, 1)
    assert "It belongs to the monitor 'Ours'." in verdict.problems[0]


@pytest.mark.parametrize(
    "other",
    [
        BAD.model_copy(update={"source_code": GOOD.source_code}),
        BAD.model_copy(update={"name": BAD.name.upper()}),
        BAD.model_copy(update={"asset_role": "UNKNOWN"}),
    ],
    ids=["other content", "other name", "other role"],
)
async def test_a_monitors_table_that_only_resembles_one_is_another(room: Backroom, other: wire.Asset) -> None:
    verdict = await judged(room, BAD, monitors=[association(other)], values={**FIGURES, "auc": 0.1})
    assert (verdict.judged, verdict.passed, verdict.warnings) == (True, False, [])


@pytest.mark.parametrize("role", ["MODEL_USE_CASE", "MODEL_IMPLEMENTATION"])
async def test_a_table_of_a_use_case_is_no_monitors(room: Backroom, role: str) -> None:
    linked = association(BAD, name="Lending").model_copy(update={"association_role": role})
    verdict = await judged(room, BAD, monitors=[linked], values={**FIGURES, "auc": 0.1})
    assert (verdict.judged, verdict.passed, verdict.warnings) == (True, False, [])


async def test_a_monitors_table_whose_content_nobody_has_is_none_by_its_name_alone(room: Backroom) -> None:
    bare = wire.Asset(name=BAD.name, asset_type="FILE", asset_role="TEST_RESULT_COMPARATOR")
    verdict = await judged(room, BAD, monitors=[association(bare)], values={**FIGURES, "auc": 0.1})
    assert (verdict.judged, verdict.passed) == (True, False)
    stable = wire.Asset(name=STABLE.name, asset_type="FILE", asset_role="TEST_RESULT_COMPARATOR")
    assert not (await judged(room, STABLE, monitors=[association(stable)])).judged  # by what it asks for


@pytest.mark.parametrize("theirs", [BAD, None], ids=["the monitor's can", "nor can the monitor's"])
async def test_a_table_that_cannot_be_read_is_not_taken_for_a_monitors(room: Backroom, theirs: Any) -> None:
    bare = wire.Asset(name=BAD.name, asset_type="FILE", asset_role="TEST_RESULT_COMPARATOR")
    verdict = await judged(room, bare, monitors=[association(theirs or bare)])
    assert (verdict.judged, verdict.passed, len(verdict.problems)) == (True, False, 1)


async def test_a_table_that_is_too_large_to_be_read_is_not_taken_for_a_monitors(room: Backroom) -> None:
    large = BAD.model_copy(update={"source_code": BAD.source_code + " " * 20_000})
    for monitor in (large, BAD):
        verdict = await judged(room, large, monitors=[association(monitor)])
        assert (verdict.judged, verdict.passed, len(verdict.problems)) == (True, False, 1)
        assert "It is larger than 20000 bytes" in verdict.problems[0]
    assert (await judged(room, BAD, monitors=[association(large)], values={**FIGURES, "auc": 0.1})).failed


async def test_where_all_tables_are_monitors_nothing_is_judged_and_that_is_said(room: Backroom) -> None:
    for values in (FIGURES, None):
        verdict = await judged(room, STABLE, monitors=[association(STABLE)], values=values)
        assert (verdict.judged, verdict.passed, verdict.judged_at) == (False, True, None)
        assert "was not judged" in verdict.warnings[0]


async def test_without_a_result_a_business_table_beside_a_monitors_does_not_pass(room: Backroom) -> None:
    verdict = await judged(room, STABLE, GOOD, values=None)
    assert (verdict.judged, verdict.passed) == (True, False)
    assert verdict.problems == ["There is no test result to judge."]


async def test_further_keys_are_a_setting(room: Backroom) -> None:
    table, ours = asks("purpose_drift", "worst"), association(name="Ours")
    assert not (await judged(room, table, monitors=[ours])).passed
    keys = {"Ours": ["{feature}_drift", "worst"]}
    room.verdicts.settings = room.settings.model_copy(update={"monitor_keys": keys})
    assert "'Ours'" in (await judged(room, table, monitors=[ours])).warnings[0]
    assert not (await judged(room, table)).passed


async def test_a_monitor_of_another_methodology_is_none_of_the_models(room: Backroom) -> None:
    keys = {"Performance Monitor: Regression": ["residual_test"]}
    room.verdicts.settings = room.settings.model_copy(update={"monitor_keys": keys})
    assert not (await judged(room, asks("residual_test"))).passed
    assert (await judged(room, asks("residual_test"), methodology="Linear Regression")).passed


async def test_a_history_keeps_a_word_of_a_hundred_tables(room: Backroom) -> None:
    tables = [asks("CSI_maxCSIValue", name=f"{n}-{'x' * 200}.dmn") for n in range(100)]
    stored = await room.center.create_stored_model(german_credit("many", tables))
    verdict = (await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=await room.snapshot(model=stored)))).verdict
    assert "more" in verdict.warnings[-1]
    assert len(verdict.model_dump_json()) < 1000
