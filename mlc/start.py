"""Where the code of our programs comes from: from beside this file, from Python and from what is installed with it.

Run as a script by ``python -I`` it is the ``mlc`` command of this very copy of the project, installed or not: so all
processes of standalone mode are of one release, and import nothing from the folder in which they were started. Imported
by the command itself, before anything else, it leaves that folder out of what is searched from then on. It uses nothing
that Python has not loaded by then.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

OURS = ("mlc", "workflows", "activities")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib isn't loaded yet


class Beside:
    """Finds our own packages, and no others, in the folder that this file's package is in."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG004 - Python's
        """See importlib.abc.MetaPathFinder."""
        return PathFinder.find_spec(name, [ROOT]) if name in OURS else None


def command(*arguments: str) -> list[str]:
    """The command line of one of our own commands: this copy, with this Python, isolated.

    Isolated, Python looks at no variable such as PYTHONUNBUFFERED: what they would say are options here.
    """
    options = ("-I", "-u", "-X", "utf8", *(["-B"] if sys.dont_write_bytecode else []))
    return [sys.executable, *options, __file__, *arguments]


def leave_the_folder_out() -> None:
    """Import nothing more from the folder in which this was started, if that is searched for a reason that nobody gave.

    ``python -m`` puts it first, before Python's own modules, and so does an empty or a relative part of PYTHONPATH.
    """
    if Beside not in sys.meta_path:
        sys.meta_path.insert(0, Beside)
    if sys.flags.isolated:
        return
    if sys.argv[0] == "-m" and not sys.flags.safe_path:  # so it is called while what to run is being looked for
        del sys.path[0]
    given = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    for part in given.split(os.pathsep) if given else ():
        if not os.path.isabs(part) and (here := os.path.abspath(part)) in sys.path:  # noqa: PTH100, PTH117
            sys.path.remove(here)


def _is_command() -> bool:
    if sys.argv[0] == "-m":
        return any(word.endswith("mlc.cli") for word in sys.orig_argv)
    return os.path.basename(sys.argv[0]) == "mlc"  # noqa: PTH119


if __name__ == "__main__":
    from runpy import run_module

    leave_the_folder_out()
    run_module("mlc.cli", run_name="__main__")
elif _is_command():
    leave_the_folder_out()
