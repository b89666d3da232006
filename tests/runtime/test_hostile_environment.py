"""What models did to an environment that was made for their requirements keeps nobody from reading it."""

import os
from pathlib import Path

import pytest

from mlc.runtime.environments.libraries import versions


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    made.mkdir(parents=True)
    for name in ("good", "bad"):
        info = made / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}-1.0.dist-info/RECORD,,\n")
    return made


def found(site: Path) -> dict[str, str]:
    libraries: dict[str, str] = versions(str(site.parents[2] / "bin" / "python"))["libraries"]
    return {name: version for name, version in libraries.items() if name in {"good", "bad"}}


def test_libraries_of_an_environment_are_found(site: Path) -> None:
    assert found(site) == {"bad": "1.0", "good": "1.0"}


@pytest.mark.parametrize("file", ["METADATA", "RECORD", "top_level.txt"])
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "bytes"])
def test_a_file_that_is_none_is_not_read(site: Path, file: str, kind: str) -> None:
    place = site / "bad-1.0.dist-info" / file
    place.unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "zeros":
            place.symlink_to("/dev/zero")
        case "folder":
            place.mkdir()
        case "bytes":
            place.write_bytes(b"\xff\xfe\x00")
    assert found(site)["good"] == "1.0"


def test_folders_that_are_none_are_not_entered(site: Path) -> None:
    (site / "link-1.dist-info").symlink_to("/dev")
    os.mkfifo(site / "pipe-1.dist-info")
    (site / "file.egg-info").write_text("")
    assert found(site) == {"bad": "1.0", "good": "1.0"}
