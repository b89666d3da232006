"""A snapshot (ModelOp: deployableModel): an immutable version of a model, as a process needs to know it."""

from enum import StrEnum

from mlc.model.base import Record
from mlc.model.ticket import Provider


class AssetRole(StrEnum):
    """Roles of ModelOp's assets (``assetRole``); the ones that the processes look for."""

    MODEL_SOURCE = "MODEL_SOURCE"
    TEST_DATA = "TEST_DATA"
    TRAINING_DATA = "TRAINING_DATA"
    BASELINE_DATA = "BASELINE_DATA"
    COMPARATOR_DATA = "COMPARATOR_DATA"
    TEST_RESULT_COMPARATOR = "TEST_RESULT_COMPARATOR"
    """A decision table (DMN)."""
    WEIGHTS_FILE = "WEIGHTS_FILE"
    MODEL_SCHEMA = "MODEL_SCHEMA"
    MODEL_METADATA = "MODEL_METADATA"
    REQUIRED_LIBRARIES = "REQUIRED_LIBRARIES"
    REQUIRED_ASSETS = "REQUIRED_ASSETS"
    UNKNOWN = "UNKNOWN"


class SnapshotSummary(Record):
    """A snapshot in under 2 KiB, for workflow histories.

    ``train``, ``run_test`` and ``review`` are the control tags: set as a tag of the snapshot (``metaData.tags``)
    or as a true flag of that name in its custom metadata.
    """

    id: str
    name: str
    model_id: str
    model_name: str
    stage: str = "unassigned"
    methodology: str = ""
    train: bool = False
    run_test: bool = False
    review: bool = False
    ticketing: Provider | None = None
    """The ticket system that the control tag asks for; None: the settings'."""
