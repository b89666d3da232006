"""What client and centre must agree on: the address of tokens, and which names a runtime can have."""

import re

from mlc.model.failure import MlcError

TOKENS = "/api/runtime-tokens"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


class BadName(MlcError, ValueError):
    """No runtime can have this name. The text says which it can have."""


def require_name(name: str) -> None:
    """Raises ``BadName`` if ``mlc runtime`` takes no such name."""
    if not _NAME.fullmatch(name):
        raise BadName(
            "A runtime's name has 1 to 100 letters, digits, dots, hyphens and underscores, and begins with a letter "
            "or a digit."
        )
