"""A model's ``requirements.txt``, and the interpreter for it: this one if it will do, else a cached environment."""

import asyncio
import fcntl
import hashlib
import importlib.util
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from mlc.center import Contents
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import Refused, TooLarge
from mlc.model.snapshot import Snapshot
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.installation import Doing, Installation, quietly, run_program
from mlc.runtime.names import PRIVATE, path_of
from mlc.runtime.outages import patiently
from mlc.runtime.places import sha256


async def requirements_of(model: Snapshot, contents: Contents, limit: int) -> str:
    """The text of the model's ``requirements.txt`` files (role REQUIRED_LIBRARIES) in the centre.

    Args:
        limit: bytes of each.

    Raises:
        ModelFailure: one is larger, can't be had, or is no text.
    """
    texts = []
    for asset in model.with_role(AssetRole.REQUIRED_LIBRARIES):
        what = f"The requirements {path_of(asset)}"
        try:
            texts.append((await _read(contents, asset, limit)).decode() if asset.ref else "")
        except TooLarge:
            raise ModelFailure(
                f"{what} are longer than {limit:,} bytes: shorten them, or raise MLC_CENTER_TEXT_LIMIT."
            ) from None
        except Refused as refusal:
            raise ModelFailure(f"{what} can't be had: {refusal}") from None
        except UnicodeDecodeError:
            raise ModelFailure(f"{what} are not UTF-8 text.") from None
    return "\n".join(texts)


async def _read(contents: Contents, asset: Asset, limit: int) -> bytes:
    return await patiently(lambda: contents.read(asset, limit=limit))


def missing(requirements: str) -> list[str]:
    """The lines of a ``requirements.txt`` that this interpreter doesn't satisfy for certain.

    Options, addresses and extras count as missing: what they ask for, pip alone can tell.
    """
    lines = (line.partition(" #")[0].strip() for line in requirements.splitlines())
    return [line for line in lines if line and not line.startswith("#") and not _satisfied(line)]


def _satisfied(line: str) -> bool:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return False
    if requirement.marker and not requirement.marker.evaluate():
        return True
    if requirement.url or requirement.extras:
        return False
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


async def interpreter_for(
    requirements: str, folder: Path, directory: Path, *, limit: float = 600, doing: Doing = quietly
) -> str:
    """The interpreter that satisfies a model's requirements.

    An environment is made once for the same requirements on the same runtime, and kept. It stands on top of the
    runtime's own libraries, so that only what differs is installed. Requirements that may name files of the model's
    are the same only if all its files are.

    Args:
        folder: where environments are kept.
        directory: the model's working directory, to which paths in the requirements are relative, with nothing but
            the model's files.
        limit: seconds for the installation. An index that is away is asked again until then.
        doing: told what is being installed.

    Raises:
        ModelFailure: pip can't install them; with its reason and the last things that it said.
    """
    if not (lacking := missing(requirements)):
        return sys.executable
    key = await asyncio.to_thread(_key, requirements, directory)
    environment = folder / key
    python = environment / "bin" / "python"
    complete = environment / "complete"
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with _locked(folder / f"{key}.lock", doing):
        if complete.exists():
            return str(python)
        await asyncio.to_thread(shutil.rmtree, environment, ignore_errors=True)
        wanted = directory / PRIVATE / "requirements.txt"
        wanted.write_text(requirements)
        # It sees the runtime's own pip, if there is one; to unpack another takes longer than most installations.
        own_pip = ["--without-pip"] if importlib.util.find_spec("pip") else []
        # -I: else Python would take its own modules, and pip's, from the model's folder or from where a variable says.
        make = [sys.executable, "-I", "-m", "venv", *own_pip, str(environment)]
        try:
            async with asyncio.timeout(limit):
                code, said = await run_program(make, directory)
        except TimeoutError:
            raise ModelFailure(f"The environment for the model's requirements can't be made in {limit:g} s.") from None
        if code:
            raise ModelFailure("The environment for the model's requirements can't be made.", said)
        site = next(environment.glob("lib/python*/site-packages"))
        (site / "runtime_libraries.pth").write_text("\n".join({sysconfig.get_path(p) for p in ("purelib", "platlib")}))
        install = Installation(python, wanted, directory, folder / f"{key}.log", _named(lacking))
        await install.run(limit, doing)
        complete.touch()
    return str(python)


def _key(requirements: str, directory: Path) -> str:
    installed = sorted(f"{d.name}=={d.version}" for d in metadata.distributions())
    files = _hashes(directory) if _may_name_files(requirements) else []
    return hashlib.sha256("\n".join([requirements, sys.version, *installed, *files]).encode()).hexdigest()[:24]


def _may_name_files(requirements: str) -> bool:
    for line in requirements.splitlines():
        text = line.partition(" #")[0].strip()
        try:
            if text and not text.startswith("#") and Requirement(text).url:
                return True
        except InvalidRequirement:
            return True
    return False


def _hashes(directory: Path) -> list[str]:
    names = {path: path.relative_to(directory) for path in sorted(directory.rglob("*")) if path.is_file()}
    return [f"{sha256(path)} {name.as_posix()}" for path, name in names.items() if name.parts[0] != PRIVATE]


@asynccontextmanager
async def _locked(path: Path, doing: Doing) -> AsyncIterator[None]:
    """One maker at a time, in this process and in others that share the folder."""
    waits = False
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waits:
                    waits = True
                    await doing("waiting for another model's installation of the same packages")
                await asyncio.sleep(0.2)
        yield


def _named(lacking: list[str]) -> str:
    count = sum(not line.startswith("-") for line in lacking)
    what = "packages" if count != 1 else "package"
    return f"{count} {what}" if count else "what the requirements ask for"
