"""How requests to the centre travel: httpx's client as everywhere, on aiohttp's connections, which cost a fifth.

Where a proxy stands between us and the centre httpx's own connections are used, since it knows the rules for those.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
import yarl

from mlc.center.certificates import certificates
from mlc.center.modelop.settings import CenterSettings

CONNECTIONS = 100
KEPT = 15.0
"""Seconds for which a connection that nobody uses is kept. Servers usually close theirs after a minute or more."""
_PIECE = 64 * 1024

_FAILURES: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    # In this order: what was certainly never sent comes first, and no other error is told as such.
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (OSError, httpx.ReadError),
)


def new_client(settings: CenterSettings) -> httpx.AsyncClient:
    """A client for the centre and its token endpoint; its owner closes it."""
    if _goes_by_proxy(settings):
        return httpx.AsyncClient(timeout=settings.timeout, verify=certificates())
    return httpx.AsyncClient(timeout=settings.timeout, transport=KeptConnections())


def _goes_by_proxy(settings: CenterSettings) -> bool:
    proxies = getproxies()
    if not any(proxies.get(scheme) for scheme in ("http", "https", "all")):
        return False
    hosts = [urlsplit(url).hostname or "" for url in (settings.url, settings.token_url) if url]
    return not all(proxy_bypass(host) for host in hosts)


class KeptConnections(httpx.AsyncBaseTransport):
    """One instance serves one event loop. Its connections are made in that loop, when the first request is sent."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See base class. No redirect is followed, nothing is unpacked, no cookie is kept: that is the client's."""
        timeouts = request.extensions.get("timeout", {})
        with _as_httpx():
            answer = await self._connected().request(
                request.method,
                _address(request.url),
                headers=request.headers.multi_items(),
                data=_body(request),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=timeouts.get("connect"),
                    sock_read=timeouts.get("read"),
                    connect=timeouts.get("pool"),
                ),
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Pieces(answer), request=request)

    async def aclose(self) -> None:
        """See base class."""
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEPT, ssl=certificates()),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
            )
        return self._session


class _Pieces(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for piece in self._answer.content.iter_chunked(_PIECE):
                yield piece

    async def aclose(self) -> None:
        self._answer.release()


def _address(url: httpx.URL) -> yarl.URL:
    """Without user and password: the client has made a header of them."""
    return yarl.URL(str(url.copy_with(userinfo=b"") if url.userinfo else url), encoded=True)


def _body(request: httpx.Request) -> bytes | AsyncIterator[bytes] | None:
    try:
        return request.content or None
    except httpx.RequestNotRead:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        return aiter(request.stream)


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        kind = next(mapped for known, mapped in _FAILURES if isinstance(error, known))
        raise kind(str(error)) from error
