"""Assets: the files of a model, a job or a monitor. What one is stands here; what it contains, the centre gives."""

from enum import StrEnum
from typing import Any

from mlc.model.base import OpenEnum, Record


class AssetRole(StrEnum):
    """Roles of assets that the processes look for. A centre may know others, so a role is a plain text elsewhere."""

    MODEL_SOURCE = "MODEL_SOURCE"
    TEST_DATA = "TEST_DATA"
    TRAINING_DATA = "TRAINING_DATA"
    BASELINE_DATA = "BASELINE_DATA"
    COMPARATOR_DATA = "COMPARATOR_DATA"
    TRUTH_DATA = "TRUTH_DATA"
    """Labels of scored records that came later, in a monitor's job."""
    TEST_RESULT_COMPARATOR = "TEST_RESULT_COMPARATOR"
    """A decision table (DMN)."""
    WEIGHTS_FILE = "WEIGHTS_FILE"
    MODEL_SCHEMA = "MODEL_SCHEMA"
    MODEL_METADATA = "MODEL_METADATA"
    REQUIRED_LIBRARIES = "REQUIRED_LIBRARIES"
    REQUIRED_ASSETS = "REQUIRED_ASSETS"
    UNKNOWN = "UNKNOWN"


class AssetKind(OpenEnum):
    """Where an asset's content is."""

    SOURCE = "source"
    """Code, kept in the centre as text."""
    FILE = "file"
    """A file that the centre keeps."""
    EXTERNAL = "external"
    """A file at an address."""
    QUERY = "query"
    """Rows that a query answers."""
    UNKNOWN = "unknown"
    """Something that is no file for us."""


class AssetUse(OpenEnum):
    """Whether a job reads an asset as its data."""

    INPUT = "input"
    ADDITIONAL = "additional"
    """It lies beside the model, and is no data of the job's."""
    UNKNOWN = "unknown"
    """The centre doesn't say."""


OUTPUT_DIR = "outputDir"
"""The folder in which a model's training leaves what it has made."""

UNNAMED = "unnamed"
"""The name of an asset to which nobody gave one."""


class Asset(Record):
    """A file, source or external reference.

    ``sha256`` is in lower-case hexadecimal, ``size`` in bytes; None where the centre doesn't say. ``functions`` are a
    source's, by purpose: ``init``, ``score``, ``metrics``, ``train``.
    """

    name: str
    """The file's name, perhaps with folders; never empty."""
    role: str = AssetRole.UNKNOWN
    kind: AssetKind = AssetKind.FILE
    type_name: str = ""
    """The kind in the centre's own word, for people."""
    usage: str = ""
    """What a monitor or job uses it for, in the centre's own word; empty if it doesn't say."""
    use: AssetUse = AssetUse.UNKNOWN
    """What that word means."""
    format: str = ""
    """CSV, JSON and so on, as the centre says; empty if it doesn't."""
    size: int | None = None
    sha256: str | None = None
    address: str | None = None
    primary: bool = False
    """Of several sources the one whose functions are called."""
    functions: dict[str, str] = {}
    query: str | None = None
    """SQL, of what is a query: one statement, to the database at its address."""
    parameters: dict[str, Any] = {}
    """Values of the query's ``:names``."""
    repository: str = ""
    """Where the centre says that the address's store, or the query's database, is; empty: the address alone tells."""
    ref: str = ""
    """How the centre finds the content: opaque, and good for as long as its owner is open. Empty: there is none."""


class RequiredAsset(Record):
    """An asset that a model says it needs, by its role and its file's name."""

    role: str
    name: str
    use: AssetUse = AssetUse.UNKNOWN
