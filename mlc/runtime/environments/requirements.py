"""A model's ``requirements.txt``, and the interpreter for it: this one if it will do, else a kept environment's."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mlc.center import Contents
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import Refused, TooLarge
from mlc.model.required_libraries import Required, RequirementsFile, read_requirements
from mlc.model.snapshot import Snapshot
from mlc.runtime.environments.installation import Doing, Installation, InstallRules, quietly
from mlc.runtime.environments.kept import Environments
from mlc.runtime.environments.manifest import NotPlain
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.isolation import Level
from mlc.runtime.names import PRIVATE, path_of
from mlc.runtime.outages import patiently
from mlc.runtime.places import sha256
from mlc.runtime.process import Allowance

PRIVATE_COPY = f"{PRIVATE}/environment"
"""Where, in a model's working directory, its own copy of a kept environment lies."""


async def requirements_of(model: Snapshot, contents: Contents, limit: int) -> list[RequirementsFile]:
    """The model's ``requirements.txt`` files (role REQUIRED_LIBRARIES) as the centre has them.

    Args:
        limit: bytes of each.

    Raises:
        ModelFailure: one is larger, or can't be had.
    """
    files = []
    for asset in model.with_role(AssetRole.REQUIRED_LIBRARIES):
        what = f"The requirements {path_of(asset)}"
        try:
            content = await _read(contents, asset, limit) if asset.ref else b""
        except TooLarge:
            raise ModelFailure(
                f"{what} are longer than {limit:,} bytes: shorten them, or raise MLC_CENTER_TEXT_LIMIT."
            ) from None
        except Refused as refusal:
            raise ModelFailure(f"{what} can't be had: {refusal}") from None
        files.append(RequirementsFile(str(path_of(asset)), content))
    return files


async def _read(contents: Contents, asset: Asset, limit: int) -> bytes:
    return await patiently(lambda: contents.read(asset, limit=limit))


def missing(wanted: Sequence[Required]) -> list[Required]:
    """What this interpreter doesn't satisfy for certain, of what applies to it.

    Files and extras count as missing: what they ask for, pip alone can tell.
    """
    return [each for each in wanted if each.applies and not _satisfied(each)]


def _satisfied(wanted: Required) -> bool:
    requirement = wanted.requirement
    if requirement is None or requirement.extras:
        return False
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


@dataclass(frozen=True)
class Interpreter:
    """What runs a model: ``python``, and the same as it is ``kept``, where no model writes to it."""

    python: str = sys.executable
    kept: str = sys.executable


@asynccontextmanager
async def interpreter_for(
    requirements: Sequence[RequirementsFile],
    folder: Path,
    directory: Path,
    *,
    level: Level,
    allowance: Allowance,
    rules: InstallRules,
    doing: Doing = quietly,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Interpreter]:
    """The interpreter that satisfies a model's requirements, for as long as the model is there.

    An environment is made once for the same requirements on the same runtime, and kept. It stands on top of the
    runtime's own libraries, so that only what differs is installed. Requirements that name files of the model's are the
    same only if all its files are. Where the level doesn't keep a model from writing to it, the model gets a copy.

    Args:
        folder: where environments are kept.
        directory: the model's working directory, with nothing but the model's files.
        level: contains the installation, as it will the model.
        allowance: what the model may use; the installation may use as much memory and as many processes.
        rules: how it is installed.
        doing: told what is being installed.
        tell: told in a sentence what else people should know.

    Raises:
        ModelFailure: lines are refused, or pip can't install them; with its reason and the last things that it said.
    """
    read = read_requirements(requirements, own_files=rules.source_builds)
    if read.problems:
        raise ModelFailure(f"The model's requirements are refused. {' '.join(read.problems)}")
    if not (lacking := missing(read.wanted)):
        yield Interpreter()
        return
    wanted = [each for each in read.wanted if each.applies]

    async def make(environment: Path, work: Path) -> None:
        installation = Installation(
            wanted,
            _named(lacking),
            directory=directory,
            environment=environment,
            work=work,
            level=level,
            allowance=allowance,
            rules=rules,
        )
        await installation.run(doing)

    async def waiting() -> None:
        await doing("waiting for another model's installation of the same packages")

    key = await asyncio.to_thread(_key, wanted, directory, rules.source_builds)
    private = None if level.reads_only else directory / PRIVATE_COPY
    environments = Environments(folder, rules.kept)
    try:
        async with environments.environment(key, make, private=private, waiting=waiting, tell=tell) as (used, kept):
            yield Interpreter(*(str(path / "bin" / "python") for path in (used, kept)))
    except NotPlain as problem:
        raise ModelFailure(f"What the model's requirements installed can't be kept: {problem}.") from None


def _key(wanted: Sequence[Required], directory: Path, source_builds: bool) -> str:
    installed = sorted(f"{d.name}=={d.version}" for d in metadata.distributions())
    files = _hashes(directory) if any(each.path for each in wanted) else []
    rules = f"source builds: {source_builds}"
    text = "\n".join([*map(str, wanted), rules, sys.version, sys.prefix, *installed, *files])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _hashes(directory: Path) -> list[str]:
    names = {path: path.relative_to(directory) for path in sorted(directory.rglob("*")) if path.is_file()}
    return [f"{sha256(path)} {name.as_posix()}" for path, name in names.items() if name.parts[0] != PRIVATE]


def _named(lacking: Sequence[Required]) -> str:
    return f"{len(lacking)} {'packages' if len(lacking) != 1 else 'package'}"
