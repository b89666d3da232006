"""Connections to hosts of external files: the name is looked up once, and what was checked is what is connected to."""

import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from mlc.model.failure import MlcError
from mlc.model.hosts import Hosts


class AddressRefused(MlcError):
    """A host, or what it answers, that can't be used. The text ends a sentence."""


class CheckedTransport(httpx.HTTPTransport):
    """Connects to listed hosts, and only to those of their addresses that are public or listed.

    Certificates are verified for the name, which is also what the host is asked for; no proxy's variables are read.
    """

    def __init__(self, hosts: Hosts, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=verify, network_backend=_Checked(hosts))


class _Checked(httpcore.NetworkBackend):
    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _looked_up(host, port)
        for address in addresses:  # all of them: whoever answers for the name may not choose among them either
            if problem := self._hosts.problem(host, port, address):
                raise AddressRefused(problem)
        for number, address in enumerate(addresses, 1):
            try:
                stream = self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
                continue
            peer = stream.get_extra_info("server_addr")
            if problem := self._hosts.problem(host, port, peer[0]):
                stream.close()
                raise AddressRefused(problem)
            return stream
        raise httpcore.ConnectError("the name has no address")

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


def _looked_up(host: str, port: int) -> list[str]:
    """The addresses of a name, each once, in the order in which they are to be tried."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
