"""The contract of a catalogue: models, snapshots and what their files contain."""

import hashlib
import re
from pathlib import Path

import pytest

from mlc.center import Capability, Center, NewFile, NewJob, Unsupported
from mlc.model.asset import Asset, AssetKind, AssetRole, AssetUse, RequiredAsset
from mlc.model.failure import NotFound, Refused, TooLarge
from mlc.model.job import JobEnding, JobKind, JobStatus
from mlc.model.snapshot import Model, RuntimeName
from mlc.testing.center.models import DATA, SOURCE, a_model, a_snapshot, some_files

SAFE = re.compile(r"[A-Za-z0-9._~-]+")


class CatalogueContract:
    """What the port promises of models and snapshots, kept by the adapter of the fixture ``center``."""

    async def test_a_model_is_found_by_its_name_as_it_was_saved(self, center: Center, tmp_path: Path) -> None:
        saved = await center.save_model(a_model(), some_files(tmp_path))
        await center.save_model(a_model("another"), some_files(tmp_path))
        (found,) = await center.find_models(a_model().name)
        assert found.id == saved.id
        assert SAFE.fullmatch(found.id)
        own = found.model_copy(update={"id": "", "group": "", "author": "", "created": None, "details": {}})
        assert own == a_model()
        assert await center.find_models("Credit risk") == []

    async def test_monitors_are_models_of_their_own_kind(self, center: Center, tmp_path: Path) -> None:
        await center.save_model(a_model("same"), some_files(tmp_path))
        monitor = await center.save_model(
            a_model("same", is_monitor=True, required_roles=["BASELINE_DATA"], association_role="DATA_DRIFT_MODEL"),
            some_files(tmp_path),
        )
        needed = RequiredAsset(role="TEST_DATA", name="test.csv", use=AssetUse.INPUT)
        await center.save_model(a_model("other", required_roles=["TEST_DATA"], required_assets=[needed]), [])
        assert (await center.find_models("other"))[0].required_assets == [needed]
        (found,) = await center.find_models("same", monitors=True)
        assert (found.id, found.is_monitor) == (monitor.id, True)
        assert (found.required_roles, found.association_role) == (["BASELINE_DATA"], "DATA_DRIFT_MODEL")
        newest, _ = await center.find_models("same")
        assert newest.id == monitor.id

    async def test_a_model_that_is_saved_again_is_what_it_is_made(self, center: Center, tmp_path: Path) -> None:
        saved = await center.save_model(a_model(), some_files(tmp_path))
        changed = saved.model_copy(update={"risk": "Low"})
        again = await center.save_model(changed, some_files(tmp_path)[:1])
        assert (again.id, again.risk) == (saved.id, "Low")
        snapshot = await a_snapshot(center, tmp_path, model=again)
        assert [asset.name for asset in snapshot.assets] == ["model.py"]

    async def test_a_model_that_is_saved_again_inherits_nothing(self, center: Center, tmp_path: Path) -> None:
        rich = a_model(custom={"owner": "me", "deep": {"kept": 1, "gone": 2}}, details={"Roi": {"x": 1}})
        saved = await center.save_model(rich, some_files(tmp_path))
        bare = Model(id=saved.id, name=saved.name, custom={"deep": {"kept": 3}})
        await center.save_model(bare, some_files(tmp_path)[:1])
        snapshot = await a_snapshot(center, tmp_path, model=saved)
        model = snapshot.model
        own = model.model_copy(update={"group": "", "author": "", "created": None, "details": {}})
        assert own == bare
        assert "Roi" not in model.details

    async def test_a_snapshot_is_a_copy_with_its_own_name_tags_and_stage(self, center: Center, tmp_path: Path) -> None:
        pinned = [RuntimeName(name="somewhere")]
        made = await a_snapshot(center, tmp_path, "s", tags=["a", "b"], stage="prod", target_runtimes=pinned)
        snapshot = await center.get_snapshot(made.id)
        assert SAFE.fullmatch(snapshot.id)
        assert (snapshot.name, snapshot.tags, snapshot.stage) == ("s", ["a", "b"], "prod")
        assert snapshot.target_runtimes == pinned
        assert snapshot.model.custom == a_model().custom
        assert snapshot.submission is None
        assert snapshot.created is not None
        assert snapshot.created.tzinfo is not None
        (model,) = await center.find_models(a_model().name)
        assert (snapshot.model.id, model.stage) == (model.id, "dev")

    async def test_what_a_file_is_can_be_seen_without_its_content(self, center: Center, tmp_path: Path) -> None:
        snapshot = await center.get_snapshot((await a_snapshot(center, tmp_path)).id)
        source, test, *_ = snapshot.assets
        assert (source.name, source.kind, source.primary) == ("model.py", AssetKind.SOURCE, True)
        assert source.functions == {"init": "begin", "score": "score", "metrics": "measure", "train": "fit"}
        assert (test.kind, test.format) == (AssetKind.FILE, "CSV")
        assert snapshot.with_role(AssetRole.TEST_DATA) == [test]
        assert [asset.ref for asset in snapshot.assets] == [""] * 4
        with pytest.raises(Refused):
            await center.read(source, limit=10_000)

    async def test_contents_are_read_and_streamed_while_their_owner_is_open(
        self, center: Center, tmp_path: Path
    ) -> None:
        made = await a_snapshot(center, tmp_path)
        async with center.open_snapshot(made.id) as snapshot:
            source, test, *_ = snapshot.assets
            assert await center.read(source, limit=10_000) == SOURCE
            pieces = [piece async for piece in center.stream(test)]
            assert b"".join(pieces) == DATA
            assert max(map(len, pieces)) <= 1024 * 1024
            for start in (1, len(DATA) - 1, len(DATA)):
                assert b"".join([piece async for piece in center.stream(test, start=start)]) == DATA[start:]
            if center.keeps_by_hash(test):
                assert test.sha256 == hashlib.sha256(DATA).hexdigest()
                assert Capability.RANGED_READS in center.capabilities
            assert await center.read(test, limit=len(DATA)) == DATA
            with pytest.raises(TooLarge):
                await center.read(test, limit=len(DATA) - 1)
        with pytest.raises(Refused, match="closed"):
            await center.read(source, limit=10_000)
        with pytest.raises(Refused, match="closed"):
            await anext(aiter(center.stream(test)))

    async def test_the_latest_snapshot_is_the_newest_of_the_model(self, center: Center, tmp_path: Path) -> None:
        model = await center.save_model(a_model(), some_files(tmp_path))
        for name in ("first", "second", "third"):
            await a_snapshot(center, tmp_path, name, model=model)
        other = await a_snapshot(center, tmp_path, "of another")
        latest = await center.latest_snapshot(model.id)
        assert latest is not None
        assert latest.name == "third"
        assert await center.latest_snapshot(other.id) is None

    @pytest.mark.parametrize("what", ["", ".", "..", "a/b", "a b", "~", "\u00e9", "x" * 400, "no-such-thing"])
    async def test_what_is_not_there_is_not_found(self, center: Center, what: str) -> None:
        with pytest.raises(NotFound):
            await center.get_snapshot(what)
        with pytest.raises(NotFound):
            async with center.open_snapshot(what):
                raise AssertionError("there is none")

    async def test_artefacts_take_the_place_of_assets_of_their_name(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        (tmp_path / "weights.bin").write_bytes(DATA)
        (tmp_path / "new.csv").write_bytes(b"new")
        async with center.open_snapshot(made.id) as snapshot:
            inputs = snapshot.with_role(AssetRole.TRAINING_DATA)
            job = await center.create_job(NewJob("k", JobKind.TRAINING, "w", snapshot, inputs, []))
        outputs = [
            NewFile(Asset(name="weights.bin", role=AssetRole.WEIGHTS_FILE), tmp_path / "weights.bin"),
            NewFile(Asset(name="test.csv", role=AssetRole.UNKNOWN), tmp_path / "new.csv"),
        ]
        await center.end_job(job.id, JobEnding(status=JobStatus.COMPLETE), outputs)
        async with center.open_job(job.id) as whole, center.open_snapshot(made.id) as snapshot:
            artefacts = [asset.model_copy(update={"role": AssetRole.WEIGHTS_FILE}) for asset in whole.outputs]
            if Capability.REPLACES_ASSETS not in center.capabilities:
                with pytest.raises(Unsupported):
                    await center.replace_assets(snapshot, whole, artefacts)
                return
            for _ in range(2):
                await center.replace_assets(snapshot, whole, artefacts)
        async with center.open_snapshot(made.id) as snapshot:
            by_name = {asset.name: asset for asset in snapshot.assets}
            assert sorted(by_name) == ["limits.dmn", "model.py", "test.csv", "train.csv", "weights.bin"]
            assert by_name["test.csv"].role == AssetRole.WEIGHTS_FILE
            assert await center.read(by_name["test.csv"], limit=100) == b"new"
            assert await center.read(by_name["weights.bin"], limit=len(DATA)) == DATA
            assert await center.read(by_name["train.csv"], limit=len(DATA)) == DATA[1:]
            assert await center.read(by_name["model.py"], limit=10_000) == SOURCE
            assert by_name["model.py"].functions["train"] == "fit"

    async def test_files_are_put_on_a_snapshot_by_name(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        (tmp_path / "mended.dmn").write_bytes(b"<mended/>")
        mended = Asset(name="limits.dmn", role=AssetRole.TEST_RESULT_COMPARATOR)
        async with center.open_snapshot(made.id) as snapshot:
            if Capability.REPLACES_ASSETS not in center.capabilities:
                with pytest.raises(Unsupported):
                    await center.add_files(snapshot, [NewFile(mended, tmp_path / "mended.dmn")])
                return
            for _ in range(2):
                await center.add_files(snapshot, [NewFile(mended, tmp_path / "mended.dmn")])
        async with center.open_snapshot(made.id) as snapshot:
            by_name = {asset.name: asset for asset in snapshot.assets}
            assert sorted(by_name) == ["limits.dmn", "model.py", "test.csv", "train.csv"]
            assert await center.read(by_name["limits.dmn"], limit=100) == b"<mended/>"
            assert await center.read(by_name["test.csv"], limit=len(DATA)) == DATA

    async def test_a_page_is_an_address_or_nothing(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        for snapshot_id in (made.id, "..", "a/b", ""):
            page = center.page_of(snapshot_id)
            assert page is None or page.startswith(("http://", "https://"))
        assert center.text_limit > 0

    async def test_artefacts_of_a_job_that_is_closed_are_refused(self, center: Center, tmp_path: Path) -> None:
        made = await a_snapshot(center, tmp_path)
        async with center.open_snapshot(made.id) as snapshot:
            job = await center.create_job(NewJob("k", JobKind.TRAINING, "w", snapshot, snapshot.assets[:1], []))
            async with center.open_job(job.id) as whole:
                pass
            with pytest.raises(Refused):
                await center.replace_assets(snapshot, whole, whole.inputs)
