"""What training leaves behind, which becomes part of the snapshot."""

from pathlib import Path

from mlc.model.asset import Asset, AssetRole
from mlc.model.snapshot import Snapshot
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import OUTPUT_DIR, inside, is_code, is_source, path_of, same_file


def trained_artefacts(directory: Path, model: Snapshot) -> list[tuple[str, Path]]:
    """What training left in ``outputDir``: relative names and paths. Links are not followed.

    Args:
        directory: the training job's working directory.

    Raises:
        ModelFailure: nothing is there; or something would become code of the model, or take the place of a file
            that is not training's to change, such as its test data or its decision table.
    """
    root = directory / OUTPUT_DIR
    found = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    made = [(path.relative_to(root).as_posix(), path) for path in found if path.resolve().is_relative_to(root)]
    if not made:
        raise ModelFailure(f"Training left nothing in {OUTPUT_DIR}/: write the trained model there.")
    fixed = {same_file(path_of(a)): a.role for a in model.assets if not _is_trainable(a)}
    for written, _ in made:
        name = inside(written)  # as it will be read from the snapshot
        problem = f"Training left {name} in {OUTPUT_DIR}/"
        if is_code(name):
            raise ModelFailure(f"{problem}: that is code by its name, and code comes with the model only.")
        if role := fixed.get(same_file(name)):
            raise ModelFailure(f"{problem}: that is the name of the model's {role}. Write it under another name.")
    return made


def _is_trainable(asset: Asset) -> bool:
    return asset.role in {AssetRole.WEIGHTS_FILE, AssetRole.UNKNOWN} and not is_source(asset)
