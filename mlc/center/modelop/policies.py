"""Policies in standalone mode's centre. ModelOp Center has no place of its own for them."""

import hashlib
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlc.center.capability import Capability, require
from mlc.center.modelop.answers import SYSTEM, garbled
from mlc.center.modelop.online_requests import ModelOpOnlineRequests
from mlc.model.kept_policy import KeptPolicy, PolicyRef

_POLICIES, _CURRENT = "policies", "current"
_SHA256 = re.compile("[0-9a-f]{64}")
_INSTEAD = "Standalone mode's centre does (MLC_CENTER_STANDALONE); with another one what tags ask for counts."

T = TypeVar("T", bound=BaseModel)


class _One(BaseModel):
    """An answer without ``policy`` is none: that there is no policy is said, and never what is left out."""

    policy: KeptPolicy | None


class _All(BaseModel):
    policies: list[PolicyRef]


class ModelOpPolicies(ModelOpOnlineRequests):
    """Implements :class:`mlc.center.policies.Policies`."""

    async def put_policy(self, text: str) -> PolicyRef:
        self._require_policies()
        answer = await self._manage.hal.post(_POLICIES, {"text": text})
        return _read(PolicyRef, answer, f"POST {_POLICIES}", write=True)

    async def read_policy(self, sha256: str | None = None) -> KeptPolicy | None:
        self._require_policies()
        if sha256 is not None and not _SHA256.fullmatch(sha256):
            return None
        path = f"{_POLICIES}/{_CURRENT if sha256 is None else sha256}"
        answer = await self._manage.hal.get(path)
        policy = _read(_One, answer, f"GET {path}").policy
        if policy is not None and hashlib.sha256(policy.text.encode()).hexdigest() != (sha256 or policy.sha256):
            raise garbled(f"GET {path}", "with another policy than this hash says", write=False, status=200)
        return policy

    async def list_policies(self) -> list[PolicyRef]:
        self._require_policies()
        return _read(_All, await self._manage.hal.get(_POLICIES), f"GET {_POLICIES}").policies

    def _require_policies(self) -> None:
        require(SYSTEM, self.capabilities, Capability.KEEPS_POLICY, _INSTEAD)


def _read(kind: type[T], answer: Any, asked: str, *, write: bool = False) -> T:
    try:
        return kind.model_validate(answer)
    except ValidationError:
        raise garbled(asked, "not with what is kept of policies", write=write, status=200) from None
