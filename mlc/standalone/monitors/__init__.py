"""The out-of-the-box monitors of standalone mode, as model folders: read one, copy it, change it, submit it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from mlc.center.modelop.folder import ModelFolder, read_model_folder

FOLDERS = ("performance_classification", "performance_regression", "data_drift", "concept_drift", "stability")


@cache
def monitor_folders() -> Mapping[str, ModelFolder]:
    """The five, by ModelOp's names of them."""
    folders = [read_model_folder(Path(str(files(__name__) / folder))) for folder in FOLDERS]
    return {folder.model.name: folder for folder in folders}
