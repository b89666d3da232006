"""Tokens for programs: random, told once, and kept as hashes."""

import hashlib
import secrets


def made(prefix: str) -> str:
    """A new one. By its prefix scanners for secrets, and people, know it when they see it."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is kept of it, in hexadecimal."""
    # 256 random bits: a plain hash can't be turned back, and salt or slowness would add nothing.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
