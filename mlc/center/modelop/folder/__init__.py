"""Model folders in ModelOp's layout: ``metadata.json``, marked sources, schemas, data."""

from mlc.center.modelop.folder.reader import LARGEST_FOLDER, BadModelFolder, ModelFolder, read_model_folder

__all__ = ["LARGEST_FOLDER", "BadModelFolder", "ModelFolder", "read_model_folder"]
