"""The contract of a ledger, first part: jobs, files that belong to no model, results and what is said of them."""

import json
import uuid
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlc.center import Capability, Center, NewFile, NewJob
from mlc.center.capability import Unsupported
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.breach import Breach
from mlc.model.deployment import DeploymentMode, Runtime, RuntimeRef
from mlc.model.failure import NotFound, Refused
from mlc.model.job import JobEnding, JobKind, JobRecord, JobResult, JobStatus, RecordCounts
from mlc.model.result import Provenance, Purpose, TestResultRecord
from mlc.model.snapshot import DecisionEntry, Snapshot, Submission
from mlc.model.ticket import Decision, DecisionOutcome, TicketRef
from mlc.testing.center.models import DATA, SOURCE, VERDICT, Monitored, a_snapshot

NOTHING = str(uuid.UUID(int=0))


async def a_job(
    center: Center, made: Snapshot, kind: JobKind = JobKind.SCORING, key: str = "", **more: Any
) -> JobRecord:
    async with center.open_snapshot(made.id) as snapshot:
        inputs = snapshot.with_role(AssetRole.TEST_DATA)
        return await center.create_job(NewJob(key or str(uuid.uuid4()), kind, "w", snapshot, inputs, [], **more))


class JobContract:
    """What the port promises of jobs and results, kept by the adapter of the fixture ``center``."""

    @pytest.mark.parametrize("kind", [JobKind.TRAINING, JobKind.METRICS, JobKind.SCORING])
    async def test_a_job_is_created_with_what_it_needs(self, center: Center, tmp_path: Path, kind: JobKind) -> None:
        made = await a_snapshot(center, tmp_path)
        runtime = await center.register_runtime(Runtime(name="r"))
        ref = RuntimeRef(id=runtime.id, name="r", mode=DeploymentMode.BATCH)
        created = await a_job(center, made, kind, "k", runtime=ref)
        job = await center.get_job(created.id)
        assert (job.kind, job.status) == (kind, JobStatus.CREATED)
        assert (job.key, job.workflow_id, job.runtime_name) == ("k", "w", "r")
        assert job.type_name
        assert [asset.ref for asset in job.inputs] == [""]
        assert job.snapshot is not None
        assert job.snapshot.id == made.id
        async with center.open_job(job.id) as whole:
            assert whole.snapshot is not None
            assert await center.read(whole.inputs[0], limit=len(DATA)) == DATA
            assert await center.read(whole.snapshot.assets[0], limit=10_000) == SOURCE
            assert whole.snapshot.assets[0].functions["train"] == "fit"

    async def test_a_key_makes_one_job_which_is_found_by_it(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        first = await a_job(center, made, key="k")
        assert (await a_job(center, made, key="k")).id == first.id
        await a_job(center, made, key="other")
        found = await center.find_job(made.id, "k")
        assert found is not None
        assert found.id == first.id
        assert await center.find_job(made.id, "unknown") is None
        assert await center.find_job(NOTHING, "k") is None

    async def test_the_newest_jobs_that_scored_are_found(self, center: Center, tmp_path: Path) -> None:
        made, other = await a_snapshot(center, tmp_path), await a_snapshot(center, tmp_path, "other")
        assert await center.list_scoring_jobs(made.id, most=5) == []
        ended = []
        for number, status in enumerate([JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.COMPLETE, JobStatus.COMPLETE]):
            job = await a_job(center, made, key=f"k{number}")
            await center.end_job(job.id, JobEnding(status=status, records=RecordCounts(read=number, written=number)))
            ended += [job.id] if status is JobStatus.COMPLETE else []
        await a_job(center, made, key="running")
        for snapshot, kind in ((made, JobKind.METRICS), (other, JobKind.SCORING)):
            job = await a_job(center, snapshot, kind)
            await center.end_job(job.id, JobEnding(status=JobStatus.COMPLETE))
        found = await center.list_scoring_jobs(made.id, most=5)
        assert [job.id for job in found] == ended[::-1]
        assert [job.records and job.records.read for job in found] == [3, 2, 0]
        assert [job.id for job in await center.list_scoring_jobs(made.id, most=2)] == ended[:0:-1]

    async def test_a_job_may_have_files_from_elsewhere(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        address = "https://example.org/in.csv"
        given = [Asset(name="in.csv", kind=AssetKind.EXTERNAL, format="CSV", address=address)]
        wanted = [Asset(name="out.json", format="JSON")]
        async with center.open_snapshot(made.id) as snapshot:
            job = await center.create_job(NewJob("k", JobKind.SCORING, "w", snapshot, given, wanted))
        (put,), (out,) = job.inputs, job.outputs
        assert (put.name, put.kind, put.format, put.address) == ("in.csv", AssetKind.EXTERNAL, "CSV", address)
        assert (out.name, out.kind, out.format, out.address) == ("out.json", AssetKind.FILE, "JSON", None)

    async def test_a_monitors_job_tells_of_the_snapshot_that_it_watches(self, center: Center, tmp_path: Path) -> None:
        watched, monitor = await a_snapshot(center, tmp_path), await a_snapshot(center, tmp_path, "monitor")
        async with center.open_snapshot(watched.id) as reference, center.open_snapshot(monitor.id) as snapshot:
            inputs = reference.with_role(AssetRole.TEST_DATA)
            new = NewJob("k", JobKind.METRICS, "w", snapshot, inputs, [], reference=reference)
            created = await center.create_job(new)
        async with center.open_job(created.id) as job:
            assert job.snapshot is not None
            assert job.reference is not None
            assert (job.snapshot.id, job.reference.id) == (monitor.id, watched.id)
            assert job.reference.model.input_schemas == watched.model.input_schemas
            (read,) = job.inputs
            assert await center.read(read, limit=100_000) == DATA

    async def test_a_job_of_no_monitor_watches_nothing(self, center: Center, tmp_path: Path) -> None:
        created = await a_job(center, await a_snapshot(center, tmp_path))
        assert (await center.get_job(created.id)).reference is None

    async def test_a_job_of_a_snapshot_that_is_not_open_is_refused(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        if Capability.EMBEDS_BY_ID in center.capabilities:
            pytest.skip("this centre puts one into a job that is named by its id")
        with pytest.raises(Refused):
            await center.create_job(NewJob("k", JobKind.SCORING, "w", made, made.assets, []))

    async def test_a_job_of_a_snapshot_that_is_named_by_its_id_carries_all_of_it(
        self, center: Center, tmp_path: Path
    ) -> None:
        if Capability.EMBEDS_BY_ID not in center.capabilities:
            pytest.skip("this centre is given the snapshot itself")
        made = await a_snapshot(center, tmp_path)
        given = [Asset(name="in.csv", kind=AssetKind.EXTERNAL, address="https://example.org/in.csv")]
        job = await center.create_job(NewJob("k", JobKind.SCORING, "w", Snapshot(id=made.id), given, []))
        async with center.open_job(job.id) as whole:
            assert whole.snapshot is not None
            assert (whole.snapshot.id, whole.snapshot.name) == (made.id, made.name)
            assert await center.read(whole.snapshot.assets[0], limit=10_000) == SOURCE

    @pytest.mark.parametrize("status", [JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED])
    async def test_a_runtime_begins_and_ends_a_job(self, center: Center, tmp_path: Path, status: JobStatus) -> None:
        job = await a_job(center, await a_snapshot(center, tmp_path))
        await center.begin_job(job.id)
        assert (await center.get_job(job.id)).status is JobStatus.RUNNING
        began = datetime(2026, 3, 1, tzinfo=UTC)
        ending = JobEnding(
            status=status,
            messages=["last", "words"],
            runtime_info={"python": "3.12"},
            began=began,
            ended=began + timedelta(seconds=1.5),
        )
        (tmp_path / "o").write_bytes(DATA)
        outputs: list[NewFile | Asset] = [
            NewFile(Asset(name="out.json", format="JSON"), tmp_path / "o"),
            Asset(name="far.csv", kind=AssetKind.EXTERNAL, address="https://example.org/far.csv", size=7),
        ]
        ended = await center.end_job(job.id, ending, outputs)
        assert (ended.status, ended.messages, ended.runtime_info) == (status, ["last", "words"], {"python": "3.12"})
        success = JobResult.SUCCESS if status is JobStatus.COMPLETE else JobResult.FAILURE
        assert ended.result is success
        assert ended.result_name
        again = await center.end_job(job.id, JobEnding(status=JobStatus.ERROR, messages=["other"]))
        assert (again.status, again.messages) == (status, ["last", "words"])
        async with center.open_job(job.id) as whole:
            near, far = whole.outputs
            assert await center.read(near, limit=len(DATA)) == DATA
            assert (far.address, far.size, far.ref) == ("https://example.org/far.csv", 7, "")

    async def test_a_job_that_is_complete_may_have_failed_and_tells_its_records(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        counts = RecordCounts(read=4, written=2, bad=2, unanswered=0, examples=["Record 2 is bad."])
        for kind in (JobKind.SCORING, JobKind.METRICS):
            job = await a_job(center, made, kind)
            assert (job.result, job.records) == (JobResult.UNKNOWN, None)
            ending = JobEnding(status=JobStatus.COMPLETE, result=JobResult.FAILURE, records=counts)
            await center.end_job(job.id, ending)
            ended = await center.get_job(job.id)
            assert (ended.status, ended.result, ended.records) == (JobStatus.COMPLETE, JobResult.FAILURE, counts)

    async def test_a_job_that_runs_says_what_it_does(self, center: Center, tmp_path: Path) -> None:
        job = await a_job(center, await a_snapshot(center, tmp_path))
        await center.begin_job(job.id)
        for doing in ("installing 14 packages", "running"):
            await center.report_job(job.id, doing)
            running = await center.get_job(job.id)
            assert (running.status, running.doing) == (JobStatus.RUNNING, doing)
            assert not running.runtime_info
        ended = await center.end_job(job.id, JobEnding(status=JobStatus.COMPLETE, messages=["done"]))
        await center.report_job(job.id, "late")
        again = await center.get_job(job.id)
        assert (again.status, again.messages, again.doing) == (JobStatus.COMPLETE, ["done"], ended.doing)
        assert again.doing == ""

    async def test_only_a_job_that_has_not_ended_is_cancelled(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        open_job, ended = await a_job(center, made), await a_job(center, made)
        await center.end_job(ended.id, JobEnding(status=JobStatus.COMPLETE))
        for _ in range(2):
            await center.cancel_job(open_job.id)
            await center.cancel_job(ended.id)
            await center.cancel_job(NOTHING)
        assert (await center.get_job(open_job.id)).status is JobStatus.CANCELLED
        assert (await center.get_job(ended.id)).status is JobStatus.COMPLETE

    async def test_model_code_is_given_the_centres_own_document(self, center: Center, tmp_path: Path) -> None:
        job = await a_job(center, await a_snapshot(center, tmp_path))
        async with center.open_job(job.id) as whole:
            await center.save_definition(whole, tmp_path / "definition.json")
        with pytest.raises(Refused):
            await center.save_definition(whole, tmp_path / "later.json")
        assert job.id in json.dumps(json.loads((tmp_path / "definition.json").read_text()))

    async def test_a_file_that_belongs_to_no_model_is_kept_once(self, center: Center) -> None:
        if Capability.KEEPS_FILES not in center.capabilities:
            pytest.skip("this centre keeps no such files")
        own, asset = str(uuid.uuid4()), Asset(name="in.csv", format="CSV")
        kept = [await center.keep_file(own, asset, DATA) for _ in range(2)]
        async with center.open_file(kept[0]) as file:
            assert (file.name, file.format) == ("in.csv", "CSV")
            assert await center.read(file, limit=len(DATA)) == DATA
        assert kept[0] == kept[1]
        with pytest.raises(NotFound):
            async with center.open_file(NOTHING):
                raise AssertionError("there is none")

    async def test_an_asset_in_the_centres_own_words_is_kept_where_its_runtimes_can_read_it(
        self, center: Center
    ) -> None:
        if Capability.READS_ANY_ASSET in center.capabilities:
            pytest.skip("what such an asset looks like is the centre's own affair")
        with pytest.raises(Unsupported):
            await center.keep_asset(str(uuid.uuid4()), b"{}")

    async def test_a_file_is_a_jobs_input(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        kept = await center.keep_file(str(uuid.uuid4()), Asset(name="in.csv", format="CSV"), DATA)
        async with center.open_snapshot(made.id) as snapshot, center.open_file(kept) as file:
            named = file.model_copy(update={"name": "mine.csv"})
            job = await center.create_job(NewJob("k", JobKind.SCORING, "w", snapshot, [named], []))
        async with center.open_job(job.id) as whole:
            assert whole.inputs[0].name == "mine.csv"
            assert await center.read(whole.inputs[0], limit=len(DATA)) == DATA

    async def test_a_jobs_parameters_are_told_and_hide_neither_its_key_nor_its_run(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        first = await a_job(center, made, key="first", parameters={"column": "date"})
        assert first.parameters["column"] == "date"
        second = await a_job(center, made, key="second", parameters=first.parameters)
        assert (second.id == first.id, second.key, second.workflow_id) == (False, "second", "w")
        found = await center.find_job(made.id, "first")
        assert found is not None
        assert found.id == first.id

    async def test_a_test_result_is_kept_once_a_job(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        job_id = str(uuid.uuid4())
        result = TestResultRecord(
            id="",
            snapshot_id=made.id,
            job_id=job_id,
            values={"auc": 0.9, "nested": {"a": [1]}},
            provenance=Provenance(job_id=job_id, parameters={"p": 1}, runtime="r", inputs={"a.csv": "ab"}),
        )
        kept = await center.keep_test_result(result)
        again = await center.keep_test_result(result.model_copy(update={"values": {}}))
        assert again.id == kept.id
        read = await center.get_test_result(kept.id)
        assert read.model_copy(update={"id": "", "created": None}) == result
        assert read.purpose is Purpose.OWN
        assert read.verdict is None

    async def test_results_of_a_snapshot_come_newest_first_and_tell_their_purpose(
        self, center: Center, tmp_path: Path, monitored: Monitored
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        for purpose in (Purpose.OWN, Purpose.BACK_TEST):
            new = TestResultRecord(id="", snapshot_id=made.id, job_id=str(uuid.uuid4()), purpose=purpose)
            await center.keep_test_result(new)
        await monitored(made.id)
        other = TestResultRecord(id="", snapshot_id=str(uuid.uuid4()), job_id=str(uuid.uuid4()))
        await center.keep_test_result(other)
        found = await center.list_test_results(made.id)
        assert [result.purpose for result in found] == [Purpose.MONITOR, Purpose.BACK_TEST, Purpose.OWN]

    async def test_a_verdict_is_kept_whole_with_its_result(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        kept = await center.keep_test_result(
            TestResultRecord(id="", snapshot_id=made.id, job_id=str(uuid.uuid4()), values={"auc": 0.9})
        )
        for _ in range(2):
            await center.record_verdict(kept.id, VERDICT)
        read = await center.get_test_result(kept.id)
        assert (read.verdict, read.values) == (VERDICT, {"auc": 0.9})

    async def test_a_monitors_result_tells_its_monitor_and_the_question_it_belongs_to(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        new = TestResultRecord(
            id="", snapshot_id=made.id, job_id=str(uuid.uuid4()), purpose=Purpose.MONITOR, monitor="Data Drift"
        )
        kept = await center.keep_test_result(new)
        assert (kept.purpose, kept.monitor, kept.breach) == (Purpose.MONITOR, "Data Drift", None)
        ticket = TicketRef(provider="tracker", id="1", key="MLR-1", url="https://example.org/MLR-1", label="gov-1")
        breach = Breach(opened_by=kept.id, undeploy=True, ticket=ticket, closed_on=date(2030, 1, 2), over=True)
        for _ in range(2):
            await center.record_breach(kept.id, breach)
        await center.record_verdict(kept.id, VERDICT)
        read = await center.get_test_result(kept.id)
        assert (read.breach, read.verdict, read.monitor) == (breach, VERDICT, "Data Drift")
        await center.record_breach(kept.id, None)
        assert (await center.get_test_result(kept.id)).breach is None

    async def test_results_of_a_snapshot_can_be_read_until_enough_is_known(
        self, center: Center, tmp_path: Path
    ) -> None:
        made, other = await a_snapshot(center, tmp_path), str(uuid.uuid4())
        for snapshot_id in (made.id, other, made.id):
            await center.keep_test_result(
                TestResultRecord(id="", snapshot_id=snapshot_id, job_id=str(uuid.uuid4()), values={"auc": 0.9})
            )
        everything = await center.list_test_results(made.id)
        assert [each async for each in center.iter_test_results(made.id)] == everything
        async with aclosing(center.iter_test_results(made.id)) as results:
            assert await anext(results) == everything[0]

    async def test_submission_and_decision_leave_all_else_on_a_snapshot_as_it_is(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        submission = Submission(workflow_id="w", run_id="r")
        await center.record_submission(made, submission)
        decision = Decision(outcome=DecisionOutcome.APPROVED, ticket="MLR-1", url="https://example.org/MLR-1")
        entry = DecisionEntry(decision=decision, workflow_id="w", verdict=VERDICT, expiration_date=date(2030, 1, 2))
        async with center.open_snapshot(made.id) as snapshot:
            await center.record_decision(snapshot, entry)
        await center.record_decision(await center.get_snapshot(made.id), entry)
        read = await center.get_snapshot(made.id)
        unchanged = {"submission": None, "expires": None}
        assert (read.submission, read.expires) == (submission, date(2030, 1, 2))
        assert read.model_copy(update=unchanged) == made.model_copy(update=unchanged)
