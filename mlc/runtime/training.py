"""What training leaves behind, which becomes part of the snapshot."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mlc.model.asset import Asset, AssetRole
from mlc.model.snapshot import Snapshot
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import COMPILED, OUTPUT_DIR, PRIVATE, inside, is_code, is_source, path_of, same_file

NAMED_FILES = 3

Files = Mapping[str, tuple[int, int]]
"""Relative names, and what differs once a file was written: time of its last change in nanoseconds, size in bytes."""


def files_beside(directory: Path) -> Files:
    """What lies in a training job's working directory, beside ``outputDir``."""
    return dict(_beside(directory))


def trained_artefacts(directory: Path, model: Snapshot, before: Files) -> list[tuple[str, Path]]:
    """What training left in ``outputDir``: relative names and paths. Links are not followed.

    Args:
        directory: the training job's working directory.
        before: what lay beside ``outputDir`` when training began.

    Raises:
        ModelFailure: nothing is there; or something would become code of the model, or take the place of a file
            that is not training's to change, such as its test data or its decision table.
    """
    root = directory / OUTPUT_DIR
    found = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    made = [(path.relative_to(root).as_posix(), path) for path in found if path.resolve().is_relative_to(root)]
    if not made:
        written = ", ".join(
            islice((n[:100] for n, state in _beside(root.parent) if before.get(n) != state), NAMED_FILES)
        )
        beside = f", but wrote {written} beside it" if written else ""
        raise ModelFailure(f"Training left nothing in {OUTPUT_DIR}/{beside}: write the trained model there.")
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


def _beside(directory: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for path in sorted(directory.iterdir()):
        if path.name in {OUTPUT_DIR, PRIVATE, COMPILED} or path.is_symlink():
            continue
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file() and not file.is_symlink() and COMPILED not in file.parts:
                state = file.stat()
                yield file.relative_to(directory).as_posix(), (state.st_mtime_ns, state.st_size)
