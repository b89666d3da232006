"""Requests to ServiceNow through ``pysnow``: one client a thread, one resource a request, failures in our words."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import TypeAdapter

from mlc.model import retry_after
from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.ticketing import http_failure
from mlc.ticketing.port import Attachment
from mlc.ticketing.servicenow import guest
from mlc.ticketing.servicenow.auth import CONNECT_TIMEOUT, SYSTEM, Identity
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.wire import Row, messages

T = TypeVar("T")

_row = Row.model_validate
_rows = TypeAdapter(list[Row]).validate_python


@dataclass(frozen=True)
class Page:
    """Records that were asked for, and how many there are in all, those that we may not see among them."""

    rows: list[Row]
    total: int | None


class ServiceNowSession:
    """What the adapter needs of a connection. Every method raises ``mlc.model.failure``'s errors, nothing else.

    ``doing`` is what is done, to be put behind "when asked to". Queries must be made of safe characters alone
    (:func:`~mlc.ticketing.servicenow.text.safe`): ``pysnow`` passes on whatever it gets, ``^`` and ``=`` too.
    """

    def __init__(self, settings: ServiceNowSettings) -> None:
        parts = urlsplit(settings.url or "")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Refused(SYSTEM, "No address of ServiceNow is set: set MLC_SERVICENOW_URL", status=400)
        self._host = (parts.netloc + parts.path).rstrip("/")
        self._ssl = parts.scheme == "https"
        self._timeout = (CONNECT_TIMEOUT, settings.timeout)
        self._identity = Identity(settings, f"{parts.scheme}://{self._host}")
        self._threads = threading.local()

    def rows(
        self, doing: str, path: str, query: str, fields: Sequence[str], *, limit: int = 100, offset: int = 0
    ) -> Page:
        """Records that match an encoded query. Beware: ServiceNow ignores a condition on a field that is not there."""

        def ask(resource: Any) -> Page:
            response = resource.get(query=query, fields=list(fields), limit=limit, offset=offset)
            total = response.headers.get("X-Total-Count", "")
            return Page(_rows(response.all()), int(total) if total.isdecimal() else None)

        return self._call(doing, path, ask)

    def row(self, doing: str, table: str, sys_id: str, fields: Sequence[str]) -> Row:
        """One record.

        Raises:
            NotFound: there is none, or we may not see it.
        """

        def ask(resource: Any) -> Row:
            resource.parameters.fields = list(fields)
            return _row(resource.request("GET", path_append=f"/{sys_id}").one())

        return self._call(doing, f"/table/{table}", ask)

    def create(self, doing: str, table: str, values: Mapping[str, str], fields: Sequence[str]) -> Row:
        """Make a record with exactly one POST; what it then holds."""

        def ask(resource: Any) -> Row:
            resource.parameters.fields = list(fields)
            # one() is what raises: until then pysnow takes a refusal for an answer.
            return _row(resource.create(dict(values)).one())

        return self._call(doing, f"/table/{table}", ask, write=True)

    def change(self, doing: str, table: str, sys_id: str, values: Mapping[str, str], fields: Sequence[str]) -> Row:
        """Change some fields; what the record then holds. (pysnow's own update reads first, and sends a PUT.)"""

        def ask(resource: Any) -> Row:
            resource.parameters.fields = list(fields)
            return _row(resource.request("PATCH", path_append=f"/{sys_id}", data=json.dumps(dict(values))).one())

        return self._call(doing, f"/table/{table}", ask, write=True)

    def upload(self, doing: str, table: str, sys_id: str, attachment: Attachment) -> None:
        """Attach a file. (pysnow's own upload wants it on disk.)"""

        def ask(resource: Any) -> None:
            place = {"table_name": table, "table_sys_id": sys_id, "file_name": attachment.name}
            resource.parameters.add_custom(place)
            headers = {"Content-Type": attachment.content_type}
            resource.request("POST", path_append="/file", headers=headers, data=attachment.content).one()

        self._call(doing, "/attachment", ask, write=True)

    def _call(self, doing: str, path: str, action: Callable[[Any], T], *, write: bool = False) -> T:
        """Do something with a resource of this thread's client, new for each request: they keep their parameters."""
        self._identity.prepare()
        failure: ExternalError
        try:
            resource = self._client().resource(api_path=path, timeout=self._timeout)
            resource.parameters.display_value = "all"
            resource.parameters.exclude_reference_link = True
            resource.parameters.suppress_pagination_header = True
            return action(resource)
        except requests.exceptions.HTTPError as error:
            failure = self._refusal(doing, error.response, write=write)
        except requests.exceptions.JSONDecodeError:
            failure = _unreadable(doing, write=write)
        except requests.exceptions.RequestException as error:
            failure = http_failure.of_exception(SYSTEM, doing, error, write=write)
        except _misread():
            failure = _unreadable(doing, write=write)
        # Raised out here, where the original is no longer at hand: its request holds secrets, its answer pages.
        raise failure

    def _client(self) -> Any:
        client = getattr(self._threads, "client", None)
        if client is None:
            import pysnow  # late: half a second that a site without ServiceNow need not spend

            session = _Strict()
            session.auth = self._identity.auth
            client = pysnow.Client(host=self._host, use_ssl=self._ssl, session=session)
            self._threads.client = client
        return client

    def _refusal(self, doing: str, response: requests.Response, *, write: bool) -> ExternalError:
        if response.status_code == 401 or guest.is_to_a_guest(response):
            self._identity.forget()
        if guest.is_to_a_guest(response):
            return guest.failure(doing, response, write=write)
        try:
            body = response.json()
        except ValueError:
            body = None
        wait = retry_after.decode(response.headers.get(retry_after.NAME))
        said = http_failure.shortened(messages(body), self._identity.secrets)
        return http_failure.of_status(SYSTEM, doing, response.status_code, said=said, wait=wait, write=write)


class _Strict(requests.Session):
    """Takes for a good answer only what is ServiceNow's JSON, and whole.

    A sleeping instance answers 200 with a page, a login page comes after a redirect, and a query that took too long
    leaves half a result with an error beside it: pysnow would take that for all there is. And what is answered to a
    guest shows nothing of ours, with 200 or with 404.
    """

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().request(*args, **kwargs | {"allow_redirects": False})
        if guest.is_to_a_guest(response):
            raise requests.exceptions.HTTPError(response=response)
        if response.status_code < 400:
            body = response.json() if response.status_code < 300 else None
            if not isinstance(body, dict) or "result" not in body or "error" in body:
                raise ValueError("not an answer of ServiceNow")
        return response


def _misread() -> tuple[type[Exception], ...]:
    """What is raised when an answer came, and is not what was expected."""
    from pysnow.exceptions import PysnowException

    return (ValueError, PysnowException)


def _unreadable(doing: str, *, write: bool) -> Unavailable:
    said = f"{SYSTEM} sent an unreadable answer when asked to {doing}: "
    hint = "is MLC_SERVICENOW_URL right, is the instance awake, or is a page in between?"
    return Unavailable(SYSTEM, said + hint, maybe_done=write)
