"""A job's files: what it reads and writes, as the model centre's assets."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from activities.failures import final
from mlc.center import wire
from mlc.model.failure import FailureType
from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.job import JobKind
from mlc.model.snapshot import AssetRole

INPUT_ROLES = {JobKind.TRAINING: AssetRole.TRAINING_DATA, JobKind.METRICS: AssetRole.TEST_DATA}
"""Which assets of the snapshot a job reads that is given no files."""


def inputs_by_role(snapshot: wire.DeployableModel, role: AssetRole) -> list[wire.Asset]:
    """The snapshot's assets of a role, in their order, as a job's inputs.

    Raises:
        ApplicationError: ``MissingAsset`` if there is none.
    """
    found = [asset for asset in snapshot.stored_model.model_assets if asset.asset_role == role]
    if not found:
        raise final(
            FailureType.MISSING_ASSET,
            f"Snapshot {snapshot.meta_data.name!r} has no asset with the role {role}. Add one and try again.",
        )
    return found


def external(file: InputFile | OutputFile, rules: FileRules) -> wire.Asset:
    """A file at an address, as a job carries it.

    Raises:
        ApplicationError: ``Refused`` if the settings don't allow that address.
    """
    assert file.url is not None
    name = file.filename or PurePosixPath(unquote(urlsplit(file.url).path)).name or "file"
    if problem := rules.problem(file.url):
        raise final(FailureType.REFUSED, f"The file {name!r}: {problem}")
    return wire.Asset(
        name=name, filename=name, asset_type="EXTERNAL_FILE", file_url=file.url, **_format(file), asset_role="UNKNOWN"
    )


def output(file: OutputFile, number: int, rules: FileRules) -> wire.Asset:
    """An output as a job carries it: at its address, or embedded. The ``number`` tells those without a name apart.

    Raises:
        ApplicationError: ``Refused`` if the settings don't allow that address.
    """
    if file.url is not None:
        return external(file, rules)
    name = file.filename or f"output{f'-{number}' if number > 1 else ''}.{(file.file_format or 'JSON').lower()}"
    return wire.Asset(name=name, filename=name, asset_type="FILE", **_format(file), asset_role="UNKNOWN")


def without_query(url: str | None) -> str | None:
    """An address without what may be a signature."""
    return url.partition("?")[0] if url else None


def _format(file: InputFile | OutputFile) -> dict[str, Any]:
    return {"file_format": file.file_format} if file.file_format else {}


def embedded_output(kind: JobKind) -> wire.Asset:
    name = "test_result.json" if kind is JobKind.METRICS else "output.json"
    return wire.Asset(name=name, filename=name, asset_type="FILE", file_format="JSON", asset_role="UNKNOWN")
