"""ModelOp's ledger, first part: jobs, files that belong to no model, and test results with what is said of them."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlc.center.capability import Capability, Unsupported, require
from mlc.center.catalogue import NewFile
from mlc.center.ledger import NewJob
from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.access import documents
from mlc.center.modelop.answers import SYSTEM
from mlc.center.modelop.assets import changed_asset, new_asset, read_asset, with_reference
from mlc.center.modelop.body import Body
from mlc.center.modelop.catalogue import ModelOpCatalogue
from mlc.center.modelop.jobs import DOING, ending_changes, job_parameters, read_job
from mlc.center.modelop.results import read_result, written_breach, written_result, written_verdict
from mlc.center.modelop.sent_file import SentBytes
from mlc.center.modelop.snapshots import DECISION_MARK, DEPLOY_MARK, written_decision, written_submission
from mlc.center.modelop.spool import SMALL, Files
from mlc.model.asset import Asset
from mlc.model.breach import Breach
from mlc.model.deployment import DeploymentRecord
from mlc.model.failure import NotFound, Refused
from mlc.model.job import JobEnding, JobKind, JobRecord, JobResult, JobStatus
from mlc.model.result import TestResultRecord
from mlc.model.snapshot import DecisionEntry, Snapshot, Submission
from mlc.model.verdict import Verdict

_NO_PLACE = "Set MLC_CENTER_ASSETS to the collection of such files, or give the files' addresses."


class ModelOpJobLedger(ModelOpCatalogue):
    """Part of :class:`mlc.center.ledger.Ledger`."""

    async def get_job(self, job_id: str) -> JobRecord:
        return read_job(await self._manage.get_job(ids.decode(job_id)), self.settings)

    @asynccontextmanager
    async def open_job(self, job_id: str) -> AsyncIterator[JobRecord]:
        with self._contents.opening() as opened:
            read = self._manage.get_job_with_outputs if self.settings.standalone else self._manage.get_job
            found = await read(ids.decode(job_id), into=opened.spool)
            yield read_job(found, self.settings, opened.refer)

    async def find_job(self, snapshot_id: str, key: str) -> JobRecord | None:
        found = await self._manage.find_job(ids.decode(snapshot_id), key)
        return read_job(found, self.settings) if found else None

    async def list_scoring_jobs(self, snapshot_id: str, *, most: int) -> list[JobRecord]:
        def wanted(job: wire.Job) -> bool:
            read = read_job(job, self.settings)
            return (read.kind, read.status, read.result) == (JobKind.SCORING, JobStatus.COMPLETE, JobResult.SUCCESS)

        found = await self._manage.list_jobs(ids.decode(snapshot_id), wanted, most=most)
        return [read_job(job, self.settings) for job in found]

    async def create_job(self, job: NewJob) -> JobRecord:
        by_id = not job.snapshot.ref and self.settings.standalone
        own_id = ids.decode(job.snapshot.id)
        snapshot = wire.DeployableModel(id=own_id) if by_id else self._open_snapshot(job.snapshot)
        near = [*snapshot.stored_model.model_assets]
        more: dict[str, Any] = {}
        if (target := job.runtime) is not None:
            more["target_engine"] = wire.Engine(id=ids.decode(target.id), name=target.name)
        if job.reference is not None:
            watched = more["reference_model"] = self._open_snapshot(job.reference)
            near += [asset for each in watched.associated_models for asset in each.association_assets]
            near += watched.stored_model.model_assets
        new = wire.Job(
            job_type=literals.job_type(job.kind, self.settings),
            job_status=literals.CREATED,
            model=snapshot,
            input_data=[self._held(asset, near) for asset in job.inputs],
            output_data=[self._held(asset) for asset in job.outputs],
            job_parameters=job_parameters(job.key, job.workflow_id, job.parameters),
            **more,
        )
        try:
            return read_job(await self._manage.create_job(new), self.settings)
        except Refused as error:
            first = await self.find_job(job.snapshot.id, job.key) if error.status == HTTPStatus.CONFLICT else None
            if first is None:
                raise
            return first

    async def cancel_job(self, job_id: str) -> None:
        with suppress(NotFound):
            if not (await self.get_job(job_id)).status.terminal:
                with _unless_ended():
                    await self._patch_job(job_id, {"jobStatus": self.settings.cancelled_status})

    async def begin_job(self, job_id: str) -> None:
        await self._patch_job(job_id, {"jobStatus": self.settings.running_status})

    async def report_job(self, job_id: str, doing: str) -> None:
        current = await self._manage.get_job(ids.decode(job_id))
        if not literals.job_status(current.job_status, self.settings).terminal:
            with _unless_ended():
                await self._patch_job(job_id, {"runtimeInfo": {**(current.runtime_info or {}), DOING: doing}})

    async def end_job(self, job_id: str, ending: JobEnding, outputs: Sequence[NewFile | Asset] = ()) -> JobRecord:
        # It may have been cancelled meanwhile, or another runtime may have ended it when this one seemed lost.
        current = await self._manage.get_job(ids.decode(job_id))
        if literals.job_status(current.job_status, self.settings).terminal:
            return read_job(current, self.settings)
        changes = ending_changes(ending, self.settings)
        with self._spools.files() as files, _unless_ended():
            if outputs:
                asked = self._asked(current)
                changes["outputData"] = documents([await self._output(output, asked, files) for output in outputs])
            return await self._patch_job(job_id, changes)
        return await self.get_job(job_id)

    def _asked(self, job: wire.Job) -> dict[tuple[str, str | None], wire.Asset]:
        """What a job said of its outputs, by name and address: of several with both the same, the first."""
        described = ((read_asset(asset, self.settings), asset) for asset in reversed(job.output_data))
        return {(read.name, read.address): asset for read, asset in described}

    async def _output(
        self, output: NewFile | Asset, asked: Mapping[tuple[str, str | None], wire.Asset], files: Files
    ) -> wire.Asset:
        """An output as it is told: what the job said of it, if it did, and what has come of it."""
        asset = output.asset if isinstance(output, NewFile) else output
        known = asked.get((asset.name, asset.address))
        made = changed_asset(known, asset, self.settings) if known else new_asset(asset, self.settings)
        return await self._with_content(made, output, files) if isinstance(output, NewFile) else made

    async def _patch_job(self, job_id: str, changes: Mapping[str, Any]) -> JobRecord:
        return read_job(await self._manage.patch_job(ids.decode(job_id), changes), self.settings)

    async def keep_file(self, file_id: str, asset: Asset, content: bytes) -> str:
        require(SYSTEM, self.capabilities, Capability.KEEPS_FILES, _NO_PLACE)
        new = new_asset(asset, self.settings)
        if self.settings.contents == "reference" and len(content) > SMALL:
            stored = await self._uploads.send(SentBytes(content, asset.name))
            return await self._keep(file_id, with_reference(new, *stored))
        return await self._keep(file_id, new.model_copy(update={"file_content": base64.b64encode(content).decode()}))

    async def keep_asset(self, asset_id: str, document: bytes) -> str:
        require(SYSTEM, self.capabilities, Capability.READS_ANY_ASSET, "Embed the file.")
        return await self._keep(asset_id, wire.Asset.model_validate_json(document))

    async def _keep(self, file_id: str, asset: wire.Asset) -> str:
        new = asset.model_copy(update={"id": ids.decode(file_id)})
        try:
            stored = await self._manage.create_asset(new)
        except NotFound as error:
            text = f"The model centre keeps no files by themselves. {_NO_PLACE}"
            raise Unsupported(error.system, text, status=error.status) from error
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return file_id
        # A centre that gives ids of its own keeps a second one when asked again; no run takes it up.
        return ids.encode(stored.id or stored.asset_id) or file_id

    @asynccontextmanager
    async def open_file(self, file_id: str) -> AsyncIterator[Asset]:
        with self._contents.opening() as opened:
            found = await self._manage.get_asset(ids.decode(file_id), into=opened.spool)
            asset = read_asset(found, self.settings)
            # Also one without content: it goes into jobs as it is, with all that only its runtimes understand.
            yield asset.model_copy(update={"ref": opened.refer(found)})

    async def get_test_result(self, result_id: str) -> TestResultRecord:
        return read_result(await self._manage.get_test_result(ids.decode(result_id)), self.settings)

    async def list_test_results(self, snapshot_id: str) -> list[TestResultRecord]:
        found = await self._manage.list_test_results(ids.decode(snapshot_id))
        return [read_result(result, self.settings) for result in found]

    def page_of_result(self, result_id: str) -> str | None:
        if not self.settings.standalone or not self.settings.browse_url:
            return None  # where ModelOp shows one is not known
        return f"{self.settings.browse_url.rstrip('/')}/results/{quote(ids.decode(result_id), safe='')}/page"

    async def iter_test_results(self, snapshot_id: str) -> AsyncGenerator[TestResultRecord]:
        async with aclosing(self._manage.iter_test_results(ids.decode(snapshot_id))) as results:
            async for result in results:
                yield read_result(result, self.settings)

    async def keep_test_result(self, result: TestResultRecord) -> TestResultRecord:
        kept, _ = await self._keep_result(result, {})
        return kept

    async def _keep_result(
        self, result: TestResultRecord, wanted: Mapping[str, str]
    ) -> tuple[TestResultRecord, Mapping[str, Any]]:
        """The result as it is kept, and what came along; of one that was kept already, nothing does."""
        if not self.settings.standalone and (known := await self._kept_result(result)):
            return known, {}
        new = written_result(result, self.settings)
        kept = result.model_copy(update={"id": ids.encode(new.id)})
        try:
            answer, came = await self._manage.create_test_result_with(new, wanted)
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return kept, {}  # an attempt that was given up kept it meanwhile
        made = read_result(answer, self.settings)
        if made.id == kept.id:
            return made, came
        return await self._kept_result(result) or made, {}  # a centre that gives ids of its own

    async def _kept_result(self, result: TestResultRecord) -> TestResultRecord | None:
        """The oldest result of the job, if there is one."""
        if not result.job_id:
            return None
        results = await self.list_test_results(result.snapshot_id)
        return next((other for other in reversed(results) if other.job_id == result.job_id), None)

    async def record_verdict(self, result_id: str, verdict: Verdict) -> None:
        await self._manage.patch_test_result(ids.decode(result_id), written_verdict(verdict))

    async def record_breach(self, result_id: str, breach: Breach | None) -> None:
        await self._manage.patch_test_result(ids.decode(result_id), written_breach(breach))

    async def record_submission(self, snapshot: Snapshot, submission: Submission) -> None:
        await self._patch_custom(snapshot, {DEPLOY_MARK: written_submission(submission)}, {})

    async def record_decision(self, snapshot: Snapshot, entry: DecisionEntry) -> None:
        until = entry.expiration_date
        expiration = {self.settings.expiration_field: until.isoformat()} if until else {}
        await self._patch_custom(snapshot, {DECISION_MARK: written_decision(entry)}, expiration)

    async def _patch_custom(self, snapshot: Snapshot, custom: dict[str, Any], more: dict[str, Any]) -> None:
        # The whole of `custom` is sent: whether a centre merges nested objects or replaces them is not proven.
        snapshot_id = ids.decode(snapshot.id)
        read = self._origin(wire.DeployableModel, snapshot) or await self._manage.get_snapshot(snapshot_id)
        changes = {"metaData": {"custom": {**read.meta_data.custom, **custom}}, **more}
        await self._manage.patch_snapshot(snapshot_id, changes)

    async def save_definition(self, owner: JobRecord | DeploymentRecord, path: Path) -> None:
        held = self._contents.entity(wire.Entity, owner.ref, f"The definition of {owner.id}")
        await asyncio.to_thread(_write, path, Body(held.wire(), self._spools))


def _write(path: Path, body: Body) -> None:
    with path.open("wb") as file:
        file.writelines(body.pieces())


class _unless_ended(suppress):  # noqa: N801  # reads as a statement
    """For a change of a job that may have ended a moment ago: then it stays as it is."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        return isinstance(error, Refused) and error.status == HTTPStatus.CONFLICT
