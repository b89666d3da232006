"""What training leaves behind, which becomes part of the snapshot."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath

from mlc.model.asset import Asset, AssetRole
from mlc.model.snapshot import Snapshot
from mlc.runtime.collection import Made
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.names import COMPILED, OUTPUT_DIR, PRIVATE, inside, is_code, is_source, path_of, same_file, shown
from mlc.runtime.working_directory import DEEPEST, Entry, WorkingDirectory

NAMED_FILES = 3
LOOKED_AT = 10_000
"""Files and folders beside ``outputDir`` that are looked at."""
LONGEST_NAME = 1_000
Check = Callable[[], None]

Files = Mapping[str, tuple[int, int]]
"""Relative names, and what differs once a file was written: time of its last change in nanoseconds, size in bytes."""


def files_beside(directory: WorkingDirectory) -> Files:
    """What lies in a training job's working directory, beside ``outputDir``: of many files, the first ones found."""
    return dict(_beside(directory, _unhurried))


def artefacts(
    directory: WorkingDirectory, model: Snapshot, before: Files, *, limit: int, check: Check
) -> tuple[list[Made], list[str]]:
    """What training left in ``outputDir``, and what people should know of it. Links are not followed.

    Args:
        directory: the training job's working directory.
        before: what lay beside ``outputDir`` when training began.
        limit: files that may be there, and folders.
        check: called for each entry; raises when the time is over.

    Raises:
        ModelFailure: nothing is there, too much, or something that can't become part of the snapshot.
    """
    files, links = _found(directory, limit, check)
    if not files:
        raise _nothing_left(directory, before, check)
    _check_links(files)
    _check_names([entry.name for entry in files], model)
    made = [
        Made(
            Asset(name=str(entry.name), role=AssetRole.WEIGHTS_FILE),
            OUTPUT_DIR / entry.name,
            str(entry.name),
            embedded=True,
            names=entry.state.st_nlink,
        )
        for entry in files
    ]
    named = ", ".join(map(shown, links[:NAMED_FILES]))
    return made, [f"Links in {OUTPUT_DIR}/ are neither followed nor kept ({len(links):,}): {named}."] if links else []


def _found(directory: WorkingDirectory, limit: int, check: Check) -> tuple[list[Entry], list[PurePosixPath]]:
    """The files in ``outputDir``, and the names of links."""
    files: list[Entry] = []
    links: list[PurePosixPath] = []
    folders = 0
    for entry in directory.entries(PurePosixPath(OUTPUT_DIR), check):
        problem = f"Training left {shown(entry.name)} in {OUTPUT_DIR}/"
        match entry.kind:
            case "file":
                files.append(entry)
            case "link":
                links.append(entry.name)
            case "folder":
                folders += 1
                if len(entry.name.parts) >= DEEPEST:
                    raise ModelFailure(f"{problem}: that is more than {DEEPEST - 1} folders deep.")
            case kind:
                raise ModelFailure(f"{problem}, which is a {kind}: leave files and folders only.")
        for count, what in ((len(files), "files"), (len(links), "links"), (folders, "folders")):
            if count > limit:
                raise ModelFailure(
                    f"Training left more than {limit:,} {what} in {OUTPUT_DIR}/: put them into one file, or raise "
                    "MLC_RUNTIME_OUTPUT_FILE_LIMIT."
                )
    return sorted(files, key=lambda entry: entry.name), sorted(links)


def _check_links(files: Sequence[Entry]) -> None:
    """All names of a file (hard links) must be in ``outputDir``: else it may be a file from anywhere."""
    names = Counter(entry.identity for entry in files)
    for entry in files:
        if entry.state.st_nlink > names[entry.identity]:
            raise ModelFailure(
                f"Training left {shown(entry.name)} in {OUTPUT_DIR}/, which has another name elsewhere (a hard link): "
                "copy it instead."
            )


def _check_names(names: Sequence[PurePosixPath], model: Snapshot) -> None:
    """No file may be kept under another name, become code, or take the place of a file that isn't training's to change.

    Such as the model's test data or its decision table.
    """
    fixed = {same_file(path_of(a)): a.role for a in model.assets if not _is_trainable(a)}
    taken: dict[str, PurePosixPath] = {}
    for name in names:
        problem = f"Training left {shown(name)} in {OUTPUT_DIR}/"
        read = inside(str(name))  # as it will be read from the snapshot
        if is_code(read):
            raise ModelFailure(f"{problem}: that is code by its name, and code comes with the model only.")
        if role := fixed.get(same_file(read)):
            raise ModelFailure(f"{problem}: that is the name of the model's {role}. Write it under another name.")
        if read != name or len(str(name)) > LONGEST_NAME:
            raise ModelFailure(
                f"{problem}: such a name can't be kept. Use at most 200 letters that print, no space at an end, no "
                f"backslash and not {PRIVATE}, and {LONGEST_NAME:,} letters with all folders."
            )
        if (other := taken.setdefault(same_file(name), name)) != name:
            raise ModelFailure(f"{problem}, and {shown(other)}: some systems take these names for the same.")
    for name in names:
        if above := next((taken[p] for parent in name.parents if (p := same_file(parent)) in taken), None):
            raise ModelFailure(
                f"Training left {shown(name)} and {shown(above)} in {OUTPUT_DIR}/: some systems take the "
                "folder and the file for the same name."
            )


def _nothing_left(directory: WorkingDirectory, before: Files, check: Check) -> ModelFailure:
    written: list[str] = []
    with suppress(ModelFailure):  # it doesn't matter enough
        now = sorted(_beside(directory, check))
        written = [shown(name) for name, state in now if before.get(name) != state]
    beside = f", but wrote {', '.join(written[:NAMED_FILES])} beside it" if written else ""
    return ModelFailure(f"Training left nothing in {OUTPUT_DIR}/{beside}: write the trained model there.")


def _is_trainable(asset: Asset) -> bool:
    return asset.role in {AssetRole.WEIGHTS_FILE, AssetRole.UNKNOWN} and not is_source(asset)


def _beside(directory: WorkingDirectory, check: Check) -> Iterator[tuple[str, tuple[int, int]]]:
    found = directory.entries(PurePosixPath(), check, without={OUTPUT_DIR, PRIVATE, COMPILED})
    for entry in islice(found, LOOKED_AT):
        if entry.kind == "file":
            yield str(entry.name), (entry.state.st_mtime_ns, entry.state.st_size)


def _unhurried() -> None:
    """For what the runtime itself has just laid out."""
