"""The contract of governance policies that a centre keeps."""

import hashlib
from uuid import uuid4

import pytest

from mlc.center import Capability, Center, Unsupported
from mlc.model.failure import Refused


def a_policy(name: str = "") -> str:
    """A policy that no other test has."""
    return f"# ä\r\nversion: 1\r\nrules:\n- {{name: '{name or uuid4()}', require: test}}\n"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class PolicyContract:
    """What the port promises of policies, kept by the adapter of the fixture ``center``."""

    @pytest.fixture
    def policies(self, center: Center) -> Center:
        if Capability.KEEPS_POLICY not in center.capabilities:
            pytest.skip("this centre keeps no policies")
        return center

    async def test_the_policy_that_was_put_last_is_current_and_the_one_before_stays(self, policies: Center) -> None:
        first, second = a_policy(), a_policy()
        for text in (first, second):
            made = await policies.put_policy(text)
            current = await policies.read_policy()
            assert current is not None
            assert (made.sha256, current.sha256, current.text) == (sha256(text), sha256(text), text)
            assert (current.put_at, current.put_by) == (made.put_at, made.put_by)
        kept = await policies.read_policy(sha256(first))
        assert kept is not None
        assert (kept.text, kept.put_at <= made.put_at) == (first, True)

    async def test_the_history_says_what_was_current_since_when(self, policies: Center) -> None:
        before = await policies.list_policies()
        first, second = a_policy(), a_policy()
        made = [await policies.put_policy(text) for text in (first, second, first)]
        assert await policies.list_policies() == [*reversed(made), *before]
        assert [each.sha256 for each in made] == [sha256(first), sha256(second), sha256(first)]
        assert sorted(made, key=lambda each: each.put_at) == made
        assert all(each.put_by and each.put_at.tzinfo for each in made)

    async def test_to_put_the_current_one_again_changes_nothing(self, policies: Center) -> None:
        text = a_policy()
        made = await policies.put_policy(text)
        history = await policies.list_policies()
        assert await policies.put_policy(text) == made
        assert await policies.list_policies() == history

    async def test_what_is_no_policy_is_refused_with_the_reason_and_changes_nothing(self, policies: Center) -> None:
        history = await policies.list_policies()
        for text, why in (("", "empty"), ("version: 1\nrulse: []\n", "was 'rules' meant"), ("#" * 300_000, "at most")):
            with pytest.raises(Refused, match=why):
                await policies.put_policy(text)
        assert await policies.list_policies() == history

    async def test_of_a_hash_that_nobody_put_there_is_no_policy(self, policies: Center) -> None:
        for unknown in (sha256("nothing"), "current", "x", "", "../policies"):
            assert await policies.read_policy(unknown) is None, unknown

    async def test_a_centre_without_a_place_for_policies_says_so(self, center: Center) -> None:
        if Capability.KEEPS_POLICY in center.capabilities:
            pytest.skip("this centre keeps them")
        for ask in (center.put_policy(a_policy()), center.read_policy(), center.list_policies()):
            with pytest.raises(Unsupported, match="governance policies"):
                await ask
