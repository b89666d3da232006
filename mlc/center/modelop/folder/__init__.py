"""Model folders in ModelOp's layout: ``metadata.json``, marked sources, schemas, data."""

from mlc.center.modelop.folder.files import LARGEST_FOLDER
from mlc.center.modelop.folder.json_files import BadModelFolder
from mlc.center.modelop.folder.reader import Examined, ModelFolder, examine, read_model_folder
from mlc.center.modelop.folder.sentences import shown, unfit
from mlc.center.modelop.folder.starter import NotEmpty, write_starter

__all__ = [
    "LARGEST_FOLDER",
    "BadModelFolder",
    "Examined",
    "ModelFolder",
    "NotEmpty",
    "examine",
    "read_model_folder",
    "shown",
    "unfit",
    "write_starter",
]
