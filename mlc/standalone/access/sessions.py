"""Sessions of people who have signed in: a cookie that their account's own key signs."""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable

from mlc.settings import AccountSettings
from mlc.standalone.access.accounts import passwords
from mlc.standalone.access.accounts.account import Account, AccountRefused, account_name
from mlc.standalone.access.accounts.reading import Accounts
from mlc.standalone.access.attempts import Attempts

COOKIE = "mlc_session"
_FORM = re.compile(r"([A-Za-z0-9_-]{1,100})\.(\d{1,12})\.(\d{1,12})\.([0-9a-f]{64})", re.ASCII)


class Sessions:
    """Blocking: call it on a thread.

    The key is new with each password and when an account is disabled, which ends its sessions everywhere. No session
    is kept: all programs that read the same file of accounts know it, and it outlives their starts.

    Args:
        settings: where the accounts are, and how long a session lasts.
        now: the clock, in seconds since 1970.

    Raises:
        BadAccounts: the file of accounts can't be used.
    """

    def __init__(self, settings: AccountSettings, now: Callable[[], float] = time.time) -> None:
        self._accounts = Accounts(settings.file)
        self._attempts = Attempts()
        self._life, self._idle = settings.session_life.total_seconds(), settings.session_idle.total_seconds()
        self._now = now

    def begin(self, name: str, password: str, address: str) -> str | None:
        """A new session's cookie; None: there is no such account, it is disabled, or the password is another.

        Args:
            name: as it was typed.
            password: the same.
            address: from where it was sent.

        Raises:
            TooManyAttempts: there were too many of this name or address.
        """
        try:
            name = account_name(name.strip())
        except AccountRefused:
            name = name[:100].lower()  # nobody's; it is counted like others
        self._attempts.begin(name, address)
        account = self._accounts.named(name)
        right = passwords.fits(password, account.password if account is not None else None)
        if not right or account is None or account.disabled:
            return None
        self._attempts.succeeded(name, address)
        now = int(self._now())
        return _signed(account, now, now)

    def account_of(self, cookie: str) -> Account | None:
        """Whose session this is; None: it is nobody's, or is over."""
        read = self._read(cookie)
        return None if read is None else read[0]

    def renewed(self, cookie: str) -> str | None:
        """The cookie of a session that was used just now; None: it is over."""
        if (read := self._read(cookie)) is None:
            return None
        account, begun = read
        return _signed(account, begun, int(self._now()))

    def _read(self, cookie: str) -> tuple[Account, int] | None:
        """The account, and when its session began."""
        found = _FORM.fullmatch(cookie)
        if found is None:
            return None
        try:
            name = base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), altchars=b"-_", validate=True).decode(
                "ascii"
            )
        except (binascii.Error, UnicodeDecodeError):
            return None
        account, begun, used = self._accounts.named(name), int(found[2]), int(found[3])
        if account is None or account.disabled or account.session_key is None:
            return None
        if not hmac.compare_digest(_signed(account, begun, used), cookie):
            return None
        now = self._now()
        return (account, begun) if now < begun + self._life and now < used + self._idle else None


def _signed(account: Account, begun: int, used: int) -> str:
    name = base64.urlsafe_b64encode(account.name.encode()).decode().rstrip("=")
    said = f"{name}.{begun}.{used}"
    key = bytes.fromhex(account.session_key or "")
    return f"{said}.{hmac.new(key, f'mlc session {said}'.encode(), hashlib.sha256).hexdigest()}"
