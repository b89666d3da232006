"""Roles of a model folder's files, as far as their names tell."""

import re
from pathlib import PurePath

KNOWN_ROLES = frozenset(
    {
        "MODEL_SOURCE",
        "TEST_DATA",
        "TRAINING_DATA",
        "BASELINE_DATA",
        "COMPARATOR_DATA",
        "TEST_RESULT_COMPARATOR",
        "WEIGHTS_FILE",
        "MODEL_SCHEMA",
        "MODEL_METADATA",
        "MODEL_DOCUMENTATION",
        "REQUIRED_LIBRARIES",
        "REQUIRED_ASSETS",
        "README_FILE",
        "MODEL_TEST_SOURCE",
        "UNKNOWN",
    }
)
"""``assetRole`` values of ModelOp."""

_BY_NAME = {
    "metadata.json": "MODEL_METADATA",
    "required_assets.json": "REQUIRED_ASSETS",
    "requirements.txt": "REQUIRED_LIBRARIES",
}
_BY_SUFFIX = {
    ".avsc": "MODEL_SCHEMA",
    ".dmn": "TEST_RESULT_COMPARATOR",
    ".pdf": "MODEL_DOCUMENTATION",
    ".docx": "MODEL_DOCUMENTATION",
} | dict.fromkeys(
    (".pkl", ".pickle", ".joblib", ".onnx", ".pt", ".pth", ".h5", ".npy", ".npz", ".safetensors"), "WEIGHTS_FILE"
)
_DATA_SUFFIXES = {".csv", ".json", ".jsonl", ".parquet", ".arrow", ".feather", ".orc", ".avro"}
_BY_WORD = {
    "train": "TRAINING_DATA",
    "training": "TRAINING_DATA",
    "test": "TEST_DATA",
    "baseline": "BASELINE_DATA",
    "comparator": "COMPARATOR_DATA",
    "weights": "WEIGHTS_FILE",
    "coefficients": "WEIGHTS_FILE",
}
_COMES_OUT = frozenset({"expected", "expectations", "output", "outputs", "prompt", "result", "results"})
"""Words of files that come out of a model or test one, and are no data for it: ``model_test_results.json``."""
_CASES = ".cases"
"""Stands in the names of files that test a decision table: ``test.cases.csv`` beside ``test.dmn``."""


def role_of(filename: str, *, below: bool = False) -> str:
    """The role that a file's name suggests; ``UNKNOWN`` if none.

    ``below``: the file lies in a folder within the model's, where a ``metadata.json`` or ``requirements.txt`` is
    something else's.
    """
    path = PurePath(filename.lower())
    if path.stem == "readme":
        return "README_FILE"
    if path.name in _BY_NAME:
        return "UNKNOWN" if below else _BY_NAME[path.name]
    if path.suffix in _DATA_SUFFIXES:
        words = re.split(r"[^a-z]+", path.stem)
        if not _COMES_OUT.isdisjoint(words) or path.stem.endswith(_CASES):
            return "UNKNOWN"
        return next((_BY_WORD[word] for word in words if word in _BY_WORD), "UNKNOWN")
    return _BY_SUFFIX.get(path.suffix, "UNKNOWN")


def file_format(filename: str) -> str:
    """ModelOp's ``fileFormat``."""
    suffix = PurePath(filename.lower()).suffix
    return {".csv": "CSV", ".json": "JSON", ".avsc": "JSON", ".docx": "WORD"}.get(suffix, "UNKNOWN")
