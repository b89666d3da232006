"""The formats of data files: by an asset's own word, and by the ending of its name."""

from pathlib import PurePosixPath

from mlc.model.asset import Asset, AssetKind
from mlc.model.file import is_several
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import path_of

DATA_FORMATS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
COMPRESSED = ".gz"
"""The ending, behind such a one, of what gzip made of it."""


def ending(name: PurePosixPath) -> str:
    """The ending that tells a file's format: of ``in.csv.gz`` it is ``.csv``."""
    suffix = name.suffix.lower()
    return PurePosixPath(name.stem).suffix.lower() if suffix == COMPRESSED else suffix


def is_compressed(asset: Asset) -> bool:
    """Whether an asset's file is what gzip made of one, by its name."""
    return path_of(asset).suffix.lower() == COMPRESSED


def data_format(asset: Asset, what: str, default: str | None = None) -> str:
    """``csv``, ``json``, ``jsonl``, ``parquet`` or ``arrow``, by the asset's format and its name's ending.

    Raises:
        ModelFailure: neither says, and there is no default; or it says another one than rows of a query have.
    """
    by_name = DATA_FORMATS.get(ending(path_of(asset)))
    declared = asset.format.lower()
    if default is None and (asset.kind is AssetKind.QUERY or (asset.address and is_several(asset.address))):
        if declared not in {"", "unknown", "parquet"}:
            raise ModelFailure(f"The {what} is made of rows or of several files, and those are given as PARQUET alone.")
        return "parquet"
    if declared in {"csv", "parquet", "arrow"} or (declared == "json" and by_name != "jsonl"):
        return declared
    if found := by_name or default:
        return found
    raise ModelFailure(f"The {what} has no known format: set its format to CSV, JSON, PARQUET or ARROW.")
