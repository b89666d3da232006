"""What an interpreter must be able to read."""

import sys
import sysconfig
from pathlib import Path


def interpreter_files(python: str) -> list[Path]:
    """The folders that an interpreter reads: its own, and those of the libraries that it sees; links and their ends."""
    own: list[str | Path] = [
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        sys.base_exec_prefix,
        Path(python).parents[1],
    ]
    libraries = [sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib")]
    paths = {Path(path).absolute() for path in (*own, *filter(None, libraries))}
    paths |= {path.resolve() for path in paths}
    return sorted(path for path in paths if path != Path("/"))  # as of /bin/python: its folders are the system's
