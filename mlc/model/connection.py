"""Named connections to stores and databases: where they are, and the secrets that open them, which no address holds."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""Of a connection. It is part of an address's scheme, in which capitals don't count."""


def _endpoint(text: str) -> str:
    """An address without an account, a query or a fragment: those are secrets, or have no meaning there."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # a port that is no number is an error
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("write http://host:port or https://host, and secrets into their own fields")
    return text.rstrip("/")


Endpoint = Annotated[str, Field(max_length=500), AfterValidator(_endpoint)]


class _Connection(BaseModel):
    """What all have.

    ``known_as`` are addresses by which a model centre calls the same thing, such as ``https://minio.corp:9000`` or
    ``jdbc:postgresql://db.corp/risk``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    known_as: list[Annotated[str, Field(min_length=1, max_length=500)]] = []

    def needs_one_of(self, ways: Mapping[str, bool]) -> None:
        """Make sure that there is exactly one way to be let in.

        Raises:
            ValueError: there is none, or more than one.
        """
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) != 1:
            found = f"it has {' and '.join(given)}" if given else "it has none of them"
            raise ValueError(f"one of {', '.join(ways)} tells as whom it connects, and {found}")


class S3Connection(_Connection):
    """A store that speaks S3. Without an ``endpoint`` it is Amazon's, in ``region``.

    ``ambient`` takes the machine's own identity (a role, or the usual variables and files); ``anonymous`` sends none.
    """

    kind: Literal["s3"]
    endpoint: Endpoint | None = None
    region: str | None = Field(None, pattern=r"^[a-z0-9-]{1,40}$")
    key: SecretStr | None = None
    secret: SecretStr | None = None
    token: SecretStr | None = None
    ambient: bool = False
    anonymous: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.key is None) != (self.secret is None) or (self.token and not self.key):
            raise ValueError("key and secret belong together, and token to them")
        self.needs_one_of({"key": bool(self.key), "ambient": self.ambient, "anonymous": self.anonymous})
        return self


class GcsConnection(_Connection):
    """Google Cloud Storage. ``credentials`` is the JSON of a service account's key."""

    kind: Literal["gcs"]
    endpoint: Endpoint | None = None
    project: str | None = None
    credentials: SecretStr | None = None
    ambient: bool = False
    anonymous: bool = False

    @field_validator("credentials")
    @classmethod
    def _readable(cls, credentials: SecretStr | None) -> SecretStr | None:
        try:
            found = json.loads(credentials.get_secret_value()) if credentials else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ValueError("write the JSON of a service account's key, as text")
        return credentials

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = bool(self.credentials)
        self.needs_one_of({"credentials": given, "ambient": self.ambient, "anonymous": self.anonymous})
        return self


class AzureConnection(_Connection):
    """Azure Blob Storage: an account, and its key or a shared access signature."""

    kind: Literal["azure"]
    endpoint: Endpoint | None = None
    account: str = Field(pattern=r"^[a-z0-9]{3,24}$")
    key: SecretStr | None = None
    signature: SecretStr | None = None
    ambient: bool = False
    anonymous: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = {"key": bool(self.key), "signature": bool(self.signature)}
        self.needs_one_of({**ways, "ambient": self.ambient, "anonymous": self.anonymous})
        return self


class SqlConnection(_Connection):
    """A database: SQLAlchemy's URL of it, ``postgresql+pg8000://user@host/name`` or ``sqlite:////folder/file.db``.

    ``time_limit`` is in seconds, for all rows of a query. ``tls`` is how a server is spoken to: ``verify`` its
    certificate, or ``off``.
    """

    kind: Literal["sql"]
    url: SecretStr
    password: SecretStr | None = None
    time_limit: float = Field(600, gt=0)
    tls: Literal["verify", "off"] = "verify"


class HttpConnection(_Connection):
    """A host of files, and what it wants to be told: a bearer ``token``, or ``user`` and ``password``."""

    kind: Literal["http"]
    endpoint: Endpoint
    token: SecretStr | None = None
    user: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        self.needs_one_of({"token": bool(self.token), "user": bool(self.user)})
        return self


StoreConnection = S3Connection | GcsConnection | AzureConnection
Connection = Annotated[StoreConnection | SqlConnection | HttpConnection, Field(discriminator="kind")]
KINDS = ("s3", "gcs", "azure", "sql", "http")


def check_names(connections: Mapping[str, Any]) -> None:
    """Make sure that each name can stand in an address.

    Raises:
        ValueError: one can't; the text says which.
    """
    for name in connections:
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{name[:60]!r} is no name of a connection: write small letters, digits and -, such as lake"
            )
