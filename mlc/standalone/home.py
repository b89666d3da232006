"""The folder of standalone mode's state and secrets: ours, and for nobody else on this machine to look into."""

import os
import pwd
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlc.standalone.environment import CannotStart, only_one

UMASK = 0o077
FOLDER = 0o700
OURS = ("mlc.env", "mlc.draft", "accounts.jsonl*", "dev.lock", "*.db", "*.db-*", "*.contents", "logs", "runtimes")
"""What we make in it. All else, such as ``files``, is a person's own, and stays as it is."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Tell = Callable[[str], None]


@contextmanager
def held(home: Path, tell: Tell) -> Iterator[None]:
    """Have the home for this process alone. What this and all that it starts make meanwhile is for our account alone.

    Raises:
        CannotStart: another process has it, or see :func:`take`.
    """
    before = os.umask(UMASK)
    try:
        take(home, tell)
        with only_one(home):
            yield
    finally:
        os.umask(before)


def take(home: Path, tell: Tell) -> None:
    """Make the home, if it isn't there, and shut it to others, with all that we made in it.

    Args:
        home: an absolute path.
        tell: told what can't be shut.

    Raises:
        CannotStart: it can't be made, or is no folder of ours alone.
    """
    try:
        home.mkdir(mode=FOLDER, parents=True)
    except FileExistsError:
        pass
    except OSError as error:
        raise CannotStart(f"{home} can't be made ({error.strerror}): choose another folder with MLC_HOME.") from None
    _refuse(home)
    try:
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise CannotStart(f"{home} can't be opened ({error.strerror}): choose another folder with MLC_HOME.") from None
    try:
        with suppress(OSError):  # looked at below
            os.fchmod(folder, FOLDER)
        mode = stat.S_IMODE(os.fstat(folder).st_mode)
    finally:
        os.close(folder)
    open_to_others = [home] if mode & _OTHERS else []
    for path in (path for path in sorted(home.iterdir()) if any(map(path.match, OURS))):
        if path.lstat().st_uid != os.geteuid():
            raise CannotStart(f"{path} belongs to {_owner(path)}: take it over, or remove it.")
        open_to_others += _shut(path)
    if open_to_others:
        count = f" and {len(open_to_others) - 1} more in it" if len(open_to_others) > 1 else ""
        tell(
            f"Others on this machine may look into {open_to_others[0]}{count}, which can't be changed where that is: "
            "choose a folder on another file system with MLC_HOME."
        )


def _refuse(home: Path) -> None:
    """Nothing is changed in what we didn't make, and no link is followed to it.

    Raises:
        CannotStart: it is no folder of ours alone.
    """
    if home.is_symlink():
        raise CannotStart(f"{home} is a link: name the folder itself with MLC_HOME ({home.resolve()}).")
    if not home.is_dir():
        raise CannotStart(f"{home} is no folder: remove it, or choose another with MLC_HOME.")
    if home.stat().st_uid != os.geteuid():
        raise CannotStart(f"{home} belongs to {_owner(home)}: choose another folder with MLC_HOME.")
    if home.stat().st_mode & stat.S_ISVTX or any(person.is_relative_to(home.resolve()) for person in _homes()):
        raise CannotStart(
            f"{home} is for more than mlc: choose a folder in it, such as {home / '.mlc'}, with MLC_HOME."
        )


def _homes() -> Iterator[Path]:
    """The user's own home, as the environment and as the system say."""
    with suppress(RuntimeError):
        yield Path.home().resolve()
    with suppress(KeyError):
        yield Path(pwd.getpwuid(os.geteuid()).pw_dir).resolve()


def _owner(path: Path) -> str:
    number = path.lstat().st_uid
    try:
        return f"another user ({pwd.getpwuid(number).pw_name})"
    except KeyError:
        return f"another user (number {number})"


def _shut(path: Path) -> Iterator[Path]:
    """Take all rights of others from a file, or a folder and everything in it; tells those of which it can't be done.

    Links are not followed. What has other names, too, or another owner, is left: it may not be ours alone.
    """
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        folder = True
    elif stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        folder = False
    else:
        return
    if found.st_uid != os.geteuid():
        return
    if found.st_mode & _OTHERS:
        with suppress(OSError):
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
        if path.lstat().st_mode & _OTHERS:
            yield path
    if folder:
        with suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                yield from _shut(Path(entry.path))
