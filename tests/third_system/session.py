from collections.abc import Callable
from typing import Any, TypeVar

import requests

from mlc.model import retry_after
from mlc.model.failure import ExternalError, Unavailable
from mlc.ticketing import http_failure
from third_system.settings import TrackerSettings

SYSTEM = "Tracker"
T = TypeVar("T")


class TrackerSession:
    def __init__(self, settings: TrackerSettings) -> None:
        self._url = f"{settings.url}/api"
        self._token = settings.token.get_secret_value() if settings.token else ""
        self._timeout = settings.timeout

    def call(self, doing: str, method: str, path: str, read: Callable[[Any], T], **how: Any) -> T:
        write = method != "GET"
        failure: ExternalError
        try:
            with requests.Session() as session:
                session.headers["Authorization"] = f"Bearer {self._token}"
                answer = session.request(method, self._url + path, timeout=self._timeout, **how)
            if answer.ok and not answer.is_redirect and answer.status_code < 300:
                return read(answer.json() if answer.content else None)
            failure = self._refusal(doing, answer, write)
        except requests.exceptions.JSONDecodeError:
            failure = _unreadable(doing, write)
        except requests.exceptions.RequestException as error:
            failure = http_failure.of_exception(SYSTEM, doing, error, write=write)
        except ValueError:
            failure = _unreadable(doing, write)
        raise failure

    def _refusal(self, doing: str, answer: requests.Response, write: bool) -> ExternalError:
        try:
            said = answer.json()["error"]
        except (ValueError, LookupError, TypeError):
            said = ""
        wait = retry_after.decode(answer.headers.get(retry_after.NAME))
        said = http_failure.shortened([str(said)], [self._token])
        return http_failure.of_status(SYSTEM, doing, answer.status_code, said=said, wait=wait, write=write)


def _unreadable(doing: str, write: bool) -> Unavailable:
    return Unavailable(SYSTEM, f"{SYSTEM} sent an unreadable answer when asked to {doing}", maybe_done=write)
