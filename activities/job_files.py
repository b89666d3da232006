"""A job's files: what it reads and writes, as the model centre's assets."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from activities.failures import non_retryable
from mlc.model.address import masked
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import FailureType
from mlc.model.file import FileRules, InputFile, OutputFile, is_several
from mlc.model.job import JobKind, default_output


def external(file: InputFile | OutputFile, rules: FileRules) -> Asset:
    """A file at an address, as a job carries it.

    Raises:
        ApplicationError: ``Refused`` if the settings don't allow that address.
    """
    assert file.url is not None
    name = file.filename or _name(file.url)
    if problem := rules.problem(file.url, write=isinstance(file, OutputFile)):
        raise non_retryable(FailureType.REFUSED, f"The file {name!r}: {problem}")
    if isinstance(file, InputFile) and file.query is not None:
        found = file.file_format or ""
        return Asset(
            name=name,
            kind=AssetKind.QUERY,
            address=file.url,
            query=file.query,
            parameters=file.parameters,
            format=found,
        )
    return Asset(name=name, kind=AssetKind.EXTERNAL, address=file.url, format=file.file_format or "")


def _name(url: str) -> str:
    """What a file is called to which nobody gave a name; several, and rows, are given to a model as one of Parquet."""
    if url.lower().startswith("sql+"):
        return "query.parquet"
    path = PurePosixPath(unquote(urlsplit(url).path))
    if is_several(url):
        folder = next((part for part in reversed(path.parts) if "*" not in part and part != "/"), "files")
        return f"{folder}.parquet"
    return path.name or "file"


def output(file: OutputFile, number: int, rules: FileRules) -> Asset:
    """An output as a job carries it: at its address, or embedded. The ``number`` tells those without a name apart.

    Raises:
        ApplicationError: ``Refused`` if the settings don't allow that address.
    """
    if file.url is not None:
        return external(file, rules)
    usual = PurePosixPath(default_output(JobKind.SCORING))
    ending = f".{file.file_format.lower()}" if file.file_format else usual.suffix
    name = file.filename or f"{usual.stem}{f'-{number}' if number > 1 else ''}{ending}"
    return Asset(name=name, format=file.file_format or "")


def without_query(address: str | None) -> str | None:
    """An address without what may be a signature or an account."""
    return masked(re.split("[?;#]", address, maxsplit=1)[0]) if address else None


def embedded_output(kind: JobKind) -> Asset:
    """What a job of this kind writes that is told nothing else."""
    return Asset(name=default_output(kind), format="JSON")
