"""`mlc --version`."""

from importlib.metadata import version
from pathlib import Path

from distribution.missing import PROJECT, mlc, python

NOT_INSTALLED = """
import importlib.metadata
real = importlib.metadata.distribution
def none(name):
    if name == "mlc-temporal":
        raise importlib.metadata.PackageNotFoundError(name)
    return real(name)
importlib.metadata.distribution = none
sys.argv = ["mlc", "--version"]
from mlc.cli import main
main()
"""


def test_the_version_is_that_of_the_installed_package(tmp_path: Path) -> None:
    done = mlc("--version", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mlc {version('mlc-temporal')}\n", "")


def test_it_is_the_projects(tmp_path: Path) -> None:
    assert version("mlc-temporal") == PROJECT["version"]


def test_a_source_that_is_not_installed_says_so(tmp_path: Path) -> None:
    done = python(NOT_INSTALLED, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mlc, of no known version: it runs from its source, and is not installed (pip install -e .)\n"


def test_a_version_of_a_command_is_a_usage_error(tmp_path: Path) -> None:
    assert mlc("demo", "--version", home=tmp_path).returncode == 2
