"""Which of several assets a job reads, and which decision tables are a monitor's: as people are told."""

import german_credit
from german_credit import BAD, FIGURES, STABILITY, STABLE, UNSTABLE
from office import ASSETS, Office, asset
from paperwork import add_assets, text

from mlc.center.modelop import wire

SECOND = asset("more.csv", "TEST_DATA", "x,y\n2,1\n")


async def test_of_two_test_data_files_the_job_reads_the_first_and_ticket_and_result_say_so(desk: Office) -> None:
    await desk.engine("batch")
    run = await desk.start(await desk.snapshot("run_test", "jira", assets=[*ASSETS, SECOND]))
    job_id = await desk.finish_job(run, metrics={"auc": 0.97})
    assert [a.filename for a in (await desk.center.get_job(job_id)).input_data] == ["test.csv"]
    ticket = await desk.ticket(run, "review")
    chosen = (
        "Of 2 assets with the role TEST_DATA the job read test.csv, as many as its metrics function takes; "
        "left out: more.csv."
    )
    said = await text(desk, ticket)
    assert f"Measured on test.csv. {chosen}" in said
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, result.test_inputs) == ("deployed", ["test.csv"])
    assert chosen in result.warnings


async def test_test_data_that_is_not_clear_is_a_rejection_ticket_that_names_it_and_done_tries_again(
    desk: Office,
) -> None:
    await desk.engine("batch")
    source = asset("model.py", "MODEL_SOURCE", "# modelop.metrics\ndef metrics(df, more=None):\n    yield {}\n")
    others = [a for a in ASSETS if a.asset_role != "MODEL_SOURCE"]
    snapshot_id = await desk.snapshot("run_test", assets=[source, *others, SECOND])
    run = await desk.start(snapshot_id)
    ticket = await desk.ticket(run, "rejection")
    said = await text(desk, ticket)
    assert "It is not clear which of 2 assets with the role TEST_DATA the job is to read (test.csv, more.csv):" in said
    assert "its metrics function takes 1 to 2." in said
    needs = [{"usage": "INPUT_ASSET", "assetRole": "TEST_DATA", "filename": "more.csv"}]
    await desk.center.patch_snapshot(snapshot_id, {"storedModel": {"requiredAssets": needs}})
    await desk.decide(run, ticket, "Done")
    await desk.finish_job(run, metrics={"auc": 0.97})
    result = await run.result()
    assert (result.outcome, result.test_inputs) == ("deployed", ["more.csv"])
    assert "read more.csv, which the model names; left out: test.csv." in result.warnings[0]


async def test_of_two_training_data_files_the_named_one_is_trained_on_and_the_result_says_so(desk: Office) -> None:
    await desk.engine("batch")
    model = wire.StoredModel(
        model_meta_data=wire.ModelMetaData(name="named", model_methodology="Classification", model_stage="PROD"),
        model_assets=[*ASSETS, asset("recent.csv", "TRAINING_DATA", "x,y\n2,1\n")],
        required_assets=[{"usage": "INPUT_ASSET", "assetRole": "TRAINING_DATA", "filename": "recent.csv"}],
    )
    run = await desk.start(await desk.snapshot_of(await desk.center.create_stored_model(model), "train"))
    job_id = await desk.finish_job(run)
    assert [a.filename for a in (await desk.center.get_job(job_id)).input_data] == ["recent.csv"]
    assert "read recent.csv, which the model names; left out: train.csv." in (await run.result()).warnings[0]


async def test_of_two_baselines_the_monitors_read_the_first_and_the_result_says_so(desk: Office) -> None:
    await desk.engine("batch")
    snapshot_id = await desk.snapshot()
    await add_assets(desk, snapshot_id, asset("baseline-2.csv", "BASELINE_DATA", "x,y\n2,1\n"))
    result = await (await desk.start(snapshot_id)).result()
    (warning,) = result.warnings
    assert "Chosen for monitors, of BASELINE_DATA baseline.csv is read, left out: baseline-2.csv:" in warning
    assert STABILITY in warning


async def test_the_published_german_credit_snapshot_passes_with_its_two_performance_tables_judged(
    desk: Office,
) -> None:
    await desk.engine("batch")
    stored = await desk.center.create_stored_model(german_credit.stored_model("Matt's demo model "))
    snapshot_id = await desk.snapshot_of(stored, "run_test", "jira")
    stability = german_credit.association(STABLE).wire()
    await desk.center.patch_snapshot(snapshot_id, {"associatedModels": [stability]})
    run = await desk.start(snapshot_id)
    job_id = await desk.finish_job(run, metrics=FIGURES)
    assert len((await desk.center.get_job(job_id)).input_data) == 1
    ticket = await desk.ticket(run, "review")
    said = await text(desk, ticket)
    assert "Verdict Passed." in " ".join(said.replace("h2.", "").replace("*", "").split())
    assert "Measured on test_data.json." in said
    assert "by the role's own name; left out: monitoring_parameters.json." in said
    for table in (UNSTABLE, STABLE):
        assert f"Warning: {table.name} belongs to the monitor '{STABILITY}', and was not judged." in said
    for name, value in FIGURES.items():
        assert f"|{name}|{value}|" in said
    await desk.decide(run, ticket, "Done")
    result = await run.result()
    assert (result.outcome, result.test_inputs) == ("deployed", ["test_data.json"])
    assert result.verdict is not None
    assert (result.verdict.judged, result.verdict.passed) == (True, True)
    assert STABILITY not in result.monitors_added


async def test_where_all_decision_tables_are_monitors_the_review_ticket_says_not_judged(desk: Office) -> None:
    model = german_credit.stored_model("tables", [*german_credit.ASSETS[5:], german_credit.ASSETS[2], BAD])
    snapshot_id = await desk.snapshot_of(await desk.center.create_stored_model(model), "run_test", "jira")
    await desk.center.patch_snapshot(
        snapshot_id, {"associatedModels": [german_credit.association(BAD, name="Ours").wire()]}
    )
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics={"auc": 0.1})
    said = await text(desk, await desk.ticket(run, "review"))
    assert "Not judged: the snapshot carries no decision table but those of monitors." in said
    assert f"Warning: {BAD.name} belongs to the monitor 'Ours', and was not judged." in said


async def test_a_monitors_table_with_an_error_is_not_passed(desk: Office) -> None:
    broken = BAD.model_copy(update={"source_code": BAD.source_code.replace("&lt;", "&lt; &lt;", 1)})
    model = german_credit.stored_model("tables", [*german_credit.ASSETS[5:], german_credit.ASSETS[2], broken])
    snapshot_id = await desk.snapshot_of(await desk.center.create_stored_model(model), "run_test", "jira")
    await desk.center.patch_snapshot(
        snapshot_id, {"associatedModels": [german_credit.association(broken, name="Ours").wire()]}
    )
    run = await desk.start(snapshot_id)
    await desk.finish_job(run, metrics={"auc": 0.9})
    said = await text(desk, await desk.ticket(run, "rejection"))
    assert f"Problem: {BAD.name} can't be used. It belongs to the monitor 'Ours'." in said
