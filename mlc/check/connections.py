"""The named connections, each tried with what it may be used for; nothing is written anywhere."""

import asyncio
from collections.abc import AsyncIterator

from mlc.connections import ConnectionSettings
from mlc.model.connection import Connection, HttpConnection, SqlConnection
from mlc.model.failure import ExternalError, NotFound
from mlc.model.finding import Finding, good, unchecked, warning, wrong
from mlc.model.location import Location
from mlc.model.places import READ, WRITE, stores_of
from mlc.settings import FileSettings

TIMEOUT = 10.0
"""Seconds of silence after which a connection has failed."""
_BAD_ANSWERS = frozenset({401, 403})


async def check_connections() -> AsyncIterator[Finding]:
    """Findings about every connection of ``MLC_CONNECTIONS``, and about places of connections that there are not."""
    connections, files = ConnectionSettings().by_name(), FileSettings()
    places = [(READ, place) for place in stores_of(files.read)] + [(WRITE, place) for place in stores_of(files.write)]
    for setting, place in places:
        known = connections.get(place.connection)
        if known is None:
            yield wrong(f"{setting} names the connection {place.connection}", "MLC_CONNECTIONS has none of that name.")
        elif known.kind != place.kind:
            yield wrong(f"{setting} has {place.connection} as {place.kind}", f"MLC_CONNECTIONS says {known.kind}.")
    for name, connection in connections.items():
        own = list(dict.fromkeys(place for _, place in places if place.connection == name))
        if not own:
            remedy = f"add what of it may be used to {READ} or {WRITE}."
            yield warning(f"The connection {name} ({connection.kind}) is used for nothing", remedy)
        for found in await asyncio.to_thread(_tried, name, connection, own):
            yield found


def _tried(name: str, connection: Connection, places: list[Location]) -> list[Finding]:
    what = f"The connection {name} ({connection.kind})"
    try:
        match connection:
            case SqlConnection():
                _query(name, connection)
                return [good(f"{what} answers a query")]
            case HttpConnection():
                return [_asked(what, connection)]
        if not places:
            return [unchecked(f"{what} was not tried", "what it may be asked for is not known.")]
        return [_listed(name, connection, place) for place in places]
    except ExternalError as error:
        return [wrong(f"{what} can't be used", str(error))]


def _query(name: str, connection: SqlConnection) -> None:
    from mlc.data.query import Query, batches

    limited = connection.model_copy(update={"time_limit": min(connection.time_limit, TIMEOUT)})
    for _ in batches(name, limited, Query("SELECT 1 AS answer")):
        pass


def _listed(name: str, connection: Connection, place: Location) -> Finding:
    from mlc.data.stores import Store

    assert not isinstance(connection, SqlConnection | HttpConnection)
    shown = f"{place.kind}+{name}://{place.path}"
    try:
        Store(name, connection, TIMEOUT).names(place.path.rstrip("/"))
    except NotFound:
        return warning(f"There is nothing at {shown}", "is the bucket right? An empty place is seen as none.")
    return good(f"{shown} can be listed; whether it may be written to is not seen")


def _asked(what: str, connection: HttpConnection) -> Finding:
    import httpx

    from mlc.center.certificates import certificates

    secret = connection.token or connection.password
    assert secret is not None
    headers = {"Authorization": f"Bearer {secret.get_secret_value()}"} if connection.token else {}
    account = httpx.BasicAuth(connection.user, secret.get_secret_value()) if connection.user else httpx.Auth()
    try:
        with httpx.Client(timeout=TIMEOUT, trust_env=False, verify=certificates()) as client:
            status = client.head(connection.endpoint, headers=headers, auth=account).status_code
    except httpx.HTTPError as error:
        return wrong(f"{what} can't be used", f"its host can't be reached ({type(error).__name__}).")
    if status in _BAD_ANSWERS:
        return wrong(f"{what} can't be used", f"its host answers {status}: is its token, or account, right?")
    return good(f"{what} answers ({status})")
