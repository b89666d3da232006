"""Requests to Jira through the ``jira`` package: one client a thread, no hidden retries, failures in our words."""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import requests
from jira import JIRA

from mlc.model.failure import ExternalError
from mlc.ticketing import http_failure, waiting
from mlc.ticketing.answers import Answers, document
from mlc.ticketing.jira import anonymous
from mlc.ticketing.jira.denied import denial
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.port import Attachment
from mlc.ticketing.transport import strict

SYSTEM = "Jira"
CONNECT_TIMEOUT = 3.05

T = TypeVar("T")


class JiraSession:
    """What the adapter needs of a connection. Every method raises ``mlc.model.failure``'s errors, nothing else.

    An answer that was given anonymously is an error, whatever its status.

    The package's own retries are off: they would POST a ticket again after a dropped connection. It is also kept from
    asking ``serverInfo`` (it would choose its search by it), from logging (it logs whole bodies), from following
    redirects (a POST would become a GET) and from reading errors (a null among the messages would end it).
    """

    def __init__(self, settings: JiraSettings) -> None:
        self._settings = settings
        self._url = http_failure.address_of(SYSTEM, "MLC_JIRA_URL", settings.url)
        self._token = settings.token.get_secret_value() if settings.token else ""
        self._threads = threading.local()
        basic = base64.b64encode(f"{settings.user}:{self._token}".encode()).decode()
        secrets = [self._token, basic] if self._token else []
        self._answers = Answers(SYSTEM, "MLC_JIRA_URL", self._url, lambda: secrets)

    @property
    def cloud(self) -> bool:
        return self._settings.deployment == "cloud"

    def get(self, doing: str, path: str, read: Callable[[Any], T], **params: Any) -> T:
        """Ask for JSON; ``read`` makes something of it (``ValueError``: it is not what Jira would answer)."""
        return self._ask(doing, "GET", path, read, params=params)

    def post(self, doing: str, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """Write JSON with exactly one POST; ``read`` gets the answer (None if it is empty)."""
        return self._ask(doing, "POST", path, read, data=json.dumps(body))

    def upload(self, doing: str, path: str, attachment: Attachment, read: Callable[[Any], T]) -> T:
        """The same with a file. (The package's own upload takes an empty file for a failure.)"""
        files = {"file": (attachment.name, attachment.content, attachment.content_type)}
        headers = {"Content-Type": None, "X-Atlassian-Token": "no-check"}
        return self._ask(doing, "POST", path, read, files=files, headers=headers)

    def _ask(self, doing: str, method: str, path: str, read: Callable[[Any], T], **sent: Any) -> T:
        """One request.

        Args:
            doing: what it does, to be put behind "when asked to".
        """
        waiting.make_sure(SYSTEM, doing)
        write = method != "GET"
        failure: ExternalError
        try:
            client = self._client()
            timeout = client._session.timeout
            # Not the session's own method, which reads errors in its way.
            response = requests.Session.request(client._session, method, client._get_url(path), timeout=timeout, **sent)
        except http_failure.NO_ANSWER as error:
            failure = http_failure.of_exception(SYSTEM, doing, error, write=write)
        except ValueError:
            failure = http_failure.unsendable(SYSTEM)
        else:
            if anonymous.is_anonymous(response):
                failure = anonymous.failure(SYSTEM, doing, response, write=write)
            else:
                if response.status_code // 100 == 2:
                    with suppress(ValueError):
                        return read(document(response))
                failure = self._answers.failure(doing, response, write=write, denial=denial(response))
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
        strict(client._session)
        return client
