"""Passwords, kept as hashes that take memory and time to try."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from threading import BoundedSemaphore
from typing import NamedTuple

from mlc.standalone.access.accounts.account import AccountRefused

SHORTEST, LONGEST = 12, 1024
"""Characters."""


class Cost(NamedTuple):
    """Of scrypt: 128 * r * 2**log2_n bytes of memory, p times over."""

    log2_n: int
    r: int
    p: int


COST = Cost(15, 8, 3)
"""32 MiB, some tenths of a second."""
_MOST_COST = Cost(17, 8, 8)
_AT_ONCE = BoundedSemaphore(2)
"""However many sign in at once, it takes the memory of so many."""
_KEPT = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([0-9a-f]{32})\$([0-9a-f]{64})", re.ASCII)


def hashed(password: str) -> str:
    """What is kept of a password.

    Raises:
        AccountRefused: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountRefused(f"A password has {SHORTEST} to {LONGEST} characters.")
    salt = secrets.token_bytes(16)
    return "$".join(["scrypt", *map(str, COST), salt.hex(), _hash(password, salt, COST).hex()])


def is_kept(kept: str) -> bool:
    """Whether it is what :func:`hashed` makes, and doesn't take too long to try."""
    found = _KEPT.fullmatch(kept)
    costs = zip(found.groups()[:3], _MOST_COST, strict=True) if found is not None else ()
    return found is not None and all(1 <= int(cost) <= most for cost, most in costs)


def fits(password: str, kept: str | None) -> bool:
    """Whether it is the password. Where none is kept it takes as long to say no."""
    found = _KEPT.fullmatch(kept) if kept is not None else None
    if found is None:
        _hash(password, bytes(16), COST)
        return False
    cost = Cost(*map(int, found.groups()[:3]))
    return hmac.compare_digest(_hash(password, bytes.fromhex(found[4]), cost), bytes.fromhex(found[5]))


def _hash(password: str, salt: bytes, cost: Cost) -> bytes:
    # One password may be typed as different characters that look the same, by keyboard and system.
    typed = unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode(errors="replace")
    n = 2**cost.log2_n
    with _AT_ONCE:
        return hashlib.scrypt(typed, salt=salt, n=n, r=cost.r, p=cost.p, maxmem=256 * cost.r * (n + cost.p), dklen=32)
