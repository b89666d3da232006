"""What of the system a contained program may read: libraries and programs, and what interpreters ask the system for.

A list of what it may, not of what it may not: ``/etc``, ``/var``, ``/run`` and ``/home`` hold whatever an operator puts
there.
"""

from pathlib import Path

PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
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
    # Under Landlock they are there and can't be read, which libraries that look for them don't expect.
    *("/etc/httpd/mime.types", "/etc/httpd/conf/mime.types", "/etc/apache/mime.types", "/etc/apache2/mime.types"),
    *("/etc/sysconfig/clock", "/etc/conf.d/clock", "/etc/locale.alias", "/etc/locale.conf", "/etc/default/locale"),
    *("/etc/ld.so.preload", "/etc/magic", "/etc/python3", "/etc/crypto-policies"),
    *("/etc/debian_version", "/etc/lsb-release", "/etc/redhat-release", "/etc/system-release", "/etc/alpine-release"),
    "/etc/os-release",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust/extracted",
)
"""Names, zones, fonts and certificates; no key."""
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols")
"""Read besides by what may reach the network."""
KERNEL_FILES = (
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version"),
    *("/proc/filesystems", "/proc/sys/kernel", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage"),
)
"""What the kernel tells of the machine, and not of other processes."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Devices that may be read and written."""


def system_files(*, network: bool) -> list[Path]:
    """Those of the files that are there."""
    return [path for name in (*FILES, *(NETWORK_FILES if network else ())) if (path := Path(name)).exists()]
