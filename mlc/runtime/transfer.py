"""Files over HTTP: one request each, to the address that was allowed and no other, tried again where that may help."""

from collections.abc import Callable, Iterator, Sequence

import httpx

from mlc.center.certificates import certificates
from mlc.model.failure import MlcError
from mlc.model.hosts import Hosts
from mlc.runtime.connecting import AddressRefused, CheckedTransport

CHUNK = 1024**2
PAUSES = (1.0, 5.0)
"""Seconds before another try, if a host can't be reached or is busy."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class NotTransferred(MlcError):
    """A file can't be transferred. The text is the reason, and names no address."""


class _Busy(AddressRefused):
    """A host that may answer otherwise later."""


def client(hosts: Hosts, timeout: float) -> httpx.Client:
    """What speaks with these hosts alone; ``timeout`` in seconds."""
    return httpx.Client(timeout=timeout, trust_env=False, transport=CheckedTransport(hosts, certificates()))


def download(asking: httpx.Client, url: str, copy: Callable[[int, Iterator[bytes]], None]) -> None:
    """Hand over how many bytes are said to come, or 0, and what comes.

    Raises:
        AddressRefused, httpx.HTTPError: it can't be had.
    """
    with asking, asking.stream("GET", url) as response:
        _check_answer(response)
        copy(int(response.headers.get("Content-Length", "0")), response.iter_bytes(CHUNK))


def upload(asking: httpx.Client, url: str, content: Iterator[bytes], size: int) -> None:
    """Send so many bytes.

    Raises:
        AddressRefused, httpx.HTTPError: they aren't taken.
    """
    # With its length, since stores such as S3's refuse a body that is sent in chunks.
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    with asking:
        _check_answer(asking.put(url, content=content, headers=headers))


def patiently(transfer: Callable[[], None], pauses: Sequence[float], wait: Callable[[float], bool]) -> bool:
    """Try a transfer, and again after a while where its host can't be reached or is busy.

    Args:
        pauses: seconds before another try.
        wait: waits so many seconds; whether to give up then.

    Returns:
        Whether it was done, and not given up.

    Raises:
        NotTransferred: it can't be done.
    """
    for pause in (*pauses, None):
        try:
            transfer()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, AddressRefused) as error:
            # Neither httpx's texts nor ours name the address.
            if pause is None or not isinstance(error, httpx.TransportError | _Busy):
                raise NotTransferred(_reason(error)) from None
        else:
            return True
        if wait(pause):
            return False
    return True


def _check_answer(response: httpx.Response) -> None:
    if response.is_redirect:
        raise AddressRefused("its host sends callers on to another address, which is not followed: give that address")
    if response.status_code in BUSY:
        raise _Busy(f"its host answered {response.status_code}")
    if not response.is_success:
        raise AddressRefused(f"its host answered {response.status_code}")


def _reason(error: Exception) -> str:
    if isinstance(error, AddressRefused):
        return str(error)
    return f"{type(error).__name__} ({error})" if str(error) else type(error).__name__
