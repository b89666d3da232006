"""Files and rows at named connections, and folders of Parquet: what a job reads and writes outside the model centre."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic_settings import SettingsError

from mlc.center.certificates import certificates
from mlc.connections import ConnectionSettings
from mlc.data.local import opened
from mlc.data.matching import BadData, LocalTree, Match, StoreTree, matches
from mlc.data.naming import named
from mlc.data.objects import Patience, content
from mlc.data.parts import PartsWriter
from mlc.data.store_parts import ObjectParts, S3Parts
from mlc.data.stores import Store
from mlc.model.asset import Asset
from mlc.model.connection import AzureConnection, Connection, GcsConnection, HttpConnection, S3Connection, SqlConnection
from mlc.model.file import FileRules
from mlc.model.location import Location
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.overwriting import Place, of_address, of_file, of_object

PART = 16 * 1024**2
"""Bytes of a part of an output that is sent at once: S3 takes 10,000 of them, and each is in memory."""


C = TypeVar("C", SqlConnection, HttpConnection)


class Connected:
    """Opens named connections for one job. Blocking: to be called from a thread.

    Args:
        timeout: seconds of silence after which a request has failed.
        patience: how often what may go well later is tried again.
        largest: bytes that a value of a query's rows may have.
        size: told the bytes of what is about to be read, or was; raises if that is too much.
        going: called now and then; raises if the job was stopped, or there is no time left.
        read: told where what is read really lies.
    """

    def __init__(
        self,
        rules: FileRules,
        timeout: float,
        patience: Callable[[], Patience],
        *,
        largest: int,
        size: Callable[[int], None],
        going: Callable[[], None],
        read: Callable[[Iterable[Place]], None],
    ) -> None:
        self._rules = rules
        self._timeout = timeout
        self._patience = patience
        self._largest = largest
        self._size = size
        self._going = going
        self._read = read

    def named(self, asset: Asset) -> Asset:
        """The asset at the address of a connection, where the centre calls its store by another name.

        Raises:
            BadData: there is no such connection.
        """
        return named(asset, self._all()) if asset.repository else asset

    def fetch(self, location: Location) -> Iterator[bytes]:
        """What lies at a place of a store.

        Raises:
            NotFound, Refused, Unavailable, BadData: it can't be had.
        """
        store = self._store(location)
        if not location.several:
            self._read(self.places(location))
            yield from self._content(store, location.path)
            return
        found = matches(StoreTree(store, self._patience()), location.bucket, location.segments, folder=location.folder)
        for match in found:
            self._read(of_object(store.connection, match.path))
        self._size(sum(match.size for match in found))

        @contextmanager
        def copied(match: Match) -> Iterator[IO[bytes]]:
            with tempfile.TemporaryFile(prefix="mlc-object-") as copy:
                for piece in self._content(store, match.path):
                    copy.write(piece)
                    self._going()
                copy.seek(0)
                yield copy

        yield from self._gathered(found, copied)

    def folder(self, url: str) -> Iterator[bytes]:
        """The files of Parquet in a folder of this machine, or those whose names are like the address, as one.

        Raises:
            BadData: there are none, or they can't be one.
            OSError: one can't be read.
        """
        *segments, last = urlsplit(url).path.strip().removeprefix("/").split("/")
        path = [*segments, last] if last else segments
        found = matches(LocalTree(), "", [each for each in path if each], folder=not last)
        self._size(sum(match.size for match in found))

        @contextmanager
        def allowed(match: Match) -> Iterator[IO[bytes]]:
            # A link among them may lead out, or to what nobody may read.
            if (resolved := self._rules.resolved(Path(match.path))) is None:
                raise BadData(f"{match.name} leads to where nothing may be read")
            self._read(of_file(resolved))
            with closing(opened(resolved)) as file:
                yield file

        yield from self._gathered(found, allowed)

    def rows(self, asset: Asset, location: Location) -> Iterator[bytes]:
        """What a query answers, as Parquet.

        Raises:
            NotFound, Refused, Unavailable, BadData: it answers nothing that can be one table.
        """
        from mlc.data import query, tables

        connection = self._one(location, SqlConnection)
        if (database := query.file_of(connection)) is not None:
            self._read(of_file(database))
        asked = query.Query(asset.query or "", asset.parameters, self._going, self._largest)
        with tempfile.TemporaryFile(prefix="mlc-query-") as file:
            tables.write(query.batches(location.connection, connection, asked), file, self._size)
            yield from _pieces(file)

    def writer(self, location: Location) -> PartsWriter:
        """Writes an output at a place of a store, in parts.

        Raises:
            Refused: there is no such connection.
        """
        store = self._store(location)
        address = f"{location.kind}+{location.connection}://{quote(location.path)}"
        kind = S3Parts if store.kind == "s3" else ObjectParts
        return kind(store, location.path, address)

    def places(self, location: Location) -> list[Place]:
        """Where what a store's or a host's address names really lies."""
        connection = self._connection(location)
        if isinstance(connection, HttpConnection):
            return of_address(f"{connection.endpoint}/{'/'.join(location.segments)}")
        if isinstance(connection, SqlConnection):
            return []
        return of_object(connection, location.path)

    def host(self, location: Location) -> tuple[str, httpx.Client]:
        """Address of a file at a host of a connection, and a client that tells the host who asks.

        The host is the operator's choice, and so are its addresses.
        """
        connection = self._one(location, HttpConnection)
        headers, account = {}, None
        if connection.token is not None:
            headers["Authorization"] = f"Bearer {connection.token.get_secret_value()}"
        elif connection.user is not None and connection.password is not None:
            account = httpx.BasicAuth(connection.user, connection.password.get_secret_value())
        client = httpx.Client(
            timeout=self._timeout, trust_env=False, headers=headers, auth=account, verify=certificates()
        )
        return f"{connection.endpoint}/{'/'.join(location.segments)}", client

    def _content(self, store: Store, path: str) -> Iterator[bytes]:
        return content(store, path, self._patience(), largest=self._size)

    def _gathered(
        self, found: list[Match], opened: Callable[[Match], AbstractContextManager[IO[bytes]]]
    ) -> Iterator[bytes]:
        from mlc.data.apart import gathered

        def going(size: int) -> None:
            self._size(size)
            self._going()

        with tempfile.TemporaryFile(prefix="mlc-gathered-") as file:
            gathered(found, opened, file, going)
            yield from _pieces(file)

    def _store(self, location: Location) -> Store:
        connection = self._connection(location)
        if isinstance(connection, S3Connection | GcsConnection | AzureConnection) and connection.kind == location.kind:
            return Store(location.connection, connection, self._timeout)
        raise ModelFailure(_other(location, connection))

    def _one(self, location: Location, kind: type[C]) -> C:
        connection = self._connection(location)
        if isinstance(connection, kind):
            return connection
        raise ModelFailure(_other(location, connection))

    def _connection(self, location: Location) -> Connection:
        connection = self._all().get(location.connection)
        if connection is None:
            raise ModelFailure(f"MLC_CONNECTIONS of this runtime has no connection {location.connection}: add it.")
        return connection

    def _all(self) -> Mapping[str, Connection]:
        try:
            return ConnectionSettings().by_name()
        except SettingsError as error:  # it says which connection and field, and never a value
            raise ModelFailure(f"The runtime's setting {error}.") from None


def _other(location: Location, connection: Connection) -> str:
    return f"The connection {location.connection} is of the kind {connection.kind}, and not {location.kind}."


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.flush()
    file.seek(0)
    yield from iter(lambda: file.read(1024**2), b"")
