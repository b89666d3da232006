"""Requests to ServiceNow through ``pysnow``: one client a thread, one resource a request, failures in our words."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import TypeAdapter

from mlc.model.failure import ExternalError, Refused
from mlc.ticketing import http_failure, waiting
from mlc.ticketing.answers import Answers, document
from mlc.ticketing.port import Attachment
from mlc.ticketing.servicenow import guest
from mlc.ticketing.servicenow.auth import CONNECT_TIMEOUT, SYSTEM, URL, Identity
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.wire import Row
from mlc.ticketing.transport import strict

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
        address = http_failure.address_of(SYSTEM, URL, settings.url)
        self._ssl = urlsplit(address).scheme == "https"
        self._host = address.partition("://")[2]
        self._timeout = (CONNECT_TIMEOUT, settings.timeout)
        self._identity = Identity(settings, address)
        self._answers = Answers(SYSTEM, URL, address, lambda: self._identity.secrets)
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
        waiting.make_sure(SYSTEM, doing)
        failure: ExternalError
        try:
            resource = self._client().resource(api_path=path, timeout=self._timeout)
            resource.parameters.display_value = "all"
            resource.parameters.exclude_reference_link = True
            resource.parameters.suppress_pagination_header = True
            return action(resource)
        except requests.exceptions.HTTPError as error:
            failure = self._failure(doing, error.response, write=write)
        except requests.exceptions.InvalidJSONError:
            failure = self._answers.unreadable(doing, write=write)
        except http_failure.NO_ANSWER as error:
            failure = http_failure.of_exception(SYSTEM, doing, error, write=write)
        except UnicodeEncodeError:
            failure = http_failure.unsendable(SYSTEM)
        except _misread():
            failure = self._answers.unreadable(doing, write=write)
        # Raised out here, where the original is no longer at hand: its request holds secrets, its answer pages.
        raise failure

    def _client(self) -> Any:
        client = getattr(self._threads, "client", None)
        if client is None:
            import pysnow  # late: half a second that a site without ServiceNow need not spend

            session = strict(_Strict())
            session.auth = self._identity.auth
            client = pysnow.Client(host=self._host, use_ssl=self._ssl, session=session)
            self._threads.client = client
        return client

    def _failure(self, doing: str, response: requests.Response, *, write: bool) -> ExternalError:
        to_a_guest = guest.is_to_a_guest(response)
        if guest.is_known_and_denied(response):
            return Refused(SYSTEM, str(self._answers.failure(doing, response, write=write)), status=403)
        if response.status_code == 401 or to_a_guest:
            self._identity.forget()
        if to_a_guest:
            return guest.failure(doing, response, write=write)
        return self._answers.failure(doing, response, write=write)


class _Strict(requests.Session):
    """Takes for a good answer only what is ServiceNow's JSON, and whole.

    A sleeping instance answers 200 with a page, a login page comes after a redirect, and a query that took too long
    leaves half a result with an error beside it: pysnow would take that for all there is. And what is answered to a
    guest shows nothing of ours, with 200 or with 404.
    """

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().request(*args, **kwargs)
        if guest.is_to_a_guest(response):
            raise requests.exceptions.HTTPError(response=response)
        try:
            body = document(response) if response.status_code // 100 == 2 else None
        except ValueError:
            body = None
        if not isinstance(body, dict) or "result" not in body or body.get("error") is not None:
            raise requests.exceptions.HTTPError(response=response)
        return response


def _misread() -> tuple[type[Exception], ...]:
    """What is raised when an answer came, and is not what was expected."""
    from pysnow.exceptions import PysnowException

    return (ValueError, RecursionError, PysnowException)
