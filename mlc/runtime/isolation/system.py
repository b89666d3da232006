"""What of the system a contained program may read: libraries and programs, and what interpreters ask the system for.

A list of what it may, not of what it may not: ``/etc``, ``/var``, ``/run`` and ``/home`` hold whatever an operator puts
there.
"""

from pathlib import Path

PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Folders of programs and libraries; most are links into ``/usr`` nowadays."""
FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/mime.types",
    "/etc/fonts",
    "/etc/os-release",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
)
"""Names, zones, fonts and certificates; no key."""
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols")
"""Read besides by what may reach the network."""


def system_files(*, network: bool) -> list[Path]:
    """Those of the files that are there."""
    return [path for name in (*FILES, *(NETWORK_FILES if network else ())) if (path := Path(name)).exists()]
