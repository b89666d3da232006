"""How often somebody may try to sign in: for each account and each address, in bounded memory."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from mlc.model.failure import MlcError

WINDOW = 900.0
"""Seconds in which attempts are counted."""
OF_AN_ACCOUNT, OF_AN_ADDRESS = 10, 50
"""Attempts that fail in that time, until no more are looked at."""
KNOWN = 20_000
"""Accounts and addresses that are remembered; whoever was the first to fail is forgotten first."""


class TooManyAttempts(MlcError):
    """It is not even tried whether the password is right, for some minutes. ``wait``: for how long."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("Too many attempts to sign in: wait a quarter of an hour.")
        self.wait = wait


class Attempts:
    """Counts before a password is looked at, so that many at once are no more than many one by one.

    Names that no account has count like others, or the answer would tell which there are.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._counts: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        """When the first one was, and how many there were since."""

    def begin(self, name: str, address: str) -> None:
        """Count an attempt.

        Raises:
            TooManyAttempts: there were too many; this one doesn't count.
        """
        keys = {("account", name): OF_AN_ACCOUNT, ("address", network(address)): OF_AN_ADDRESS}
        with self._lock:
            now = self._now()
            for key, most in keys.items():
                first, count = self._count(key, now)
                if count >= most:
                    raise TooManyAttempts(timedelta(seconds=first + WINDOW - now))
            for key in keys:
                first, count = self._count(key, now)
                self._counts[key] = (first, count + 1)
            while len(self._counts) > KNOWN:
                self._counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the account's attempts, and of the address this one: its others may have been at others' accounts."""
        with self._lock:
            self._counts.pop(("account", name), None)
            first, count = self._count(("address", network(address)), self._now())
            self._counts["address", network(address)] = (first, max(count - 1, 0))

    def _count(self, key: tuple[str, str], now: float) -> tuple[float, int]:
        first, count = self._counts.get(key, (now, 0))
        if now - first < WINDOW:
            return first, count
        self._counts.pop(key, None)
        return now, 0


def network(address: str) -> str:
    """What one person may have addresses of: of IPv6 the first half."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
