"""What is built while requirements are installed is hostile here: it is contained as a model is, and nothing stays."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from installing import installed, level_named, source_archive, wheel
from small_models import embedded, needing

from mlc.model.job import JobKind
from mlc.runtime.environments.installation import InstallRules
from mlc.runtime.environments.requirements import Interpreter
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation import Level

BUILDS = InstallRules(time=120, source_builds=True)
CSV = embedded("d.csv", "a\n1\n", file_format="CSV")


@pytest.fixture(autouse=True)
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages are found in a folder alone, and built by what the runtime has of setuptools."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "false")
    return folder


@pytest.fixture(params=["process", "landlock", "bubblewrap"])
def level(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Level:
    monkeypatch.setenv("MLC_HOME", str(tmp_path / "home"))
    return level_named(request.param)


def nobody_is_left(mark: str) -> bool:
    return not [p for p in psutil.process_iter(["cmdline"]) if any(mark in part for part in p.info["cmdline"] or ())]


def seen_by_setup(interpreter: Interpreter) -> str:
    return next(Path(interpreter.kept).parents[1].glob("lib/python*/site-packages/seen.py")).read_text()


def nothing_is_left(tmp_path: Path) -> bool:
    return [path.name for path in (tmp_path / "environments").iterdir() if path.suffix != ".lock"] == []


DAEMON = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"], start_new_session=True, env={{}},
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


async def test_a_setup_that_leaves_a_daemon_leaves_none(no_index: Path, tmp_path: Path, level: Level) -> None:
    mark = f"daemon-of-{os.getpid()}-{level.name}"
    source_archive(no_index, "hostile", DAEMON.format(mark=mark))
    async with installed("hostile==1.0", tmp_path, level=level, rules=BUILDS) as interpreter:
        assert nobody_is_left(mark)
        assert list(Path(interpreter.kept).parents[1].glob("lib/python*/site-packages/hostile-1.0*"))


@pytest.mark.parametrize(
    ("setup", "said"),
    {
        "memory of many": (
            "import os, time\nfor _ in range(6):\n    if not os.fork():\n"
            "        kept = bytearray(b'x') * (150 * 2**20)\n        time.sleep(60)\ntime.sleep(60)",
            "Installing the model's requirements used more than the 512 MB of memory that the runtime allows.",
        ),
        "disk": (
            "import os, time\nos.chdir(os.environ['TMPDIR'])\n"
            "for n in range(100): open(f'f{n}', 'wb').write(bytes(2**20))\ntime.sleep(60)",
            "Installing the model's requirements wrote more than the 50 MB to disk that the runtime allows.",
        ),
        "processes": (
            "import os, time\nfor _ in range(150):\n    if not os.fork(): time.sleep(60); os._exit(0)\ntime.sleep(60)",
            "Installing the model's requirements started more than 64 processes and was stopped.",
        ),
        "time": ("import time; time.sleep(600)", "took longer than 15 seconds"),
        "a signal to its parent": ("import os, signal\nos.kill(os.getppid(), 9)", "can't be installed|was killed by"),
        "a log that is a pipe": (
            "import os\nlog = os.path.join(os.environ['TMPDIR'], 'pip.log')\nos.unlink(log)\nos.mkfifo(log)\n"
            "raise SystemExit(3)",
            "can't be installed",
        ),
    }.values(),
)
async def test_a_setup_that_uses_too_much_is_ended_as_a_model_is(
    no_index: Path, tmp_path: Path, setup: str, said: str
) -> None:
    source_archive(no_index, "hostile", setup)
    rules = InstallRules(time=15 if "15 seconds" in said else 120, disk=50 * 2**20, source_builds=True)
    with pytest.raises(ModelFailure) as failure:
        async with installed("hostile", tmp_path, memory=512, rules=rules):
            pass
    assert any(part in f"{failure.value}\n{failure.value.trace}" for part in said.split("|")), failure.value.trace
    assert nothing_is_left(tmp_path)


async def test_a_setup_gets_no_more_memory_than_a_model(no_index: Path, tmp_path: Path, level: Level) -> None:
    setup = (
        "try: kept, got = bytearray(900 * 2**20), True\nexcept MemoryError: got = False\n"
        "open('seen.py', 'w').write(str(got))"
    )
    source_archive(no_index, "hostile", setup)
    async with installed("hostile", tmp_path, memory=512, level=level, rules=BUILDS) as interpreter:
        assert seen_by_setup(interpreter) == "False"


async def test_a_setup_sees_no_secret_of_the_runtimes(
    no_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_CENTER_TOKEN", "hidden-token")
    source_archive(no_index, "hostile", "import os\nopen('seen.py', 'w').write(repr([*os.environ.items()]))")
    async with installed("hostile", tmp_path, rules=BUILDS) as interpreter:
        seen = seen_by_setup(interpreter)
    assert "hidden-token" not in seen
    assert "MLC_" not in seen
    assert "'HOME'" in seen


SPY = """
import os, sys
seen = open("seen.py", "w")
def tried(what, do):
    try: do(); seen.write("could " + what + chr(10))
    except OSError as error: seen.write("could not " + what + chr(10))
tried("read settings", lambda: open({settings!r}).read())
tried("read the model of another", lambda: open({other!r}).read())
tried("read the runtime's environment", lambda: open("/proc/{pid}/environ").read())
tried("write the runtime's libraries", lambda: open({libraries!r}, "w"))
tried("write the model's folder", lambda: open({model!r}, "w"))
tried("write its own folder", lambda: open(os.path.join(os.environ["TMPDIR"], "own"), "w"))
seen.close()
"""


@pytest.mark.parametrize("level", ["landlock", "bubblewrap"], indirect=True)
async def test_from_landlock_on_a_setup_reads_nothing_of_others_and_writes_to_nothing_that_stays(
    no_index: Path, tmp_path: Path, level: Level
) -> None:
    (tmp_path / "mlc.env").write_text("secret")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.py").write_text("secret")
    places = {"settings": "mlc.env", "other": "other/model.py", "model": "model/left"}
    written = Path(sys.prefix) / "left-by-a-setup"
    spy = SPY.format(
        pid=os.getpid(), libraries=str(written), **{name: str(tmp_path / place) for name, place in places.items()}
    )
    source_archive(no_index, "hostile", spy)
    try:
        async with installed("hostile", tmp_path, level=level, rules=BUILDS) as interpreter:
            lines = seen_by_setup(interpreter).splitlines()
        assert [line for line in lines if not line.startswith("could not ")] == ["could write its own folder"]
        assert len(lines) == 6
        assert not written.exists()
    finally:
        written.unlink(missing_ok=True)


async def test_source_archives_are_not_built_unless_a_setting_says_so(no_index: Path, tmp_path: Path) -> None:
    source_archive(no_index, "hostile", f"open({str(tmp_path / 'built')!r}, 'w')")
    with pytest.raises(ModelFailure, match="No matching distribution found for hostile"):
        async with installed("hostile", tmp_path):
            pass
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize("operators", ["PIP_NO_BINARY", "PIP_ONLY_BINARY"])
async def test_not_even_where_pips_own_settings_allow_it(
    no_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operators: str
) -> None:
    monkeypatch.setenv(operators, ":all:" if operators == "PIP_NO_BINARY" else ":none:")
    source_archive(no_index, "hostile", f"open({str(tmp_path / 'built')!r}, 'w')")
    with pytest.raises(ModelFailure, match="No matching distribution found for hostile"):
        async with installed("hostile", tmp_path):
            pass
    assert not (tmp_path / "built").exists()


async def test_a_package_that_requires_an_archive_at_an_address_does_not_get_it_built(
    no_index: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    archive = source_archive(elsewhere, "hostile", f"open({str(tmp_path / 'built')!r}, 'w')")
    wheel(no_index, "harmless", requires=f"hostile @ {archive.as_uri()}")
    with pytest.raises(ModelFailure, match=r"this runtime builds no packages"):
        async with installed("harmless", tmp_path):
            pass
    assert not (tmp_path / "built").exists()
    assert nothing_is_left(tmp_path)


async def test_a_package_that_requires_a_wheel_at_an_address_is_not_kept(no_index: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    wheel(no_index, "harmless", requires=f"other @ {wheel(elsewhere, 'other', other='').as_uri()}")
    with pytest.raises(ModelFailure, match=r"other-1\.0 is required by another package from an address"):
        async with installed("harmless", tmp_path):
            pass
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("left", "said"),
    {
        "a link to elsewhere": ("os.symlink('/etc/passwd', site + '/left.py')", "the link .*left.py leads out of it"),
        "a pipe": ("os.mkfifo(site + '/left')", "left is neither a file, a folder nor a link"),
        "a second name": (
            "open(site + '/left', 'w').write('x'); os.link(site + '/left', site + '/right')",
            "has a second name",
        ),
        "another account's permissions": (
            "open(site + '/left', 'w'); os.chmod(site + '/left', 0o4755)",
            "left would run with another account's permissions",
        ),
        "an interpreter of its own": (
            "python = sys.prefix + '/bin/python'; os.unlink(python); os.symlink('/bin/sh', python)",
            "bin/python is not the runtime's interpreter",
        ),
    }.values(),
)
async def test_what_no_package_brings_is_not_kept(no_index: Path, tmp_path: Path, left: str, said: str) -> None:
    setup = f"import os, sys, sysconfig\nsite = sysconfig.get_path('purelib')\nif 'bdist_wheel' in sys.argv: {left}"
    source_archive(no_index, "hostile", setup)
    with pytest.raises(ModelFailure, match=said):
        async with installed("hostile", tmp_path, rules=BUILDS):
            pass
    assert nothing_is_left(tmp_path)


async def test_folders_within_folders_without_permissions_are_removed(no_index: Path, tmp_path: Path) -> None:
    deep = """
        import os, sys
        os.chdir(os.environ["TMPDIR"])
        for _ in range(3000):
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
        os.chmod(".", 0)
        sys.exit("deep enough")
        """
    source_archive(no_index, "hostile", deep)
    with pytest.raises(ModelFailure):
        async with installed("hostile", tmp_path, rules=BUILDS):
            pass
    assert nothing_is_left(tmp_path)


async def test_the_models_own_folder_is_installed_from_a_copy(run: Callable[..., Any], level: Level) -> None:
    setup = (
        "import os\nfor name in ('setup.py', 'tiny_library.py'): assert os.path.exists(name)\n"
        "open('left-by-setup', 'w').close()\nfrom setuptools import setup\n"
        "setup(name='tiny-library', version='1.0', py_modules=['tiny_library'])\n"
    )
    own = [embedded("setup.py", setup), embedded("tiny_library.py", "VERSION = 'own'\n")]
    source = (
        "import json, os, tiny_library\n# modelop.metrics\n"
        "def m(df): yield {'v': tiny_library.VERSION, 'files': sorted(os.listdir('.'))}\n"
    )
    model = needing(".", *own)
    model.stored_model.model_assets[0].source_code = source
    outcome = await run(JobKind.METRICS, model, CSV, install=BUILDS, level=level)
    assert outcome.problem is None, outcome.messages
    answer = json.loads(outcome.outputs[0].content())
    assert answer["v"] == "own"
    assert not {"left-by-setup", "build", "tiny_library.egg-info"} & {*answer["files"]}
