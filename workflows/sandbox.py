"""The sandbox that workflows run in: what they share with the worker, and what is loaded anew for each of them.

``workflows.*`` is loaded anew, so that ``datetime.now``, ``random`` and ``uuid4`` in a step are caught. What is named
here is shared, which makes a run begin in a millisecond: the domain's types, and the activities' signatures. That
nothing else is imported, which would be loaded anew for every run, is a matter of lint and tests.
"""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

SHARED = ("mlc", "activities")
"""Packages, with all that they import."""


def sandboxed() -> SandboxedWorkflowRunner:
    """For every worker and replayer of workflows."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*SHARED))
