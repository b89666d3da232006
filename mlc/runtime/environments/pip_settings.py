"""What pip is told of the machine that it runs on: its own settings, proxies and certificates, and no other."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
PASSED_ON_LIKE = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_OWN_FILES = (".config/pip/pip.conf", ".pip/pip.conf")
_OF_THE_MACHINE = ("/etc/pip.conf", "/etc/xdg/pip")
_SYSTEMS_NAME = tuple(f"/etc/{name}" for name in ("debian_version", "os-release", "lsb-release", "redhat-release"))
"""pip tells indexes on which system it runs."""


def pip_environment(work: Path) -> dict[str, str]:
    """The whole environment of pip, whose HOME and TMPDIR are in ``work``.

    The file with the settings of pip and the one with passwords of the runtime's own account are named: its home isn't
    there.
    """
    found = {n: v for n, v in os.environ.items() if n in PASSED_ON or n.startswith(PASSED_ON_LIKE)}
    settings = next((path for name in _OWN_FILES if (path := _home() / name).is_file()), None)
    passwords = _home() / ".netrc"
    return {
        # Whether an index is asked again is decided here, and said; pip's own way takes minutes, and says nothing.
        "PIP_RETRIES": "1",
        **({"PIP_CONFIG_FILE": str(settings)} if settings else {}),
        **({"NETRC": str(passwords)} if passwords.is_file() else {}),
        **found,
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        "MALLOC_ARENA_MAX": "2",  # else each thread reserves 64 MB of address space, which the limit counts
    }


def pip_files() -> list[Path]:
    """The files and folders that pip's settings name: certificates, and indexes that are folders here."""
    given = [value for name, value in os.environ.items() if name.startswith("PIP_") or name in PASSED_ON[3:]]
    named = [*(part for value in given for part in _paths(value)), *map(Path, (*_OF_THE_MACHINE, *_SYSTEMS_NAME))]
    own = [_home() / name for name in (*_OWN_FILES, ".netrc")]
    return sorted({end for path in (*named, *own) if path.exists() for end in (path, path.resolve())})


def _paths(value: str) -> Iterator[Path]:
    for part in value.split():
        path = Path(unquote(urlsplit(part).path) if part.startswith("file:") else part)
        if path.is_absolute() and path != Path("/") and path != Path(os.devnull):
            yield path


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")
