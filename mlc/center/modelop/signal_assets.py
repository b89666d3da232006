"""Files as ModelOp's signals give them: one asset object, or a list of them, judged before anything is started."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from mlc.center.modelop import literals, wire
from mlc.center.modelop.signal_envelope import repeated
from mlc.model.failure import MlcError
from mlc.model.file import FileFormat, FileRules, InputFile, OutputFile, is_several
from mlc.model.signal import EmbeddedFile

FORMATS: Mapping[str, FileFormat] = {"CSV": "CSV", "JSON": "JSON", "PARQUET": "PARQUET", "ARROW": "ARROW"}
ENDINGS = frozenset({".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather"})
"""Endings of names that tell a format where ``fileFormat`` doesn't."""
MOST_FILES = 50
LONGEST_ASSET = 16_384
OF_THE_CENTRE = frozenset({"id", "assetId", "_links"})
"""Fields that the centre gives, and to another asset others."""

INSTEAD = "embed the file (fileContent), or give a file:, http: or https: address, or one of a connection (fileUrl)"
BY_CONNECTION = "write repositoryInfo.connectionUri as sql+NAME:, of a connection in MLC_FILE_READ, or embed the file"
S3 = "S3_REPOSITORY"
UNSUPPORTED = {
    S3: "a store that is told by its host is not known here: write fileUrl as s3+NAME://bucket/key, of a connection in "
    "MLC_FILE_READ or MLC_FILE_WRITE, without repositoryInfo, or embed the file",
    "HDFS_REPOSITORY": f"files in HDFS are not supported: {INSTEAD}, without repositoryInfo",
    "SQL_REPOSITORY": f"a database that is told by its address is not known here: {BY_CONNECTION}",
    "SQL": f"a database that is told by its address is not known here: {BY_CONNECTION}",
    "SQL_ASSET": f"SQL_ASSET is not supported: write SQL, and {BY_CONNECTION}",
    "REST": f"REST calls are not supported: {INSTEAD}",
    "REST_ASSET": f"REST calls are not supported: {INSTEAD}",
}
"""Values of ``assetType`` and ``repositoryType`` that ModelOp knows and nothing here can read or write; the runtimes of
a real ModelOp can, and so can a runtime here, which knows what connections are called there."""

Text = Annotated[str, StringConstraints(max_length=1000)]
Filename = Annotated[str, StringConstraints(max_length=255)]


class BadFile(MlcError, ValueError):
    """An asset that can't be used. ``place`` is the field in it, or empty; the text never holds a value."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


class _Read(BaseModel):
    model_config = ConfigDict(
        extra="ignore", hide_input_in_errors=True, alias_generator=to_camel, populate_by_name=True
    )


class _Repository(_Read):
    repository_type: Text | None = None
    connection_uri: Text | None = None


class _Asset(_Read):
    """What is read of an asset object."""

    asset_type: Text | None = None
    name: Filename | None = None
    filename: Filename | None = None
    file_format: Text | None = None
    file_url: Text | None = None
    file_content: str | None = None
    file_content_string: str | None = None
    repository_info: _Repository | None = None
    sql_statement: Annotated[str, StringConstraints(max_length=8000)] | None = None
    parameters: dict[str, Any] | None = None

    @property
    def embedded(self) -> bool:
        return self.asset_type != "EXTERNAL_FILE" and bool(self.file_content or self.file_content_string)


class _Foreign(_Asset):
    """What is looked at of one that goes to the centre as it is: addresses may hold a signature, queries be long."""

    file_url: Annotated[str, StringConstraints(max_length=8000)] | None = None
    sql_statement: str | None = None


A = TypeVar("A", bound=_Asset)


def embedded_file(filename: str, content: bytes, file_format: FileFormat) -> dict[str, str]:
    """An asset object of a file whose bytes go with the signal, as ``read_input`` reads it."""
    encoded = base64.b64encode(content).decode()
    return {"assetType": "FILE", "filename": filename, "fileFormat": file_format, "fileContent": encoded}


def file_at(url: str, filename: str, file_format: FileFormat) -> dict[str, str]:
    """An asset object of a file at an address, as ``read_input`` and ``read_output`` read it."""
    return {"assetType": "EXTERNAL_FILE", "fileUrl": url, "filename": filename, "fileFormat": file_format}


F = TypeVar("F")


def read_files(value: Any, read: Callable[[Any], F]) -> list[F]:
    """Each asset of a variable's value by ``read_input`` or ``read_output``.

    Raises:
        BadFile: one of them, with its index in ``place``, can't be used, or there are too many.
    """
    if not isinstance(value, list):
        return [read(value)]
    if len(value) > MOST_FILES:
        raise BadFile("", f"at most {MOST_FILES} files are taken at once")
    files = []
    for index, item in enumerate(value):
        try:
            files.append(read(item))
        except BadFile as error:
            raise BadFile(f"[{index}]{error.place}", str(error)) from None
    return files


def read_input(value: Any, rules: FileRules, *, foreign: bool = False) -> EmbeddedFile | InputFile:
    """A file to read.

    Args:
        foreign: what nobody here can read is the centre's runtimes' affair: it goes to the centre as it is, like a file
            that is embedded, since it may hold an account or a signature.

    Raises:
        BadFile: its kind, address, format or content can't be used.
    """
    try:
        return _input(value, rules)
    except BadFile:
        if foreign and (given := _foreign(value, is_output=False)):
            return given
        raise


def read_output(value: Any, rules: FileRules, *, foreign: bool = False) -> EmbeddedFile | OutputFile:
    """A file to write: at its address, or, without one, embedded in the job. Content in it is not looked at.

    Args:
        foreign: as for ``read_input``.

    Raises:
        BadFile: its kind, address or format can't be used.
    """
    try:
        return _output(value, rules)
    except BadFile:
        if foreign and (given := _foreign(value, is_output=True)):
            return given
        raise


def _foreign(value: Any, *, is_output: bool) -> EmbeddedFile | None:
    """An asset that lies somewhere else, as it is; None if it is none.

    Raises:
        BadFile: it is none that the centre could take.
    """
    if not isinstance(value, dict):
        return None
    asset = _parsed(value, _Foreign)
    elsewhere = asset.file_url or asset.repository_info or asset.sql_statement
    if asset.embedded or not elsewhere:
        return None
    document = {field: given for field, given in value.items() if field not in OF_THE_CENTRE}
    try:
        wire.Asset.model_validate(document)
    except ValidationError as error:
        raise _misfit(error) from None
    try:
        content = json.dumps(document, allow_nan=False).encode()
    except (ValueError, RecursionError):  # out of a schedule, whose JSON is read less strictly than a signal's
        raise BadFile("", "the asset object holds a number that JSON can't hold, or is nested too deeply") from None
    if len(content) > LONGEST_ASSET:
        raise BadFile("", f"the asset object is longer than {LONGEST_ASSET} bytes")
    return EmbeddedFile(asset.filename or asset.name or "", None, content, foreign=True, is_output=is_output)


def _query(value: Any, rules: FileRules) -> InputFile | None:
    """A query by a connection (``sql+NAME:``); None if it is none."""
    if not isinstance(value, dict) or str(value.get("assetType")).upper() != literals.SQL:
        return None
    asset = _parsed(value, _Asset)
    url = (asset.repository_info and asset.repository_info.connection_uri) or ""
    if not url.lower().startswith("sql+"):
        return None
    if not asset.sql_statement:
        raise BadFile(".sqlStatement", "a query is needed")
    if problem := rules.problem(url):
        raise BadFile(".repositoryInfo.connectionUri", problem.removesuffix("."))
    name = asset.filename or asset.name or ""
    return InputFile(url=url, filename=name, query=asset.sql_statement, parameters=asset.parameters or {})


def _input(value: Any, rules: FileRules) -> EmbeddedFile | InputFile:
    if (query := _query(value, rules)) is not None:
        return query
    asset = _asset(value)
    if asset.embedded:
        name = asset.filename or asset.name or ""
        return EmbeddedFile(filename=name, file_format=_format(asset, name), content=_content(asset))
    if asset.file_url:
        url, name = _address(asset, rules)
        return InputFile(url=url, filename=name, file_format=_format(asset, name))
    if asset.asset_type == "EXTERNAL_FILE":
        raise BadFile(".fileUrl", "an external file needs the address where it is")
    raise BadFile("", f"the asset holds no content and no address: {INSTEAD}")


def _output(value: Any, rules: FileRules) -> OutputFile:
    asset = _asset(value)
    if asset.file_url and not asset.embedded:
        url, name = _address(asset, rules, write=True)
        return OutputFile(url=url, filename=name, file_format=_declared(asset))
    if asset.asset_type == "EXTERNAL_FILE":
        raise BadFile(".fileUrl", "an external file needs the address where it is to be written")
    return OutputFile(filename=asset.filename or asset.name or "", file_format=_declared(asset))


def _parsed(value: dict[str, Any], kind: type[A]) -> A:
    try:
        asset = kind.model_validate(value)
    except ValidationError as error:
        raise _misfit(error) from None
    for place, name in ((".filename", asset.filename), (".name", asset.name), (".fileUrl", asset.file_url)):
        if name and not name.isprintable():
            raise BadFile(place, "it holds characters that can't be printed")
    return asset


def _misfit(error: ValidationError) -> BadFile:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return BadFile("".join(f".{repeated(part)}" for part in first["loc"]), first["msg"])


def _asset(value: Any) -> _Asset:
    if not isinstance(value, dict):
        raise BadFile("", "an asset object is expected, or a list of them")
    asset = _parsed(value, _Asset)
    kind = (asset.asset_type or "FILE").upper()
    repository = (asset.repository_info and asset.repository_info.repository_type) or ""
    if kind in UNSUPPORTED:
        raise BadFile(".assetType", UNSUPPORTED[kind])
    if kind not in {"FILE", "EXTERNAL_FILE"}:
        raise BadFile(".assetType", f"only FILE and EXTERNAL_FILE are supported: {INSTEAD}")
    asset.asset_type = kind
    if repository and not asset.embedded and not _is_told_twice(asset, value["repositoryInfo"]):
        other = f"files in such a repository are not supported: {INSTEAD}, without repositoryInfo"
        raise BadFile(".repositoryInfo.repositoryType", UNSUPPORTED.get(repository.upper(), other))
    return asset


def _is_told_twice(asset: _Asset, repository: Mapping[str, Any]) -> bool:
    """Whether a repository says no more than the address does, which names a connection to S3; a host says more."""
    told = {field for field, value in repository.items() if value not in (None, "", 0)}
    is_s3 = str(repository.get("repositoryType")).upper() == S3 and told <= {"repositoryType"}
    return is_s3 and (asset.file_url or "").lower().startswith("s3+")


def _address(asset: _Asset, rules: FileRules, *, write: bool = False) -> tuple[str, str]:
    """The address and the file's name; the address's own, if it has no other."""
    url = asset.file_url or ""
    if problem := rules.problem(url, write=write) or rules.obstacle(url):
        raise BadFile(".fileUrl", problem.removesuffix("."))
    own = "" if is_several(url) else PurePosixPath(unquote(urlsplit(url).path)).name
    name = asset.filename or asset.name or (own if own.isprintable() else "")
    return url, name[:255]


def _declared(asset: _Asset) -> FileFormat | None:
    """What ``fileFormat`` says; ModelOp's UNKNOWN says nothing."""
    declared = (asset.file_format or "UNKNOWN").upper()
    if declared == "UNKNOWN":
        return None
    if declared not in FORMATS:
        raise BadFile(".fileFormat", "CSV, JSON, PARQUET or ARROW is expected")
    return FORMATS[declared]


def _format(asset: _Asset, name: str) -> FileFormat | None:
    declared = _declared(asset)
    if declared is None and asset.file_url and not asset.embedded and is_several(asset.file_url):
        return "PARQUET"
    if declared is None and PurePosixPath(name.lower().removesuffix(".gz")).suffix not in ENDINGS:
        raise BadFile(".fileFormat", "CSV, JSON, PARQUET or ARROW is needed, since the file's name doesn't tell")
    return declared


def _content(asset: _Asset) -> bytes:
    try:
        if asset.file_content:
            return base64.b64decode("".join(asset.file_content.split()), validate=True)
        return (asset.file_content_string or "").encode()
    except UnicodeEncodeError:
        raise BadFile(".fileContentString", "it holds half a character") from None
    except (binascii.Error, ValueError):
        raise BadFile(".fileContent", "it is not base64; plain text goes into fileContentString") from None
