"""What must be asked of whom before a model goes into use. Pure: it is told facts, and stores nothing.

A :class:`~mlc.governance.policy.GovernancePolicy` is read from YAML by :func:`~mlc.governance.reading.read_policy`;
:func:`~mlc.governance.requirements.required` says what its rules ask for, given the :class:`Facts` about a snapshot.
"""

from mlc.governance.notation import PolicyError, Problem
from mlc.governance.policy import Approval, GovernancePolicy, OnDue, Rule, Step, When
from mlc.governance.reading import read_policy
from mlc.governance.requirements import Facts, Requirements, explained, required
from mlc.governance.tags import near_control_tags

__all__ = [
    "Approval",
    "Facts",
    "GovernancePolicy",
    "OnDue",
    "PolicyError",
    "Problem",
    "Requirements",
    "Rule",
    "Step",
    "When",
    "explained",
    "near_control_tags",
    "read_policy",
    "required",
]
