"""What a model centre can do beyond keeping models: declared by its adapter, shown by ``mlc check``."""

from collections.abc import Collection
from enum import StrEnum

from mlc.model.failure import Refused


class Capability(StrEnum):
    """The value is what the centre can do, for a sentence."""

    REPLACES_ASSETS = "put trained artefacts on a snapshot"
    EMBEDS_CONTENTS = "carry the contents of files within jobs and deployments"
    KNOWS_HASHES = "tell the SHA-256 of files"
    RANGED_READS = "give a part of a file"
    KEEPS_DECISIONS = "keep a decision record for each run"
    KEEPS_FILES = "keep files that belong to no model"
    READS_ANY_ASSET = "have its runtimes read what lies in other stores and databases"
    HOLDS_JOBS = "hold jobs"
    HOLDS_DEPLOYMENTS = "hold deployments"
    RUNS_SCHEDULES = "keep schedules"
    CARRIES_MONITORS = "carry monitors on a snapshot"
    NOTIFIES = "keep notifications"
    NAMES_THE_ACTOR = "tell who changed something"
    SIGNED_EVENTS = "sign what it reports"
    CREATES_ONCE = "see to it that nothing is made twice under one key"
    JOINS_SCORES = "have its runtimes read records together with a model's scores"
    KEEPS_REQUESTS = "keep what online models are asked and answer"
    KEEPS_TRUTH = "keep what scored records turned out to be"
    KEEPS_POLICY = "keep governance policies"
    EMBEDS_BY_ID = "put a snapshot that is named by its id into a job"


class Unsupported(Refused):
    """The centre can't do what was asked of it, and never will."""


def require(system: str, capabilities: Collection[Capability], wanted: Capability, instead: str) -> None:
    """Make sure of a capability where it is asked for.

    Args:
        system: the centre, for people.
        instead: what to do without it, as a sentence.

    Raises:
        Unsupported: it isn't among ``capabilities``.
    """
    if wanted not in capabilities:
        raise Unsupported(system, f"The {system} can't {wanted}. {instead}", status=501)
