"""A person's browser at the board."""

import re

import httpx
from desk_harness import RunningDesk


class Browser:
    """A browser: keeps cookies, fills in the form of the page that it is on, follows redirects."""

    def __init__(self, desk: RunningDesk) -> None:
        self.http = httpx.Client(base_url=desk.url, trust_env=False, follow_redirects=True)

    def open(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, page: str, **values: str) -> httpx.Response:
        key = re.search(r'name="form_key" value="([^"]+)"', page)
        assert key is not None
        version = re.search(r'name="version" value="([^"]+)"', page)
        assert version
        form = {"form_key": key[1], "version": version[1], "name": "Ada", "expiration": ""}
        return self.http.post(path, data=form | values)

    def button(self, page: str, text: str) -> str:
        """What a button sends that says ``text``, whatever its status is called."""
        found = re.search(rf'name="to" value="([\w-]*)"[^>]*>{text}(?: <small>[^<]*</small>)?</button>', page)
        assert found is not None, text
        return found[1]
