"""model-manage's manner of speaking: one request in JSON, and HAL listings page by page."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx

from mlc.center.modelop.answers import SYSTEM, garbled, outage, refusal
from mlc.center.modelop.body import Body
from mlc.center.modelop.scan import NotJson, Scanner, Sink, TooMuch
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.spool import Dropped, Spools
from mlc.center.modelop.token import TokenProvider
from mlc.model import retry_after
from mlc.model.failure import TooLarge, Unavailable

JsonObject = dict[str, Any]
CONTENTS, REFERENCE = "MLC-Contents", "reference"
"""The header, and its value, that asks a centre to leave out what files contain: they are fetched by themselves."""
_BATCH = 1024 * 1024
"""Bytes of an answer that are taken at once, on a thread."""
_LONGEST_ERROR = 64 * 1024
"""Bytes of an error's body: nobody reads more."""


class Answer(NamedTuple):
    """A success: where its ``Location`` leads, and its body if it has one. ``problem`` says why that can't be used."""

    status: int
    location: str
    empty: bool
    document: Any = None
    problem: str = ""
    too_large: bool = False


class _Question(NamedTuple):
    method: str
    path: str
    params: Mapping[str, str | int] | None
    body: Body | None
    into: Sink | None

    @property
    def asked(self) -> str:
        return f"{self.method} {self.path or '/'}"

    @property
    def write(self) -> bool:
        return self.method != "GET"


class Hal:
    """Sends requests and returns JSON objects; raises :mod:`mlc.model.failure`'s errors, nothing else.

    Args:
        spools: contents of files are not in memory, but there; None: they are where they stand in the JSON.

    Attributes:
        base: address of model-manage.
    """

    def __init__(
        self, settings: CenterSettings, http: httpx.AsyncClient, tokens: TokenProvider, spools: Spools | None = None
    ) -> None:
        self.base = settings.url.rstrip("/")
        self._page_size = settings.page_size
        self._limit = settings.answer_limit
        self._http = http
        self._headers = {"Accept": "application/json"}
        if settings.contents == REFERENCE:
            self._headers[CONTENTS] = REFERENCE
        self._spools = spools
        self._tokens = tokens

    async def get(
        self, path: str, params: Mapping[str, str | int] | None = None, *, into: Sink | None = None
    ) -> JsonObject:
        """A JSON object; the empty path is the root, which names the collections.

        ``into`` is where contents of files go; without it they are dropped.
        """
        return self._object(await self._send("GET", path, params=params, into=into), f"GET {path}", write=False)

    @asynccontextmanager
    async def streamed(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """The answer to a GET, whatever its status, whose body is not read yet. Raises what httpx raises, too."""
        token = await self._tokens.get()
        request = self._http.build_request("GET", f"{self.base}/{path}", headers={**headers, **_bearer(token)})
        response = await self._http.send(request, stream=True)
        try:
            if response.status_code == HTTPStatus.UNAUTHORIZED and self._tokens.renewable:
                await response.aclose()
                self._tokens.drop(token)
                request.headers.update(_bearer(await self._tokens.get()))
                response = await self._http.send(request, stream=True)
            yield response
        finally:
            await response.aclose()

    async def page(self, path: str, params: Mapping[str, str | int]) -> JsonObject:
        """A page of a listing.

        Raises:
            Garbled: the answer is none. To take that for nothing would have what is there made again.
        """
        answer = await self.get(path, params)
        if problem := _no_listing(answer):
            raise garbled(f"GET {path}", problem, write=False, status=HTTPStatus.OK)
        return answer

    async def post(self, plural: str, body: JsonObject, params: Mapping[str, str | int] | None = None) -> JsonObject:
        """Create an entity: one POST. An answer that only says where it is now is followed there."""
        answer = await self._send("POST", plural, params=params, body=body)
        place = answer.location.rstrip("/").rpartition("/")[2]
        if answer.empty and place:
            return await self.get(f"{plural}/{place}")
        return self._object(answer, f"POST {plural}", write=True)

    async def patch(self, path: str, changes: JsonObject, params: Mapping[str, str | int] | None = None) -> JsonObject:
        answer = await self._send("PATCH", path, params=params, body=changes)
        if answer.empty:
            return await self.get(path)
        return self._object(answer, f"PATCH {path}", write=True)

    async def delete(self, path: str, params: Mapping[str, str | int]) -> JsonObject:
        """Delete, where the answer says what there was."""
        return self._object(await self._send("DELETE", path, params=params), f"DELETE {path}", write=True)

    async def pages(
        self, path: str, params: Mapping[str, str | int], *, limit: int | None = None
    ) -> AsyncIterator[list[JsonObject]]:
        """The items of a listing or finder, a page at a time; ``limit`` is how many will be looked at.

        Items may come twice: a page that is too large for memory is asked for in smaller ones, from the beginning.
        """
        size = min(limit or self._page_size, self._page_size)
        number, total = 0, 1
        while number < total:
            try:
                answer = await self.page(path, {**params, "page": number, "size": size})
            except TooLarge:
                if size == 1:
                    raise
                number, total, size = 0, 1, size // 2
                continue
            items = _items(answer)
            if not items:
                return
            yield items
            number, total = number + 1, _total_pages(answer)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: JsonObject | None = None,
        into: Sink | None = None,
    ) -> Answer:
        sent = None if body is None else Body(body, self._spools or Spools())
        question = _Question(method, path, params, sent, into)
        token = await self._tokens.get()
        answer = await self._once(question, token)
        if isinstance(answer, httpx.Response) and answer.status_code == 401 and self._tokens.renewable:
            # A token may be revoked before it expires. A 401 means that nothing was done, so asking again is safe.
            self._tokens.drop(token)
            token = await self._tokens.get()
            answer = await self._once(question, token)
        if isinstance(answer, httpx.Response):
            raise refusal(answer, question.asked, self.base, write=question.write, secret=token or "")
        return answer

    async def _once(self, question: _Question, token: str | None) -> Answer | httpx.Response:
        """A success, or the answer that is none."""
        body = question.body
        headers = self._headers | _bearer(token)
        content: Any = None
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(body.length)}
            content = body.plain if body.plain is not None else body.stream()
        try:
            async with self._http.stream(
                question.method,
                f"{self.base}/{question.path}".rstrip("/"),
                params=question.params,
                content=content,
                headers=headers,
            ) as response:
                return await self._read(response, question.into) if response.is_success else await _error(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise outage(error, question.asked, self.base, "MLC_CENTER_URL", write=question.write) from error

    async def _read(self, response: httpx.Response, into: Sink | None) -> Answer:
        scanner = Scanner() if self._spools is None else Scanner(into or Dropped(), self._limit)
        batch, size, total = list[bytes](), 0, 0
        found = Answer(response.status_code, response.headers.get("Location", ""), empty=False)
        try:
            async for chunk in response.aiter_bytes():
                batch.append(chunk)
                size, total = size + len(chunk), total + len(chunk)
                if size >= _BATCH:
                    await asyncio.to_thread(scanner.feed, b"".join(batch))
                    batch, size = [], 0
            if not total:
                return found._replace(empty=True)
            document = await (
                asyncio.to_thread(_parsed, scanner, b"".join(batch))
                if total > _BATCH
                else _at_once(scanner, b"".join(batch))
            )
        except TooMuch:
            return found._replace(too_large=True)
        except NotJson as error:
            return found._replace(problem=f"not with JSON: {error}")
        except (ValueError, RecursionError):
            return found._replace(problem="not with JSON")
        if not isinstance(document, dict):
            return found._replace(problem="not with a JSON object")
        return found._replace(document=document)

    def _object(self, answer: Answer, asked: str, *, write: bool) -> JsonObject:
        if answer.too_large:
            text = (
                f"{asked} was answered with more than {self._limit} bytes, not counting the contents of files; "
                "raise MLC_CENTER_ANSWER_LIMIT."
            )
            raise Unavailable(SYSTEM, text, maybe_done=True) if write else TooLarge(SYSTEM, text)
        if answer.empty or answer.problem:
            raise garbled(asked, answer.problem or "not with JSON", write=write, status=answer.status)
        document: JsonObject = answer.document
        return document


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _parsed(scanner: Scanner, last: bytes) -> Any:
    scanner.feed(last)
    return json.loads(scanner.close())


async def _at_once(scanner: Scanner, whole: bytes) -> Any:
    return json.loads(scanner.whole(whole))


async def _error(response: httpx.Response) -> httpx.Response:
    """An answer that is no success, with the beginning of what it says."""
    text = bytearray()
    async for chunk in response.aiter_bytes():
        text += chunk
        if len(text) >= _LONGEST_ERROR:
            break
    told = {
        name: response.headers[name]
        for name in ("Content-Type", retry_after.NAME, "Location")
        if name in response.headers
    }
    return httpx.Response(response.status_code, headers=told, content=bytes(text[:_LONGEST_ERROR]))


def _no_listing(answer: JsonObject) -> str:
    """Why it is no HAL listing; empty if it is one. Without ``_embedded`` an empty one still says where it is."""
    embedded = answer.get("_embedded")
    if embedded is None:
        known = "id" in answer or any(isinstance(answer.get(part), dict) for part in ("page", "_links"))
        return "" if known else "not with a listing"
    lists = isinstance(embedded, dict) and all(each is None or isinstance(each, list) for each in embedded.values())
    if not lists or not all(isinstance(item, dict) for item in _items(answer)):
        return "what its _embedded holds are no lists of objects"
    return ""


def _items(answer: JsonObject) -> list[JsonObject]:
    """The entities of a HAL listing. Jobs and notifications come under a key for each of their subtypes."""
    embedded = answer.get("_embedded")
    if embedded is None:
        return [answer] if "id" in answer else []  # a finder for at most one entity answers with it alone
    return [item for each in embedded.values() if each is not None for item in each]


def _total_pages(answer: JsonObject) -> int:
    page = answer.get("page")
    total = page.get("totalPages") if isinstance(page, dict) else None
    return total if isinstance(total, int) else 1
