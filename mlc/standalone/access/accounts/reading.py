"""The accounts as a running program knows them: read again whenever their file has changed."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from mlc.standalone.access import random_tokens
from mlc.standalone.access.accounts.account import TOKEN_PREFIX, Account
from mlc.standalone.access.accounts.document import BadAccounts, Document
from mlc.standalone.access.accounts.file import read

SETTLED = 2.0
"""Seconds: a file that was changed so shortly before it was read may change again at what its clock calls the same
time."""

_log = logging.getLogger(__name__)
_Stamp = tuple[int, ...]


class Accounts:
    """Blocking: call it on a thread. Several may call at once.

    A file that has become bad, or is being written, does not count: what was read before does, and the log says why.
    A file that is gone has no accounts.

    Args:
        path: of the file.
        now: the clock that the file system stamps files by, in seconds since 1970.

    Raises:
        BadAccounts: the file can't be used now.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._lock = Lock()
        self._bad: _Stamp | None = None
        self._take(*read(path))

    def named(self, name: str) -> Account | None:
        """The account of a name as it is kept, disabled or not."""
        with self._lock:
            self._refresh()
            return self._names.get(name)

    def of_token(self, token: str) -> Account | None:
        """Whose token this is; None if it is nobody's, was revoked, or its account is disabled."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        with self._lock:
            self._refresh()
            account = self._digests.get(random_tokens.digest_of(token))
        return None if account is None or account.disabled else account

    def _refresh(self) -> None:
        try:
            found: os.stat_result | None = self._path.lstat()
        except FileNotFoundError:
            found = None
        except OSError:
            return  # the folder can't be looked into: what was read before counts
        stamp = _stamp(found)
        if stamp == self._stamp and self._settled:
            return
        try:
            self._take(*read(self._path))
            self._bad = None
        except BadAccounts as error:
            if stamp != self._bad:
                _log.warning("The accounts stay as they were read before: %s", error)
            self._bad = stamp

    def _take(self, document: Document, found: os.stat_result | None) -> None:
        accounts = document.accounts
        self._names = {account.name: account for account in accounts}
        self._digests = {token.digest: account for account in accounts for token in account.tokens}
        self._stamp = _stamp(found)
        self._settled = found is None or abs(self._now() - found.st_mtime) > SETTLED


def _stamp(found: os.stat_result | None) -> _Stamp:
    if found is None:
        return ()
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_mode,
        found.st_uid,
    )
