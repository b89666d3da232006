"""Where standalone mode's processes find each other: ports, secrets and settings, in ``$MLC_HOME/mlc.env``."""

import fcntl
import json
import os
import random
import secrets
import socket
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, TypeAdapter

from mlc.model.failure import MlcError
from mlc.settings import ProcessSettings
from mlc.settings.reading import SETTINGS_FILE

HOST = "127.0.0.1"
KEPT = range(20_000, 32_768)
"""Ports below those that Linux and others give to outgoing connections."""
_KEPT_PORTS = "ports.json"
_NUMBERS = TypeAdapter(dict[str, Annotated[int, Field(ge=1, le=65_535)]])
ACCOUNT = "mlc"
"""As whom the processes write tickets."""


class CannotStart(MlcError):
    """Standalone mode can't be started here. The text says why and what to do."""


@dataclass(frozen=True)
class Ports:
    """Where each server listens, on 127.0.0.1."""

    temporal: int = 7233
    ui: int = 8233
    gateway: int = 8090
    center: int = 8091
    desk: int = 8092
    online: int = 8093

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody listens on at this moment, and that no system gives to an outgoing connection by itself.

        They are kept for the next start: one of those that are given away may be in use by then.
        """
        found: list[int] = []
        for port in random.sample(KEPT, len(KEPT)):
            with suppress(OSError), socket.create_server((HOST, port)):
                found.append(port)
            if len(found) == len(asdict(cls())):
                break
        return cls(*found)

    @classmethod
    def last(cls, home: Path) -> "Ports":
        """Free ones: those of the last start with such, if nobody has taken one, so that addresses stay."""
        kept = home / _KEPT_PORTS
        with suppress(OSError, ValueError, TypeError, CannotStart):
            ports = cls(**_NUMBERS.validate_json(kept.read_text()))
            ports.check()
            return ports
        ports = cls.free()
        kept.write_text(json.dumps(asdict(ports)))
        return ports

    def check(self) -> None:
        """Raises CannotStart, naming the port, if one is in use."""
        for name, port in asdict(self).items():
            try:
                socket.create_server((HOST, port)).close()
            except OSError as error:
                raise CannotStart(
                    f"Port {port}, for {_LISTENERS[name]}, can't be used ({error.strerror}): end what listens there, "
                    "or let free ports be found with --free-ports."
                ) from None


_LISTENERS = {
    "temporal": "Temporal",
    "ui": "Temporal's UI",
    "gateway": "the gateway",
    "center": "the model centre",
    "desk": "the ticket desk",
    "online": "the online runtime",
}


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold ``home`` for this process; the kernel lets go of it however the process ends.

    Raises:
        CannotStart: another process holds it.
    """
    with (home / "dev.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise CannotStart(
                f"`mlc dev` or `mlc demo` runs already on {home} (process {holder}): use that one, end it, "
                "or choose another folder with MLC_HOME."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def prepare(home: Path, ports: Ports) -> dict[str, str]:
    """Write ``mlc.env`` for these ports. Secrets that it holds are kept, and so is whatever a person added.

    Returns:
        What the children's environment must say, whatever the user's own says: addresses and secrets.
    """
    path = home / SETTINGS_FILE
    known = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    fixed = _addresses(ports) | _secrets(known)
    own = _PACE | {"MLC_FILE_ROOT": str(home / "files")}
    # An earlier release may have written one under the name that it had then.
    old = {variable.name: variable.old for variable in ProcessSettings.variables().values() if variable.name in own}
    kept = {name: known.get(name) or known.get(old.get(name, ""), value) for name, value in own.items()}
    _write(path, fixed | kept, gone=set(old.values()))
    return fixed


def fixed() -> set[str]:
    """The settings that are the same whatever anybody says: addresses and secrets."""
    return {*_addresses(Ports()), *_secrets({})}


def _addresses(ports: Ports) -> dict[str, str]:
    center, desk = f"http://{HOST}:{ports.center}", f"http://{HOST}:{ports.desk}"
    gateway = f"http://{HOST}:{ports.gateway}"
    return {
        "TEMPORAL_ADDRESS": f"{HOST}:{ports.temporal}",
        "MLC_TEMPORAL_UI": f"http://{HOST}:{ports.ui}",
        "MLC_GATEWAY_HOST": HOST,
        "MLC_GATEWAY_PORT": str(ports.gateway),
        "MLC_CENTER_URL": f"{center}/model-manage/api",
        "MLC_CENTER_STANDALONE": "true",
        "MLC_CENTER_CONTENTS": "reference",
        "MLC_CENTER_BROWSE_URL": center,
        "MLC_CENTER_SNAPSHOT_PAGE": "/snapshots/{snapshot_id}",
        "MLC_STANDALONE_CENTER_HOST": HOST,
        "MLC_STANDALONE_CENTER_PORT": str(ports.center),
        "MLC_STANDALONE_CENTER_SIGNAL_URL": gateway,
        "MLC_JIRA_URL": desk,
        "MLC_JIRA_USER": ACCOUNT,
        "MLC_SERVICENOW_URL": desk,
        "MLC_SERVICENOW_USER": ACCOUNT,
        "MLC_DESK_HOST": HOST,
        "MLC_DESK_PORT": str(ports.desk),
        "MLC_DESK_USER": ACCOUNT,
        "MLC_DESK_WEBHOOK_URL": f"{gateway}/webhooks/jira",
        "MLC_DESK_SERVICENOW_WEBHOOK_URL": f"{gateway}/webhooks/servicenow",
        "MLC_DESK_CENTER_URL": f"{center}/model-manage/api",
        "MLC_DESK_CENTER_BROWSE_URL": center,
    }


def _secrets(known: Mapping[str, str]) -> dict[str, str]:
    def kept(*names: str) -> dict[str, str]:
        """One secret that has several names, one for each side of a connection."""
        secret = next((known[name] for name in names if name in known), secrets.token_hex(24))
        return dict.fromkeys(names, secret)

    jira, servicenow = kept("MLC_DESK_WEBHOOK_SECRET"), kept("MLC_DESK_SERVICENOW_WEBHOOK_SECRET")
    return {
        **kept("MLC_CENTER_TOKEN", "MLC_STANDALONE_CENTER_TOKEN", "MLC_DESK_CENTER_TOKEN"),
        **kept("MLC_GATEWAY_TOKEN", "MLC_STANDALONE_CENTER_SIGNAL_TOKEN"),
        **kept("MLC_DESK_TOKEN", "MLC_JIRA_TOKEN", "MLC_SERVICENOW_PASSWORD"),
        **jira,
        "MLC_JIRA_WEBHOOK_SECRETS": json.dumps(list(jira.values())),
        **servicenow,
        "MLC_SERVICENOW_WEBHOOK_SECRETS": json.dumps(list(servicenow.values())),
    }


_PACE = {
    "MLC_JOB_POLL": "PT2S",
    "MLC_TICKET_INDEX_LAG": "PT2S",  # the desk's search doesn't lag
    "MLC_CENTER_INDEX_LAG": "PT2S",
    "MLC_SWEEP_INTERVAL": "PT30S",
    "MLC_MIRROR_SCHEDULES": "true",  # the centre of standalone mode has no scheduler of its own
    "MLC_MONITOR_SCHEDULE": "0 0 2 * * ?",  # each night: nobody else sets schedules on a monitor here
    "MLC_RUNTIME_OUTPUT_LIMIT_MB": "2048",  # files go to it by themselves
}
"""Settings for one machine and one person who watches; a value in the file wins."""


def _write(path: Path, settings: Mapping[str, str], gone: Container[str]) -> None:
    """Replace the lines of these settings and keep all others, in one step and for nobody else to read.

    Args:
        gone: settings whose lines are dropped.
    """
    old = path.read_text().splitlines() if path.exists() else [f"# Settings of `mlc dev`; {path.parent} is its home."]
    named = ((line.partition("=")[0].strip(), line) for line in old)
    kept = [line for name, line in named if name not in settings and not (name and name in gone)]
    text = "\n".join([*kept, *(f"{name}='{value}'" for name, value in settings.items())]) + "\n"
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
