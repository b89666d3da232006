"""What a model gets of its environment: a copy, or one that it can't change, with the hashes that it asked for."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installing import installed, level_named, wheel
from small_models import embedded, needing, tiny_library

from mlc.model.job import JobKind
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation import Level
from mlc.runtime.isolation.levels import Process

Run = Callable[..., Any]
CSV = embedded("d.csv", "a\n1\n", file_format="CSV")
HOSTILE = """
import glob, os, sys, tiny_library
# modelop.metrics
def m(df):
    done = []
    for path in [tiny_library.__file__, *glob.glob({folder!r} + "/*-*/lib/python*/site-packages/tiny_library.py")]:
        try:
            open(path, "w").write("VERSION = 'hostile'")
            done.append(path)
        except OSError:
            pass
    yield {{"v": tiny_library.VERSION, "changed": done, "prefix": sys.prefix}}
"""


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


async def hostile_then_harmless(run: Run, tmp_path: Path, level: Level) -> tuple[dict[str, Any], Any]:
    """What a model that changes all it can could change, and how the next job with the same requirements went."""
    tiny_library(tmp_path / "packages", "1.0")
    model = needing("tiny-library==1.0")
    model.stored_model.model_assets[0].source_code = HOSTILE.format(folder=str(tmp_path / "environments"))
    outcome = await run(JobKind.METRICS, model, CSV, level=level)
    assert outcome.problem is None, outcome.messages
    following = await run(JobKind.METRICS, needing("tiny-library==1.0"), CSV, level=level)
    assert following.problem is None, following.messages
    assert json.loads(following.outputs[0].content())["v"] == "1.0"
    assert following.runtime_info["libraries"]["tiny-library"] == "1.0"
    return json.loads(outcome.outputs[0].content()), following


async def test_a_model_that_is_a_process_alone_has_a_copy_and_what_it_changes_elsewhere_is_found(
    run: Run, tmp_path: Path
) -> None:
    answer, following = await hostile_then_harmless(run, tmp_path, Process())
    assert answer["prefix"] == str(tmp_path / "job" / "__moc_runtime" / "environment")
    assert len(answer["changed"]) == 2  # its own copy, and the kept one, which nothing keeps it from at this level
    (told,) = [line for line in following.messages if "is not as it was made" in line]
    assert "tiny_library.py differs" in told
    assert any("installing 1 package" in line for line in following.messages)
    assert not (tmp_path / "job" / "__moc_runtime" / "environment").exists()


@pytest.mark.parametrize("level", ["landlock", "bubblewrap"])
async def test_a_model_that_is_isolated_changes_nothing_of_its_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    answer, following = await hostile_then_harmless(run, tmp_path, level_named(level))
    assert answer["prefix"].startswith(str(tmp_path / "environments"))
    assert answer["changed"] == []
    assert not [line for line in following.messages if "is not as it was made" in line or "installing" in line]


async def test_packages_with_hashes_are_installed_if_they_have_them(packages: Path, tmp_path: Path) -> None:
    right = hashlib.sha256(tiny_library(packages, "1.0").read_bytes()).hexdigest()
    async with installed(f"tiny-library==1.0 \\\n  --hash=sha256:{right}\npandas>=2\n", tmp_path) as interpreter:
        assert list(Path(interpreter.kept).parents[1].glob("lib/python*/site-packages/tiny_library.py"))
    with pytest.raises(ModelFailure, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        async with installed(f"tiny-library==1.0 --hash=sha256:{'0' * 64}", tmp_path):
            pass


async def test_only_what_applies_here_is_installed(packages: Path, tmp_path: Path) -> None:
    wheel(packages, "one", one="")
    lines = "one==1.0; python_version > '3'\nno_such_library==1; python_version < '3'\n"
    async with installed(lines, tmp_path) as interpreter:
        assert list(Path(interpreter.kept).parents[1].glob("lib/python*/site-packages/one.py"))


async def test_refused_lines_are_the_reason_why_a_job_failed(run: Run) -> None:
    outcome = await run(JobKind.METRICS, needing("pandas\n-r more.txt\n"), CSV)
    assert outcome.problem == (
        "The model's requirements are refused. requirements.txt, line 2: the option -r is refused: write here what "
        "that file asks for. Take the option out."
    )
