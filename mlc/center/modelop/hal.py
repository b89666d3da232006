"""model-manage's manner of speaking: one request in JSON, and HAL listings page by page."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from mlc.center.modelop.answers import garbled, outage, refusal
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.token import TokenProvider

JsonObject = dict[str, Any]


class Hal:
    """Sends requests and returns JSON objects; raises :mod:`mlc.model.failure`'s errors, nothing else."""

    def __init__(self, settings: CenterSettings, http: httpx.AsyncClient) -> None:
        self._base = settings.url.rstrip("/")
        self._page_size = settings.page_size
        self._http = http
        self._tokens = TokenProvider(settings, http)

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> JsonObject:
        """A JSON object; the empty path is the root, which names the collections."""
        return _object(await self._send("GET", path, params=params), f"GET {path}", write=False)

    async def post(self, plural: str, body: JsonObject) -> JsonObject:
        """Create an entity: one POST. An answer that only says where it is now is followed there."""
        response = await self._send("POST", plural, body=body)
        place = response.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        if not response.content and place:
            return await self.get(f"{plural}/{place}")
        return _object(response, f"POST {plural}", write=True)

    async def patch(self, path: str, changes: JsonObject) -> JsonObject:
        response = await self._send("PATCH", path, body=changes)
        if not response.content:
            return await self.get(path)
        return _object(response, f"PATCH {path}", write=True)

    async def pages(
        self, path: str, params: Mapping[str, str | int], *, limit: int | None = None
    ) -> AsyncIterator[list[JsonObject]]:
        """The items of a listing or finder, a page at a time; ``limit`` is how many will be looked at."""
        size = min(limit or self._page_size, self._page_size)
        number, total = 0, 1
        while number < total:
            answer = await self.get(path, {**params, "page": number, "size": size})
            items = _items(answer)
            if not items:
                return
            yield items
            number, total = number + 1, _total_pages(answer)

    async def _send(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, body: JsonObject | None = None
    ) -> httpx.Response:
        asked, write = f"{method} {path or '/'}", method != "GET"
        token = await self._tokens.get()
        response = await self._once(method, path, params, body, token)
        if response.status_code == 401 and self._tokens.renewable:
            # A token may be revoked before it expires. A 401 means that nothing was done, so asking again is safe.
            self._tokens.drop(token)
            token = await self._tokens.get()
            response = await self._once(method, path, params, body, token)
        if response.is_success:
            return response
        raise refusal(response, asked, write=write, secret=token or "")

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: JsonObject | None,
        token: str | None,
    ) -> httpx.Response:
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            url = f"{self._base}/{path}".rstrip("/")
            return await self._http.request(method, url, params=params, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise outage(
                error, f"{method} {path or '/'}", self._base, "MLC_CENTER_URL", write=method != "GET"
            ) from error


def _object(response: httpx.Response, asked: str, *, write: bool) -> JsonObject:
    try:
        body = response.json()
    except ValueError as error:
        raise garbled(asked, "not with JSON", write=write, status=response.status_code) from error
    if not isinstance(body, dict):
        raise garbled(asked, "not with a JSON object", write=write, status=response.status_code)
    return body


def _items(answer: JsonObject) -> list[JsonObject]:
    """The entities of a HAL listing. Jobs and notifications come under a key for each of their subtypes."""
    embedded = answer.get("_embedded")
    if isinstance(embedded, dict):
        return [item for items in embedded.values() if isinstance(items, list) for item in items]
    return [answer] if "id" in answer else []  # a finder for at most one entity answers with it alone


def _total_pages(answer: JsonObject) -> int:
    page = answer.get("page")
    total = page.get("totalPages") if isinstance(page, dict) else None
    return total if isinstance(total, int) else 1
