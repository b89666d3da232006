"""What a model centre calls a store or a database, as the address of the named connection that is meant."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from mlc.data.matching import BadData
from mlc.model.asset import Asset, AssetKind
from mlc.model.connection import Connection, S3Connection, SqlConnection

_AMAZON = re.compile(r"https://(s3[.-])?([a-z0-9-]+\.)?amazonaws\.com|https://")
_USUAL = {"http": 80, "https": 443}


def named(asset: Asset, connections: Mapping[str, Connection]) -> Asset:
    """The asset with the address of a connection, if it tells a repository instead.

    Raises:
        BadData: there is no such connection, or more than one.
    """
    if not asset.repository:
        return asset
    known = _normal(asset.repository)
    if asset.kind is AssetKind.QUERY:
        name = _only(
            [name for name, each in connections.items() if isinstance(each, SqlConnection) and known in _names(each)],
            "the database of its query",
        )
        return asset.model_copy(update={"address": f"sql+{name}:", "repository": ""})
    name = _only(
        [name for name, each in connections.items() if isinstance(each, S3Connection) and known in _names(each)],
        "the S3 store of its repository",
    )
    return asset.model_copy(update={"address": f"s3+{name}://{_path(asset)}", "repository": ""})


def _names(connection: S3Connection | SqlConnection) -> set[str]:
    names = {_normal(each) for each in connection.known_as}
    if isinstance(connection, S3Connection):
        names |= {_normal(connection.endpoint)} if connection.endpoint else {"amazon"}
    return names


def _normal(repository: str) -> str:
    """Without what is the same for all who write it: capitals of hosts, usual ports, ``/`` at the end."""
    if _AMAZON.fullmatch(repository.lower()):
        return "amazon"
    try:
        parts = urlsplit(repository)
        host, port = parts.hostname, parts.port
    except ValueError:
        return repository
    if parts.scheme not in _USUAL or not host:
        return repository
    return f"{parts.scheme}://{host}:{port or _USUAL[parts.scheme]}{parts.path.rstrip('/')}"


def _path(asset: Asset) -> str:
    """``bucket/key`` of an address such as ``s3://bucket/key`` or ``https://host:port/bucket/key``."""
    try:
        parts = urlsplit(asset.address or "")
    except ValueError:
        raise BadData("its address can't be read") from None
    if parts.scheme in {"s3", "s3a", "s3n"}:
        return f"{parts.netloc}{parts.path}"
    if parts.scheme in _USUAL:
        return parts.path.lstrip("/")
    raise BadData("its address is none of an S3 store: write s3://bucket/key")


def _only(names: list[str], what: str) -> str:
    if not names:
        raise BadData(
            f"no connection of MLC_CONNECTIONS is {what}: add one, with its address as endpoint or in known_as"
        )
    if len(names) > 1:
        raise BadData(f"{' and '.join(names)} of MLC_CONNECTIONS are both {what}: one of them is to be")
    return names[0]
