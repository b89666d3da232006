"""Requests to Jira through the ``jira`` package: one client a thread, no hidden retries, failures in our words."""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
from jira import JIRA, JIRAError

from mlc.model import retry_after
from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.ticketing import http_failure
from mlc.ticketing.jira import anonymous
from mlc.ticketing.jira.settings import JiraSettings

SYSTEM = "Jira"
CONNECT_TIMEOUT = 3.05

T = TypeVar("T")


class JiraSession:
    """What the adapter needs of a connection. Every method raises ``mlc.model.failure``'s errors, nothing else.

    An answer that was given anonymously is an error, whatever its status.

    The package's own retries are off: they would POST a ticket again after a dropped connection. It is also kept from
    asking ``serverInfo`` (it would choose its search by it) and from logging (it logs whole bodies).
    """

    def __init__(self, settings: JiraSettings) -> None:
        if not settings.url:
            raise Refused(SYSTEM, "No address of Jira is set: set MLC_JIRA_URL", status=400)
        self._settings = settings
        self._url = settings.url
        self._token = settings.token.get_secret_value() if settings.token else ""
        self._threads = threading.local()
        basic = base64.b64encode(f"{settings.user}:{self._token}".encode()).decode()
        self._secrets = [self._token, basic] if self._token else []

    @property
    def cloud(self) -> bool:
        return self._settings.deployment == "cloud"

    def get(self, doing: str, path: str, read: Callable[[Any], T], **params: Any) -> T:
        """Ask for JSON; ``read`` makes something of it (``ValueError``: it is not what Jira would answer)."""
        return self.call(doing, lambda client: read(client._session.get(client._get_url(path), params=params).json()))

    def post(self, doing: str, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """Write JSON with exactly one POST; ``read`` gets the answer (None if it is empty)."""

        def send(client: JIRA) -> T:
            response = client._session.post(client._get_url(path), data=json.dumps(body))
            return read(response.json() if response.content else None)

        return self.call(doing, send, write=True)

    def call(self, doing: str, action: Callable[[JIRA], T], *, write: bool = False) -> T:
        """Do something with this thread's client.

        Args:
            doing: what it does, to be put behind "when asked to".
            action: makes the request and reads the answer.
            write: it changes something, so that a lost answer leaves it in doubt.
        """
        failure: ExternalError | None = None
        self._threads.anonymous = None
        try:
            result = action(self._client())
        except JIRAError as error:
            failure = self._refusal(doing, error, write=write)
        except requests.exceptions.JSONDecodeError:
            failure = _not_jira(doing, write=write)
        except requests.exceptions.RequestException as error:
            failure = http_failure.of_exception(SYSTEM, doing, error, write=write)
        except ValueError:
            failure = _not_jira(doing, write=write)
        if self._threads.anonymous is not None:
            failure = anonymous.failure(SYSTEM, doing, self._threads.anonymous, write=write)
            self._threads.anonymous = None
        if failure is None:
            return result
        # Raised out here, where the original is no longer at hand: its text and its request hold secrets and pages.
        raise failure

    def _client(self) -> JIRA:
        client: JIRA | None = getattr(self._threads, "client", None)
        if client is None:
            client = self._threads.client = self._connect()
        return client

    def _connect(self) -> JIRA:
        settings = self._settings
        auth: dict[str, Any] = {}
        if settings.user:
            auth["basic_auth"] = (settings.user, self._token)
        elif self._token:
            auth["token_auth"] = self._token
        client = JIRA(
            server=self._url,
            options={"rest_api_version": "2"},
            max_retries=0,
            timeout=(CONNECT_TIMEOUT, settings.timeout),
            get_server_info=False,
            logging=False,
            **auth,
        )
        client.deploymentType = "Cloud" if self.cloud else "Server"
        client._session.hooks["response"].append(self._look_for_whom)
        return client

    def _look_for_whom(self, response: requests.Response, **_: Any) -> None:
        if anonymous.is_anonymous(response):
            self._threads.anonymous = response

    def _refusal(self, doing: str, error: JIRAError, *, write: bool) -> ExternalError:
        response = error.response
        if response is None:
            return _not_jira(doing, write=write)
        wait = retry_after.decode(response.headers.get(retry_after.NAME))
        said = http_failure.shortened(_messages(response), self._secrets)
        return http_failure.of_status(SYSTEM, doing, response.status_code, said=said, wait=wait, write=write)


def _not_jira(doing: str, *, write: bool) -> Unavailable:
    sentence = f"{SYSTEM} sent an unreadable answer when asked to {doing}: is MLC_JIRA_URL right, or a page in between?"
    return Unavailable(SYSTEM, sentence, maybe_done=write)


def _messages(response: requests.Response) -> list[str]:
    """Jira's own error messages; nothing of an answer that isn't Jira's (a proxy's page, say)."""
    try:
        body = response.json()
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    messages, errors = body.get("errorMessages"), body.get("errors")
    said = [str(message) for message in messages] if isinstance(messages, list) else []
    if isinstance(errors, dict):
        said += [f"{field}: {text}" for field, text in errors.items()]
    return said
