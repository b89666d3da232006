"""What each process of standalone mode is told: the settings and secrets that it needs, and little else."""

import json
import os
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from mlc.center.modelop.settings import CenterSettings
from mlc.connections import ConnectionSettings
from mlc.runtime import process
from mlc.runtime.environments import pip_settings
from mlc.settings import (
    AccountSettings,
    DeskSettings,
    FileSettings,
    GatewaySettings,
    ProcessSettings,
    RunJobSettings,
    RuntimeSettings,
    StandaloneCenterSettings,
)
from mlc.settings.reading import SETTINGS_FILE, Group, Variable, groups
from mlc.ticketing import registry
from mlc.ticketing.system import SystemSettings

BATCH_RUNTIME, ONLINE_RUNTIME = "batch-prod", "online-prod"
CENTER_TOKEN = CenterSettings.variable("token")
FROM_OUTSIDE = (ProcessSettings,)
"""Groups of which the user's environment counts, too. Others may lead to a company's systems: ``mlc.env`` has them."""
OF_ITS_OWN = frozenset({"name", "stage", "tags", "online", "host", "port", "url", "token", "work_dir", "environment"})
"""What is a runtime's own, or lets models see more of the user's environment: only ``mlc.env`` says it. How models are
isolated and limited counts from outside, too: whoever names a level must not get another one."""
_SEARCHED = frozenset({"PATH", "LD_LIBRARY_PATH"})
"""Lists of folders. What is relative in them to the current folder is left out."""
_PLACES = frozenset({"HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"})
_EVERYBODY = (*_SEARCHED, "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_", "TZ", "TMPDIR")
_ENGINES = ("XDG_", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "CONTAINER_HOST")
"""How podman and docker are found, in which models may run."""
_RUNTIMES = (*process.PASSED_ON, *pip_settings.PASSED_ON, *pip_settings.PASSED_ON_LIKE, *_ENGINES)
_NO_PROXY = ("NO_PROXY", "no_proxy")


@dataclass(frozen=True)
class Part:
    """The settings of a group that a program is told: all that are no secrets, and the secrets that are named.

    Raises:
        ValueError: one of those is no secret of this group.
    """

    group: type[Group]
    secrets: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := self.secrets - self.group.secrets():
            raise ValueError(f"{self.group.__name__} has no secret {', '.join(sorted(unknown))}")

    @property
    def variables(self) -> list[Variable]:
        """Their variables."""
        withheld = self.group.secrets() - self.secrets
        return [variable for field, variable in self.group.variables().items() if field not in withheld]


@dataclass(frozen=True)
class Needs:
    """What a program needs to be told.

    Args:
        parts: settings.
        temporal: whether it speaks with Temporal.
        inherits: variables of the user's that not every program inherits; one that ends in ``_`` is what they begin
            with.
        models: whether models run below it: it has a token of its own for the centre, and inherits what
            MLC_RUNTIME_ENVIRONMENT names.
    """

    parts: tuple[Part, ...] = ()
    temporal: bool = False
    inherits: tuple[str, ...] = ()
    models: bool = False


def needs() -> dict[str, Needs]:
    """What each program of standalone mode needs, by its name; ``demo`` is the demo's own process.

    Where several programs read a group, each is told those of its secrets that it can't do without.
    """
    processes, files, center = Part(ProcessSettings), Part(FileSettings), whole(CenterSettings)
    as_runtime, jobs = Part(CenterSettings), Part(RunJobSettings)
    webhooks = SystemSettings.secrets()
    incoming = [Part(system.settings, webhooks) for system in registry.SYSTEMS]
    outgoing = [Part(system.settings, system.settings.secrets() - webhooks) for system in registry.SYSTEMS]
    calling_the_gateway = Part(GatewaySettings, frozenset({"token"}))
    batch, online = Part(RuntimeSettings), whole(RuntimeSettings)
    connections = whole(ConnectionSettings)
    return {
        "temporal": Needs(),
        "center": Needs((whole(StandaloneCenterSettings), whole(AccountSettings), jobs, connections), temporal=True),
        "desk": Needs((whole(DeskSettings), whole(AccountSettings))),
        "setup": Needs((processes, jobs), temporal=True),
        "worker": Needs((processes, files, center, *outgoing), temporal=True),
        BATCH_RUNTIME: Needs(
            (batch, files, connections, as_runtime, jobs), temporal=True, inherits=_RUNTIMES, models=True
        ),
        ONLINE_RUNTIME: Needs(
            (online, files, connections, as_runtime, jobs), temporal=True, inherits=_RUNTIMES, models=True
        ),
        "gateway": Needs((whole(GatewaySettings), files, center, *incoming), temporal=True),
        "demo": Needs((processes, files, center, calling_the_gateway, *outgoing), temporal=True),
    }


def whole(group: type[Group]) -> Part:
    """All settings of a group, with every secret."""
    return Part(group, group.secrets())


class Environments:
    """The environments of standalone mode's processes, made once when it is started.

    Args:
        home: its folder.
        fixed: what holds whatever the user's environment or ``mlc.env`` say: addresses and secrets.
    """

    def __init__(self, home: Path, fixed: Mapping[str, str]) -> None:
        self._home = home
        self._user = dict(os.environ)
        outside = _from_outside()
        said = {name.upper(): value for name, value in self._user.items()}
        file = dotenv_values(home / SETTINGS_FILE, encoding="utf-8")
        self._places = (  # the first one counts
            dict(fixed),
            {name: value for name, value in said.items() if name in outside},
            {name.upper(): value for name, value in file.items() if value},
        )

    def of(self, needs: Needs, token: str = "") -> dict[str, str]:
        """The whole environment of a program. It reads no settings file: what that says to it is in here.

        Args:
            needs: what it is to be told.
            token: its own for the centre, if it has one.
        """
        own = {"MLC_HOME": str(self._home), "MLC_SETTINGS_FILE": os.devnull, "TEMPORAL_CONFIG_FILE": os.devnull}
        variables = [variable for part in needs.parts for variable in part.variables]
        if needs.temporal:
            variables.append(Variable("TEMPORAL_ADDRESS"))
        settings = {each.name: value for each in variables if (value := self._said(each))}
        if token:
            settings[CENTER_TOKEN] = token
        inherited = self._inherited({*needs.inherits, *_EVERYBODY})
        if needs.models:
            inherited |= self._inherited(self._named_for_models()) | around_proxies(self._user)
        return inherited | own | settings

    def _said(self, variable: Variable) -> str:
        """What the first place says that says it, by whatever name; of both names in one place the new one counts."""
        names = [name for name in (variable.name, variable.old) if name]
        return next((place[name] for place in self._places for name in names if place.get(name)), "")

    def _inherited(self, wanted: Container[str]) -> dict[str, str]:
        """Variables of the user's by their names, or by what they have up to a ``_``; no empty ones."""
        found = {name: value for name, value in self._user.items() if name in wanted or _beginning(name) in wanted}
        made = {name: _wherever_it_is_read(name, value) for name, value in found.items()}
        return {name: value for name, value in made.items() if value}

    def _named_for_models(self) -> set[str]:
        """What the runtimes are to let models see. Never what is a setting of ours or of Temporal's."""
        named: object = None
        with suppress(ValueError):  # the runtime itself says what is wrong with it
            named = json.loads(self._said(Variable(RuntimeSettings.variable("environment"))))
        names = {name for name in named if isinstance(name, str)} if isinstance(named, list) else set()
        return {name for name in names if not name.upper().startswith(("MLC_", "TEMPORAL_")) and not name.endswith("_")}


def unheard(home: Path, fixed: Container[str]) -> list[str]:
    """Settings in the user's environment that count for nothing that is started on ``home``, and say something else
    than its ``mlc.env`` does.

    Args:
        fixed: what nobody can set there.
    """
    file = {name.upper(): value for name, value in dotenv_values(home / SETTINGS_FILE, encoding="utf-8").items()}
    known = {name for group in groups() for each in group.variables().values() for name in (each.name, each.old)}
    left = known - _from_outside() - {""}
    said = {name.upper(): value for name, value in os.environ.items() if value}
    return sorted(
        name for name, value in said.items() if name in left and name not in fixed and file.get(name) != value
    )


def _from_outside() -> set[str]:
    """The settings of which the user's environment counts, by all their names."""
    variables = [variable for group in FROM_OUTSIDE for variable in group.variables().values()]
    variables += [each for field, each in RuntimeSettings.variables().items() if field not in OF_ITS_OWN]
    return {name for each in variables for name in (each.name, each.old)}


def around_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """What to set beside an environment, so that a proxy is not asked for what is on this machine."""
    said = next((environment[name] for name in _NO_PROXY if environment.get(name)), "")
    return dict.fromkeys(_NO_PROXY, ",".join([*filter(None, [said]), "127.0.0.1", "localhost"]))


def _beginning(name: str) -> str:
    before, line, _ = name.partition("_")
    return before + line


def _wherever_it_is_read(name: str, value: str) -> str:
    """The value without what is relative to the current folder, which is another one for each process."""
    if name in _SEARCHED:
        return os.pathsep.join(folder for folder in value.split(os.pathsep) if Path(folder).is_absolute())
    return str(Path(value).absolute()) if name in _PLACES and value else value
