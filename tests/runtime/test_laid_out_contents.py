"""How large files lie in a model's working directory: written once, hashed once, and not counted as the model's."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from stored_by_hash import StoredByHash

from mlc.model.asset import Asset, AssetRole
from mlc.runtime import places
from mlc.runtime.contents.cache import ContentCache
from mlc.runtime.contents.content import DiskFull, WrongContent
from mlc.runtime.contents.fetching import Fetching
from mlc.runtime.environments.installation import quietly
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation.usage import disk
from mlc.runtime.layout import Layout
from mlc.settings import FileSettings

WEIGHTS = os.urandom(4 * 2**20)
SMALL = b"small"


class Laying:
    """Lays models out, each time in a new folder."""

    def __init__(self, tmp_path: Path, *, linked: bool) -> None:
        self.center = StoredByHash()
        self.weights = self.center.asset("weights.bin", WEIGHTS)
        self._linked = linked
        self._folder = tmp_path
        self._jobs = 0

    def layout(self) -> Layout:
        self._jobs += 1
        cache = ContentCache(self._folder / "contents", 2**30)
        fetching = Fetching(self.center, cache, linked=self._linked, time=60, doing=quietly)
        return Layout(self._folder / f"job-{self._jobs}", fetching, ExternalFiles(FileSettings()))

    async def model(self, *assets: Asset, output_dir: bool = True) -> Layout:
        layout = self.layout()
        model = self.center.model(*(assets or [self.weights]))
        await layout.add_model(model, artefacts_in_output_dir=output_dir)
        return layout


@pytest.fixture(params=[False, True], ids=["copied", "linked"])
def laying(request: pytest.FixtureRequest, tmp_path: Path) -> Laying:
    return Laying(tmp_path, linked=request.param)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the files that were read for their hash, beside that which is made while a file is laid out."""
    sizes: list[int] = []
    digest = places.digest

    def watched(file: object) -> str:
        sizes.append(os.fstat(file.fileno()).st_size)  # type: ignore[attr-defined]
        return digest(file)  # type: ignore[arg-type]

    monkeypatch.setattr(places, "digest", watched)
    return sizes


async def test_a_second_deployment_of_the_same_files_fetches_nothing_but_small_ones(laying: Laying) -> None:
    for _ in range(2):
        layout = await laying.model()
        assert (layout.root / "weights.bin").read_bytes() == WEIGHTS
        assert layout.notes == []
    assert laying.center.weights_asked == [0]


async def test_what_was_hashed_when_it_was_laid_out_is_not_read_again(laying: Laying, hashed: list[int]) -> None:
    layout = await laying.model()
    for _ in range(2):
        found = layout.hashes()
    assert found["artefacts"] == {"weights.bin": hashlib.sha256(WEIGHTS).hexdigest()}
    assert hashed == []


def dated_back(path: Path) -> None:
    state = path.stat()
    path.write_bytes(b"x" * len(WEIGHTS))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda p: p.write_bytes(b"x" * len(WEIGHTS)),
    "written and dated back": dated_back,
    "replaced": lambda p: (p.unlink(), p.write_bytes(b"x" * len(WEIGHTS))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_file_that_changed_since_it_was_laid_out_is_hashed_again(
    tmp_path: Path, hashed: list[int], change: Callable[[Path], object]
) -> None:
    layout = await Laying(tmp_path, linked=False).model()
    change(layout.root / "weights.bin")
    assert layout.hashes()["artefacts"] == {"weights.bin": hashlib.sha256(b"x" * len(WEIGHTS)).hexdigest()}
    assert hashed == [len(WEIGHTS)]


async def test_other_jobs_that_come_and_go_are_no_change(tmp_path: Path, hashed: list[int]) -> None:
    laying = Laying(tmp_path, linked=True)
    layout = await laying.model()
    other = await laying.model()
    (other.root / "weights.bin").unlink()
    assert layout.hashes()["artefacts"] == {"weights.bin": hashlib.sha256(WEIGHTS).hexdigest()}
    assert hashed == []


async def test_weights_lie_in_the_output_folder_as_well_without_a_second_copy(laying: Laying) -> None:
    small = laying.center.asset("deep/small.bin", SMALL)
    deep = laying.center.asset("deep/er/weights.bin", WEIGHTS[::-1])
    layout = await laying.model(laying.weights, small, deep)
    out = layout.root / "outputDir"
    assert (out / "weights.bin").read_bytes() == WEIGHTS
    assert (out / "deep/er/weights.bin").read_bytes() == WEIGHTS[::-1]
    assert not (out / "deep/small.bin").is_symlink()
    assert (out / "deep/small.bin").read_bytes() == SMALL
    if (out / "weights.bin").is_symlink():  # else blocks are shared
        assert disk(None, [out]) < 2**20
    (out / "weights.bin").unlink()
    (out / "weights.bin").write_bytes(b"the model's own")
    assert (layout.root / "weights.bin").read_bytes() == WEIGHTS


async def test_weights_stay_out_of_the_output_folder_of_a_training_job(laying: Laying) -> None:
    layout = await laying.model(output_dir=False)
    assert list((layout.root / "outputDir").iterdir()) == []


async def test_a_file_of_the_model_in_the_output_folder_is_not_replaced(laying: Laying) -> None:
    data = laying.center.asset("outputDir/weights.bin", b"other", AssetRole.UNKNOWN)
    layout = await laying.model(laying.weights, data)
    assert (layout.root / "outputDir/weights.bin").read_bytes() == b"other"
    assert "weights.bin are not copied to outputDir/" in layout.notes[0]


async def test_of_two_files_of_one_name_none_is_chosen_by_chance(laying: Laying) -> None:
    again = laying.weights.model_copy(update={"role": AssetRole.UNKNOWN})
    layout = await laying.model(laying.weights, again)
    assert layout.notes == []
    other = laying.center.asset("weights.bin", WEIGHTS[::-1], ref="another")
    laying.center.files |= {"another": WEIGHTS[::-1], "weights.bin": WEIGHTS}
    with pytest.raises(ModelFailure, match=r"two files weights\.bin with different content"):
        await laying.model(laying.weights, other)


async def test_a_jobs_data_takes_the_name_of_no_file_of_the_model(laying: Laying) -> None:
    data = laying.center.asset("data.csv", b"a\n" * 2**20, AssetRole.TEST_DATA)
    layout = await laying.model(laying.weights, data)
    same = data.model_copy(update={"role": AssetRole.UNKNOWN})
    (found,) = await layout.add_inputs([same])
    assert layout.hash_of(found) == data.sha256
    assert layout.notes == []
    laying.center.files["other"] = b"b\n" * 2**20
    other = laying.center.asset("data.csv", b"b\n" * 2**20, AssetRole.UNKNOWN, ref="other")
    await layout.add_inputs([other])
    assert "another file of the model or the job has that name" in layout.notes[0]
    assert (layout.root / "data.csv").read_bytes() == b"a\n" * 2**20


async def test_without_room_or_with_a_wrong_content_no_model_is_run(
    laying: Laying, monkeypatch: pytest.MonkeyPatch
) -> None:
    laying.center.files["weights.bin"] = WEIGHTS[::-1]
    with pytest.raises(WrongContent):
        await laying.model()
    monkeypatch.setattr(ContentCache, "_free", lambda _: 0)
    with pytest.raises(DiskFull):
        await laying.model()


async def test_a_disk_that_gets_full_while_a_file_is_laid_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlc.runtime.contents.laying.copied", full)
    laying = Laying(tmp_path, linked=False)
    layout = laying.layout()
    with pytest.raises(DiskFull, match=r"weights.bin \(4 MB\) in .*job-1"):
        await layout.add_model(laying.center.model(laying.weights), artefacts_in_output_dir=True)
    assert not (layout.root / "weights.bin").exists()
    assert layout.directory.kind(PurePosixPath("__moc_runtime", "fetched")) is None
