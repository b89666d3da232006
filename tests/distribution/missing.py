"""Runs Python as if some modules were not installed."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from cli.cli_process import environment

from mlc.cli.extra import STANDALONE

ROOT = Path(__file__).parents[2]
ONLY_IN_EXTRA = sorted(set(STANDALONE) - {"packaging"})
"""What nothing but the extra brings; jira asks for packaging, too."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

_REFUSE = """
import sys
class Refuse:
    names = {names!r}
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in self.names):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
"""


def python(
    code: str, home: Path, without: Iterable[str] = (), cwd: Path = ROOT, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run code in a process that can't import the modules ``without``."""
    return subprocess.run(
        [sys.executable, "-c", _REFUSE.format(names=tuple(without)) + code],
        env=environment(home, PYTHONPATH=str(ROOT), **settings),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def mlc(
    *arguments: str, home: Path, without: Iterable[str] = (), cwd: Path = ROOT, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that can't import the modules ``without``."""
    code = f"sys.argv = {['mlc', *arguments]!r}\nfrom mlc.cli import main\nmain()"
    return python(code, home, without, cwd, **settings)
