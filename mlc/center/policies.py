"""The part of a ledger that keeps governance policies: every one that ever was, and which is the current one."""

from typing import Protocol

from mlc.model.kept_policy import KeptPolicy, PolicyRef


class Policies(Protocol):
    """Every method raises :mod:`mlc.model.failure`'s three errors, nothing else.

    Nothing of a policy is ever changed or deleted: a run may have used it.
    """

    async def put_policy(self, text: str) -> PolicyRef:
        """Make a policy the current one; the one that is so already stays so, and nothing is added.

        Raises:
            Refused: it is no policy; the text says why.
            Unsupported: there is no place for policies (``KEEPS_POLICY``), as the other two do.
        """
        ...

    async def read_policy(self, sha256: str | None = None) -> KeptPolicy | None:
        """The policy of a hash, or the current one; None: there is none."""
        ...

    async def list_policies(self) -> list[PolicyRef]:
        """What was current since when, the newest first: the first one is the current one."""
        ...
