"""What the extra ``standalone`` brings, and one sentence for where it is missing."""

from collections.abc import Iterable
from importlib.util import find_spec

RUNTIME = ("fastavro", "numpy", "pandas", "psutil")
"""Modules of the extra without which a runtime can't run models."""
STANDALONE = (
    *RUNTIME,
    "alembic",
    "fsspec",
    "httptools",
    "jinja2",
    "markupsafe",
    "pyarrow",
    "python_multipart",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "uvloop",
)
"""All modules of the extra; its Temporal server is a program, which is looked for when it is started."""

NAMED = 3
INSTALL = "pip install 'mlc-temporal[standalone]'"


def require(command: str, modules: Iterable[str]) -> None:
    """See to it that a command has what it needs before it starts anything.

    Raises:
        ImportError: some of the modules are not installed. The text is a sentence that says how to install them.
    """
    missing = [module for module in modules if not _installed(module)]
    if missing:
        named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
        raise ImportError(f"`mlc {command}` needs what is not installed here ({named}): {INSTALL}.")


def how_to_install(error: ModuleNotFoundError) -> str:
    """A sentence for a module that turned out to be missing while a command ran."""
    of_extra = (error.name or "").partition(".")[0] in STANDALONE
    return f"{error.msg}: {INSTALL if of_extra else 'pip install mlc-temporal, again'}."


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False
