"""How a model's files come from the centre to the disk: in pieces, again after an outage, and texts not without end."""

from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

import pytest
from job_runs import InThisProcess, execute
from small_models import embedded, python_model

from mlc.center import Contents
from mlc.model.asset import Asset, AssetKind, AssetRole
from mlc.model.failure import Refused, TooLarge, Unavailable
from mlc.model.job import JobKind
from mlc.model.required_libraries import RequirementsFile
from mlc.model.snapshot import Snapshot
from mlc.runtime import outages
from mlc.runtime.channel.messages import Done, Failed
from mlc.runtime.contents.cache import ContentCache
from mlc.runtime.contents.fetching import Fetching
from mlc.runtime.environments.installation import quietly
from mlc.runtime.environments.requirements import requirements_of
from mlc.runtime.execution import JobExecution
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.layout import Layout
from mlc.runtime.order import Order
from mlc.runtime.working_directory import WorkingDirectory
from mlc.settings import FileSettings

PIECE = b"0123456789" * 1000
SOURCE = Asset(name="model.py", kind=AssetKind.SOURCE, primary=True, ref="source")
WEIGHTS = Asset(name="weights.bin", role=AssetRole.WEIGHTS_FILE, ref="weights")
REQUIREMENTS = Asset(name="requirements.txt", role=AssetRole.REQUIRED_LIBRARIES, ref="requirements")


class ClosedWhenItRuns(JobExecution):
    """A job that tries to read its input again when the model is to run."""

    async def _answer(self, python: str, directory: Path, order: Order, most: int | None) -> Done | Failed:
        assert (directory / "d.csv").read_text() == "a\n1\n"
        await self._center.read(self._job.inputs[0], limit=100)
        raise AssertionError("it is still open")


class Shaky:
    """Contents whose centre goes away in the middle of a file, as often as it is told to."""

    def __init__(self, outages: int = 0, refusal: str = "") -> None:
        self._outages = outages
        self._refusal = refusal

    async def read(self, asset: Asset, *, limit: int) -> bytes:
        content = b"".join([piece async for piece in self.stream(asset)])
        if len(content) > limit:
            raise TooLarge("model centre", "It is too long.")
        return content

    def keeps_by_hash(self, asset: Asset) -> bool:
        return False

    async def stream(self, asset: Asset, *, start: int = 0) -> AsyncIterator[bytes]:
        if self._refusal:
            raise Refused("model centre", self._refusal, status=422)
        yield PIECE
        if self._outages:
            self._outages -= 1
            raise Unavailable("model centre", "It is away.")
        yield b"end"


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "LONGEST_PAUSE", 0.01)


def layout(tmp_path: Path, contents: Shaky) -> Layout:
    cache = ContentCache(tmp_path / "contents", 2**30)
    fetching = Fetching(contents, cache, linked=False, time=60, doing=quietly)
    return Layout(tmp_path / "job", fetching, ExternalFiles(FileSettings()))


@pytest.mark.usefixtures("no_pauses")
async def test_a_file_whose_centre_goes_away_halfway_is_whole_in_the_end(tmp_path: Path) -> None:
    made = layout(tmp_path, Shaky(outages=3))
    await made.add_model(Snapshot(id="s", assets=[SOURCE, WEIGHTS]), artefacts_in_output_dir=True)
    assert made.notes == []
    for name in ("model.py", "weights.bin", "outputDir/weights.bin"):
        assert (tmp_path / "job" / name).read_bytes() == PIECE + b"end"


async def test_a_file_that_the_centre_refuses_is_a_note_and_no_half_a_file(tmp_path: Path) -> None:
    made = layout(tmp_path, Shaky(refusal="It is broken."))
    await made.add_model(Snapshot(id="s", assets=[WEIGHTS]), artefacts_in_output_dir=True)
    assert made.notes == ["The content of the asset weights.bin can't be had: It is broken."]
    assert not (tmp_path / "job" / "weights.bin").exists()


async def test_requirements_without_end_are_not_read_but_named() -> None:
    model = Snapshot(id="s", assets=[REQUIREMENTS])
    assert await requirements_of(model, Shaky(), len(PIECE) + 3) == [
        RequirementsFile("requirements.txt", PIECE + b"end")
    ]
    with pytest.raises(ModelFailure) as failure:
        await requirements_of(model, Shaky(), len(PIECE) + 2)
    assert str(failure.value) == (
        "The requirements requirements.txt are longer than 10,002 bytes: shorten them, or raise MLC_CENTER_TEXT_LIMIT."
    )


@pytest.mark.usefixtures("no_pauses")
async def test_requirements_wait_for_a_centre_that_is_away_and_a_refusal_is_said() -> None:
    model = Snapshot(id="s", assets=[REQUIREMENTS])
    (found,) = await requirements_of(model, Shaky(outages=2), 20_000)
    assert found.content.endswith(b"end")
    with pytest.raises(ModelFailure, match=r"The requirements requirements\.txt can't be had: It is broken\."):
        await requirements_of(model, Shaky(refusal="It is broken."), 20_000)
    elsewhere = REQUIREMENTS.model_copy(update={"ref": "", "address": "file:///requirements.txt"})
    assert await requirements_of(Snapshot(id="s", assets=[elsewhere]), Shaky(), 1) == [
        RequirementsFile("requirements.txt", b"")
    ]


class Slow(Fetching):
    """Every file takes so long that it is told."""

    async def fetch(self, asset: Asset, directory: WorkingDirectory, name: PurePosixPath, *, fixed: bool) -> str | None:
        await self._tell(f"fetching {asset.name}: 1 MB of 2 MB")
        return await super().fetch(asset, directory, name, fixed=fixed)


async def test_a_job_says_what_it_fetches_and_when_it_has_done_with_that(tmp_path: Path) -> None:
    said: list[str] = []

    async def doing(what: str) -> None:
        said.append(what)

    def slow(center: Contents) -> Fetching:
        return Slow(center, ContentCache(tmp_path / "contents", 0), linked=False, time=60, doing=doing)

    model = python_model("# modelop.metrics\ndef m(df): yield {}")
    data = embedded("d.csv", "a\n1\n")
    outcome = await execute(InThisProcess, tmp_path, JobKind.METRICS, model, data, make_contents=slow, doing=doing)
    assert outcome.problem is None
    assert said == ["fetching model.py: 1 MB of 2 MB", "fetching d.csv: 1 MB of 2 MB", "running the model"]


async def test_what_the_centre_has_of_a_job_is_let_go_before_its_model_runs(tmp_path: Path) -> None:
    model = python_model("# modelop.metrics\ndef m(df): yield {}")
    with pytest.raises(Refused, match="was closed"):
        await execute(ClosedWhenItRuns, tmp_path, JobKind.METRICS, model, embedded("d.csv", "a\n1\n"))
