"""The environments that were made for models' requirements: kept, compared with their manifests, and never shared.

Of the files of the folder, ``K`` being the requirements' key and ``N`` a random number:

* ``K.json`` is the manifest: which of ``K-N`` is the environment, and what was in it when it was made. It comes last
  and in one step, so that an environment is there as a whole or not at all. It is signed, with a key beside the folder;
* ``K-N`` is an environment, ``K-N.work`` what is needed while it is made;
* ``K.lock`` is held by who makes one, ``K-N.lock`` by who makes or removes it (alone) and who uses it (shared).
"""

import asyncio
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mlc.runtime.environments.locks import ALONE, SHARED, held, hold
from mlc.runtime.environments.manifest import READING, Entries, NotPlain, check_links, copy, describe, difference, take
from mlc.runtime.removal import remove

TRIES = 3
KEY_BYTES = 32
PERMISSIONS = 0o700
_MADE = re.compile(r"([0-9a-f]{24}-[0-9a-f]{8})(?:\.lock|\.work|\.manifest)?")
_MAKERS = re.compile(r"([0-9a-f]{24})\.lock")
_MANIFEST = re.compile(r"[0-9a-f]{24}\.json")
log = logging.getLogger(__name__)

Make = Callable[[Path, Path], Awaitable[None]]
"""Makes an environment in the first folder; the second is for whatever is needed meanwhile. Both are there."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Manifest:
    """What was made for a key: the folder's name, its bytes on disk and what is in it."""

    made: str
    size: int
    entries: Entries


class Environments:
    """The environments in one folder.

    Args:
        kept: bytes that they may have in all; those that haven't been used for longest are removed first, and none that
            is in use.
    """

    def __init__(self, folder: Path, kept: int) -> None:
        self._folder = folder
        self._kept = kept

    @asynccontextmanager
    async def environment(
        self, key: str, make: Make, *, private: Path | None, waiting: Callable[[], Awaitable[None]], tell: Tell
    ) -> AsyncIterator[tuple[Path, Path]]:
        """The environment for a key: the kept one, if it is as it was made, else a new one. It is in use meanwhile.

        Args:
            make: used for a new one; what it raises goes on.
            private: where a copy for this user alone is made, and removed in the end; None to use the kept one.
            waiting: called if another makes one for the same key.
            tell: told in a sentence that, and why, the kept one was not used.

        Returns:
            The folder to use, and the kept one.

        Raises:
            NotPlain: what ``make`` made can't be kept.
            OSError: it can't be written or read.
        """
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        bad = set[str]()
        async with AsyncExitStack() as opened:
            for _ in range(TRIES):
                manifest, problem = await asyncio.to_thread(self._read, key)
                if manifest is not None and (lock := hold(self._folder / f"{manifest.made}.lock", SHARED)) is not None:
                    opened.callback(lock.close)
                    kept = self._folder / manifest.made
                    if private is not None:
                        opened.push_async_callback(asyncio.to_thread, remove, private)
                    problem = await asyncio.to_thread(_differs, manifest, kept, private)
                    if problem is None:
                        with suppress(OSError):
                            os.utime(self._folder / f"{key}.json")
                        yield private or kept, kept
                        return
                    bad.add(manifest.made)
                    await opened.aclose()
                if problem is not None:
                    told = f"The kept environment {key} is not as it was made ({problem}): it is made anew."
                    log.warning("%s", told)
                    tell(told)
                await self._make(key, make, bad, waiting)
            raise OSError(f"the environment {key} was changed each time that it had been made")

    async def _make(self, key: str, make: Make, bad: set[str], waiting: Callable[[], Awaitable[None]]) -> None:
        async with held(self._folder / f"{key}.lock", ALONE, waiting):
            there, _ = await asyncio.to_thread(self._read, key)
            if there is not None and there.made not in bad and (self._folder / f"{there.made}.lock").exists():
                return  # by another, meanwhile
            made, lock = self._new(key)
            environment, work = self._folder / made, self._folder / f"{made}.work"
            try:
                for folder in (environment, work):
                    folder.mkdir(mode=PERMISSIONS)
                await make(environment, work)
                await asyncio.to_thread(self._keep, key, made)
            except BaseException:
                await asyncio.shield(asyncio.to_thread(self._remove, made))
                raise
            finally:
                await asyncio.shield(asyncio.to_thread(remove, work))
                lock.close()
            await asyncio.to_thread(self._tidy, made)

    def _new(self, key: str) -> tuple[str, TextIO]:
        while True:
            made = f"{key}-{secrets.token_hex(4)}"
            if (lock := hold(self._folder / f"{made}.lock", ALONE, create=True)) is not None:
                return made, lock

    def _keep(self, key: str, made: str) -> None:
        environment = self._folder / made
        take(environment)
        environment.chmod(PERMISSIONS)
        entries = describe(environment)
        _check_interpreter(environment, entries)
        size = sum(path.lstat().st_blocks * 512 for path in environment.rglob("*"))
        text = json.dumps({"made": made, "size": size, "entries": dict(entries)}).encode()
        path = self._folder / f"{made}.manifest"
        with path.open("wb") as file:
            file.write(self._sign(text).encode() + b"\n" + text)
            file.flush()
            os.fsync(file.fileno())
        named = self._folder / f"{key}.json"
        if named.is_dir() and not named.is_symlink():
            remove(named)
        path.replace(named)

    def _read(self, key: str) -> tuple[Manifest | None, str | None]:
        """The manifest of a key, and why there is none although there is a file for it."""
        try:
            descriptor = os.open(self._folder / f"{key}.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                signature, _, text = file.read().partition(b"\n")
            if not hmac.compare_digest(signature, self._sign(text).encode()):
                return None, "its manifest isn't the runtime's"
            read = json.loads(text)
            return Manifest(read["made"], read["size"], read["entries"]), None
        except FileNotFoundError:
            return None, None
        except (OSError, ValueError, KeyError, TypeError):
            return None, "its manifest can't be read"

    def _sign(self, text: bytes) -> str:
        return hmac.new(_key(self._folder.with_name(f"{self._folder.name}.key")), text, hashlib.sha256).hexdigest()

    def _tidy(self, newest: str) -> None:
        """Remove what nobody made to its end, and what hasn't been used for longest and is too much."""
        manifests = dict[str, tuple[Manifest, Path, float]]()
        for path in self._folder.iterdir():
            if _MANIFEST.fullmatch(path.name):
                with suppress(OSError):
                    manifest, _ = self._read(path.stem)
                    if manifest is not None:
                        manifests[manifest.made] = manifest, path, path.stat().st_mtime
        found = {match[1] for path in self._folder.iterdir() if (match := _MADE.fullmatch(path.name))}
        for made in found - manifests.keys():
            self._remove_if_free(made)
        total = sum(manifest.size for manifest, _, _ in manifests.values())
        for manifest, path, _ in sorted(manifests.values(), key=lambda each: each[2]):
            if total <= self._kept:
                break
            if manifest.made != newest and self._remove_if_free(manifest.made, path):
                total -= manifest.size
                log.info("The environment %s had not been used for longest, and was removed.", path.stem)
        for path in self._folder.iterdir():
            match = _MAKERS.fullmatch(path.name)
            unused = match is not None and not (self._folder / f"{match[1]}.json").exists()
            if unused and (lock := hold(path, ALONE)) is not None:
                with lock:
                    path.unlink(missing_ok=True)

    def _remove_if_free(self, made: str, manifest: Path | None = None) -> bool:
        lock = hold(self._folder / f"{made}.lock", ALONE, create=True)
        if lock is None:
            return False
        with lock:
            if manifest is not None:
                manifest.unlink(missing_ok=True)
            self._remove(made)
        return True

    def _remove(self, made: str) -> None:
        for path in (made, f"{made}.work", f"{made}.manifest", f"{made}.lock"):
            remove(self._folder / path)


def _check_interpreter(environment: Path, entries: Entries) -> None:
    """See that links lead out of an environment to the runtime's own interpreter alone, and that one does.

    Raises:
        NotPlain: others do, or none.
    """
    own = Path(sys.executable).resolve()
    names = {name for name in entries if re.fullmatch(r"bin/python[0-9.]*", name)}
    for name in {"bin/python", *names}:
        if not (environment / name).is_symlink() or (environment / name).resolve() != own:
            raise NotPlain(f"{name} is not the runtime's interpreter")
    check_links(entries, names)


def _differs(manifest: Manifest, kept: Path, private: Path | None) -> str | None:
    """Make the private copy, if one is wanted; what in it, or else in the kept one, is not as it was made."""
    try:
        state = kept.lstat()
        if state.st_mode & ~READING != stat.S_IFDIR | PERMISSIONS or state.st_uid != os.geteuid():
            return "its folder is a link, a file or somebody else's"
        if private is not None:
            remove(private)
            copy(kept, private)
        return difference(manifest.entries, describe(private or kept))
    except NotPlain as problem:
        return str(problem)
    except (FileNotFoundError, PermissionError) as error:
        return f"{error.filename!a}: {error.strerror}"


def _key(path: Path) -> bytes:
    """The key that manifests are signed with; made where there is none that can be one."""
    with suppress(OSError):
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
        path.unlink()
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(fresh, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    try:
        with suppress(FileExistsError):  # another was faster
            os.link(fresh, path)
    finally:
        fresh.unlink()
    return path.read_bytes()
