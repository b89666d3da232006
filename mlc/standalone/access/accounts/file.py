"""The file of accounts: private, replaced as a whole, and changed by one command at a time."""

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mlc.standalone.access import random_tokens
from mlc.standalone.access.accounts import passwords
from mlc.standalone.access.accounts.account import (
    MOST_TOKENS,
    TOKEN_PREFIX,
    Account,
    AccountRefused,
    AccountRole,
    ApiToken,
    account_name,
    in_order,
    token_name,
)
from mlc.standalone.access.accounts.document import BadAccounts, Document

LARGEST = 8_000_000
"""Bytes: tens of thousands of accounts."""
PATIENCE = 30.0
"""Seconds for which a command waits for another one that changes the file."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(path: Path) -> tuple[Document, os.stat_result | None]:
    """The accounts, and the state of the file that they were read from. Where there is no file there are none.

    Raises:
        BadAccounts: there is something else, others may read or change it, or it doesn't say what it should.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Document(), None
    except OSError as error:
        why = "it is a link: name the file itself" if error.errno == errno.ELOOP else error.strerror
        raise BadAccounts(f"{path} can't be read ({why}).") from None
    try:
        found = os.fstat(descriptor)
        _require_private(path, found)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(content) > LARGEST:
        raise BadAccounts(f"{path} is larger than {LARGEST:,} bytes: it is no file of accounts.")
    try:
        return Document(content.decode()), found
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadAccounts(f"{path}, line {line}: it is not in UTF-8.") from None
    except BadAccounts as error:
        raise BadAccounts(f"{path}, {error}") from None


def _require_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BadAccounts(f"{path} is no file.")
    if found.st_uid != os.geteuid():
        raise BadAccounts(f"{path} belongs to another user: it must be the one's as whom this runs.")
    if found.st_mode & _OTHERS:
        raise BadAccounts(f"Others on this machine may read or change {path}: shut it with chmod 600.")


class AccountFile:
    """Changes a file of accounts. What is refused, or fails, changes nothing.

    Every method raises ``BadAccounts`` if the file can't be used, and ``AccountRefused`` if it can't be done.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now

    def all(self) -> list[Account]:
        return read(self._path)[0].accounts

    def add(self, name: str, roles: Iterable[AccountRole]) -> Account:
        account = Account(name=account_name(name), roles=_some(roles))
        with self._changing() as document:
            if document.find(account.name) is not None:
                raise AccountRefused(f"There is an account {account.name} already.")
            document.put(account)
        return account

    def set_roles(self, name: str, roles: Iterable[AccountRole]) -> Account:
        return self._replaced(name, lambda account: account.model_copy(update={"roles": _some(roles)}))

    def set_disabled(self, name: str, disabled: bool) -> Account:
        """Its sessions end either way."""
        update = {"disabled": disabled, "session_key": _session_key()}
        return self._replaced(name, lambda account: account.model_copy(update=update))

    def set_password(self, name: str, password: str) -> Account:
        """Its sessions end."""
        update = {"password": passwords.hashed(password), "session_key": _session_key()}
        return self._replaced(name, lambda account: account.model_copy(update=update))

    def issue(self, name: str, token: str) -> str:
        """A new token of an account, by a name that none of its others has. It is told here, and never again."""
        made = random_tokens.made(TOKEN_PREFIX)
        kept = ApiToken(name=token_name(token), digest=random_tokens.digest_of(made), issued=self._now())

        def with_it(account: Account) -> Account:
            if any(each.name == token for each in account.tokens):
                raise AccountRefused(f"{account.name} has a token {token} already: revoke it, or choose another name.")
            if len(account.tokens) >= MOST_TOKENS:
                raise AccountRefused(f"{account.name} has {MOST_TOKENS} tokens already: revoke some.")
            return account.model_copy(update={"tokens": (*account.tokens, kept)})

        self._replaced(name, with_it)
        return made

    def revoke(self, name: str, token: str) -> Account:
        def without(account: Account) -> Account:
            left = tuple(each for each in account.tokens if each.name != token)
            if len(left) == len(account.tokens):
                raise AccountRefused(f"{account.name} has no token {token[:64]!r}; names are told apart by case.")
            return account.model_copy(update={"tokens": left})

        return self._replaced(name, without)

    def remove(self, name: str) -> None:
        with self._changing() as document:
            document.remove(_known(document, name).name)

    def _replaced(self, name: str, change: Callable[[Account], Account]) -> Account:
        with self._changing() as document:
            account = change(_known(document, name))
            document.put(account)
        return account

    @contextmanager
    def _changing(self) -> Iterator[Document]:
        """What is there, for this process alone; what becomes of it is written if nothing is raised meanwhile."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone(self._path):
                document, _ = read(self._path)
                yield document
                _write(self._path, document.text())
        except OSError as error:
            raise AccountRefused(f"{self._path} can't be written ({error.strerror}).") from None


def _session_key() -> str:
    return secrets.token_hex(32)


def _some(roles: Iterable[AccountRole]) -> tuple[AccountRole, ...]:
    if not (some := in_order(roles)):
        raise AccountRefused(f"An account needs a role: {', '.join(AccountRole)}.")
    return some


def _known(document: Document, name: str) -> Account:
    if (account := document.find(account_name(name))) is None:
        raise AccountRefused(f"There is no account {account_name(name)}.")
    return account


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock beside the file: the file itself is another one after each change."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    end = time.monotonic() + PATIENCE
    with os.fdopen(os.open(f"{path}.lock", flags, 0o600), "rb+", buffering=0) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise AccountRefused(f"Another command holds {path}.lock: wait for it, or end it.") from None
            time.sleep(0.05)
        yield


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, for nobody else to read; it is on the disk when this returns."""
    content = text.encode()
    if len(content) > LARGEST:  # nobody could read it
        raise AccountRefused(f"{path} would be larger than {LARGEST:,} bytes.")
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)  # of a command that was killed
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
