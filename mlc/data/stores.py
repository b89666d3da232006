"""Object stores by their named connections, each as a file system of fsspec."""

import json
import logging
import os
from importlib import import_module
from typing import Any

from mlc.data.errors import ours
from mlc.model.connection import AzureConnection, GcsConnection, S3Connection, StoreConnection
from mlc.model.failure import Refused

MODULES = {"s3": "s3fs", "gcs": "gcsfs", "azure": "adlfs"}
"""What a kind of store needs, which is in an extra of its name."""
GOOGLE = "https://storage.googleapis.com"
_TALKATIVE = (
    "s3fs",
    "gcsfs",
    "adlfs",
    "botocore",
    "aiobotocore",
    "fsspec",
    "azure",
    "google.auth",
    "aiohttp",
    "urllib3",
)
"""Loggers that write addresses, headers and signatures when they are let."""


class Store:
    """One object store. Blocking, and safe to be used by several threads; connects at the first use.

    Args:
        name: the connection's.
        timeout: seconds of silence after which a request has failed.
    """

    def __init__(self, name: str, connection: StoreConnection, timeout: float = 30) -> None:
        self.kind = connection.kind
        self.connection = connection
        self.system = f"connection {name} ({connection.kind})"
        for logger in _TALKATIVE:
            logging.getLogger(logger).setLevel(logging.WARNING)
        with ours(self.system):
            self.files: Any = _opened(connection, timeout, self.system)

    def info(self, path: str) -> dict[str, Any]:
        """What the store says of ``bucket/key``: ``size`` in bytes, ``type``, and by what its version is known.

        Raises:
            NotFound, Refused, Unavailable: it says nothing.
        """
        with ours(self.system, path):
            found: dict[str, Any] = self.files.info(path)
            return found

    def read(self, path: str, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``.

        Raises:
            NotFound, Refused, Unavailable: they can't be had.
        """
        with ours(self.system, path):
            found: bytes = self.files.cat_file(path, start=start, end=end)
            if len(found) != end - start:
                raise EOFError
            return found

    def names(self, folder: str) -> list[dict[str, Any]]:
        """What lies in a folder: ``name`` with the bucket, ``size``, ``type`` (``file`` or ``directory``); in no order.

        Raises:
            NotFound, Refused, Unavailable: it can't be told.
        """
        with ours(self.system, folder):
            found: list[dict[str, Any]] = self.files.ls(folder, detail=True, refresh=True)
            return found


def version(info: dict[str, Any]) -> tuple[str, ...]:
    """By what one sees that an object was replaced: its size, tag and time, as far as the store tells them."""
    return tuple(
        str(info.get(key, "")) for key in ("size", "ETag", "etag", "generation", "LastModified", "last_modified")
    )


def check_installed(kind: str, system: str) -> None:
    """Make sure that the library of a kind of store is there.

    Raises:
        Refused: it isn't; the text names the extra.
    """
    try:
        import_module(MODULES[kind])
    except ModuleNotFoundError:
        wanted = f"pip install 'mlc-temporal[{kind}]'"
        raise Refused(
            system, f"The {system} needs {MODULES[kind]}, which is not installed: {wanted}.", status=501
        ) from None


def _opened(connection: StoreConnection, timeout: float, system: str) -> Any:
    check_installed(connection.kind, system)
    # No instance is shared, and no listing kept: an object that came a moment ago is there.
    plain = {"skip_instance_cache": True, "use_listings_cache": False}
    match connection:
        case S3Connection():
            return _s3(connection, timeout, plain)
        case GcsConnection():
            return _gcs(connection, timeout, plain)
        case AzureConnection():
            return _azure(connection, timeout, plain)


def _s3(connection: S3Connection, timeout: float, plain: dict[str, Any]) -> Any:
    import s3fs

    config: dict[str, Any] = {
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "retries": {"total_max_attempts": 1, "mode": "standard"},  # whether to try again is the caller's to say
        "request_checksum_calculation": "when_required",  # stores that only resemble Amazon's know no others
        "response_checksum_validation": "when_required",
        "proxies": {},
    }
    if not connection.ambient:
        config["ignore_configured_endpoint_urls"] = True
    client = {"region_name": connection.region} if connection.region else {}
    made: Any = s3fs.S3FileSystem(
        anon=connection.anonymous,
        endpoint_url=connection.endpoint,
        key=_plain(connection.key),
        secret=_plain(connection.secret),
        token=_plain(connection.token),
        client_kwargs=client,
        config_kwargs=config,
        **plain,
    )
    made.retries = 1
    return made


def _gcs(connection: GcsConnection, timeout: float, plain: dict[str, Any]) -> Any:
    # The package's own class of this name first asks by gRPC what kind of bucket it is, a minute long at any endpoint
    # but Google's, and with variables of the machine.
    from gcsfs.core import GCSFileSystem

    token: Any = json.loads(text) if (text := _plain(connection.credentials)) else None
    return GCSFileSystem(
        project=connection.project,
        token="anon" if connection.anonymous else token or "google_default",
        endpoint_url=connection.endpoint or GOOGLE,  # else a variable of the machine could say another
        requests_timeout=timeout,
        **plain,
    )


def _azure(connection: AzureConnection, timeout: float, plain: dict[str, Any]) -> Any:
    """Told all in one text, which counts before whatever variables of the machine say."""
    import adlfs

    limits = {"connection_timeout": max(1, int(timeout)), "read_timeout": max(1, int(timeout))}
    if connection.ambient or connection.anonymous:
        if connection.anonymous and any(name.startswith("AZURE_STORAGE_") for name in os.environ):
            raise Refused(
                "Azure", "An anonymous connection can't be had where variables AZURE_STORAGE_* are set.", status=400
            )
        host = {"account_host": connection.endpoint.partition("://")[2]} if connection.endpoint else {}
        return adlfs.AzureBlobFileSystem(
            account_name=connection.account, anon=connection.anonymous, **host, **limits, **plain
        )
    said = {
        "DefaultEndpointsProtocol": "https",
        "AccountName": connection.account,
        "AccountKey": _plain(connection.key),
        "SharedAccessSignature": (_plain(connection.signature) or "").removeprefix("?") or None,
        "BlobEndpoint": connection.endpoint or f"https://{connection.account}.blob.core.windows.net",
    }
    text = ";".join(f"{name}={value}" for name, value in said.items() if value is not None)
    return adlfs.AzureBlobFileSystem(account_name=connection.account, connection_string=text, **limits, **plain)


def _plain(secret: Any) -> str | None:
    return secret.get_secret_value() if secret is not None else None
