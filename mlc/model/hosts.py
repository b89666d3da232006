"""Hosts of ``MLC_FILE_HOSTS``: which may be named in an address, and which of their own addresses may be connected to.

A name that is listed may lead to any address of the public internet. One that isn't public (private, loopback,
link-local, a cloud's metadata service) has to be listed itself, or by its network: whoever answers for a name could let
it lead anywhere. ``localhost`` lists this machine.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOCALHOST = "localhost"
_NAME = re.compile(r"[^\s@]*[^\s@:]")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""NAT64: the last four bytes are the IPv4 address that it leads to."""


@dataclass(frozen=True)
class _Entry:
    """An entry of the list: a name, or a network, which a lone address is, too; at one port or at any."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    def names(self, host: str, port: int | None) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is None:
            return host == self.name
        address = _literal(host)
        return address is not None and _within(address, self.network)

    def lists(self, address: Address, host: str, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is None:
            return host == self.name == LOCALHOST and address.is_loopback
        return _within(address, self.network)


class Hosts:
    """The hosts that are listed: ``name``, ``name:port``, an address (``[::1]:9000``) or a network (``10.0.0.0/8``).

    Raises:
        ValueError: an entry is none of these; the text says which.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [_entry(entry) for entry in entries]

    def names(self, host: str, port: int | None) -> bool:
        """Whether an address may name this host, at this port (None: its scheme's usual one)."""
        return any(entry.names(host, port) for entry in self._entries)

    def problem(self, host: str, port: int, address: str) -> str | None:
        """Why a host's address may not be connected to, and what to do, as the end of a sentence; None if it may."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if "%" not in address and all(map(_is_public, _meant(found))):
            return None
        if any(entry.lists(found, host, port) for entry in self._entries):
            return None
        return (
            f"its host {host[:100]!r} has the address {found}, which is {_kind(found)} and is not listed: if that is "
            f"meant, add {found} or its network to MLC_FILE_HOSTS"
        )


@cache
def hosts(entries: tuple[str, ...]) -> Hosts:
    """The same, read once."""
    return Hosts(entries)


def _entry(text: str) -> _Entry:
    try:
        if "/" in text:
            return _Entry(network=ipaddress.ip_network(text, strict=False))
        if (address := _literal(text)) is not None:
            return _Entry(network=ipaddress.ip_network(address))
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        name, port, parts = "", None, urlsplit("")
    if not name or parts.netloc != text or not _NAME.fullmatch(text):
        raise ValueError(
            f"{text[:60]!r} is no host: write name, name:port, an address such as 10.1.2.3 or [::1]:9000, or a network "
            "such as 10.0.0.0/8"
        )
    address = _literal(name)
    return _Entry(name=name, network=None if address is None else ipaddress.ip_network(address), port=port)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _meant(address: Address) -> Iterator[Address]:
    """Where an address leads: itself, or the IPv4 one that it is written for; and the ends of a tunnel."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _TRANSLATED:
        yield ipaddress.IPv4Address(address.packed[-4:])
    else:
        yield address
        yield from (each for each in (address.sixtofour, *(address.teredo or ())) if each is not None)


def _within(address: Address, network: Network) -> bool:
    """A mapped address is the IPv4 one: that is where it leads."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address) in network


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _kind(address: Address) -> str:
    return next(
        (
            kind
            for kind, is_so in (
                ("unspecified", address.is_unspecified),
                ("loopback", address.is_loopback),
                ("link-local", address.is_link_local),
                ("multicast", address.is_multicast),
                ("private", address.is_private),
            )
            if is_so
        ),
        "not public",
    )
