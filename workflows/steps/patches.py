"""On which side of a change of the workflows' code a run is: see docs/compatibility.md, "Editing a workflow"."""

from temporalio import workflow


def is_recent() -> bool:
    """Whether a run began with a release that knows ``call_at_once``: it needs no earlier patch, and asks for none.

    Each patch that a run asks for is two events in its history. This one is asked for first in every run, so that the
    answer is the same from its beginning to its end.
    """
    return workflow.patched("fewer-calls-2026-12")


def since(patch: str) -> bool:
    """Whether a run has what came with a patch that is older than ``is_recent``; its id is written out at each call."""
    return is_recent() or workflow.patched(patch)
