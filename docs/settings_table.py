"""Writes the tables of docs/settings.md: ``python docs/settings_table.py > docs/settings.md``."""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import SecretStr, TypeAdapter
from pydantic_core import PydanticUndefined

from mlc import settings
from mlc.center.modelop.settings import CenterSettings
from mlc.connections import ConnectionSettings
from mlc.settings.reading import Group
from mlc.ticketing.registry import SYSTEMS

GROUPS: tuple[type[Group], ...] = (
    settings.ProcessSettings,
    CenterSettings,
    *(system.settings for system in SYSTEMS),
    settings.FileSettings,
    ConnectionSettings,
    settings.GatewaySettings,
    settings.RuntimeSettings,
    settings.RunJobSettings,
    settings.AccountSettings,
    settings.StandaloneCenterSettings,
    settings.DeskSettings,
)


def rows(group: type[Group]) -> Iterator[str]:
    for variable, field in zip(group.variables().values(), group.model_fields.values(), strict=True):
        once = f" (once `{variable.old}`, which works until {variable.until})" if variable.old else ""
        yield f"| `{variable.name}` | {_default(field.default)} | {field.description}{once} |"


INTRODUCTION = """# Settings

Environment variables, read before `$MLC_HOME/mlc.env` (`MLC_HOME` is `.mlc` unless set; `mlc dev` writes that file).
For what `mlc dev` and `mlc demo` start, the environment counts for how the processes behave and how models are
isolated and limited; all else they take from that file, so that what leads to a company's systems stays out.
`MLC_SETTINGS_FILE` names another file than that one, and `/dev/null` none. Relative paths in it are so to the folder
in which a program runs: for those that `mlc dev` starts, to `MLC_HOME`.
Durations are seconds or ISO 8601 (`PT30S`, `P2D`); lists and objects are JSON. The connection to Temporal is not here:
it is read as the `temporal` command reads it, from `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY` and so
on, or from `temporal.toml`. *Not proven* marks what ModelOp's public material does not show: check it on your site.

`mlc check` calls a name that no setting has an error, with the nearest one that there is; worker, gateway and runtimes
warn of it when they start. *Once* marks a setting that
had another name, which still works and is a warning there; where both are set in one place, the new one counts."""


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for group in GROUPS:
        title = (group.__doc__ or "").strip().splitlines()[0].rstrip(".")
        parts.append("\n".join([f"## {title}", "", "| variable | default | meaning |", "|---|---|---|", *rows(group)]))
    return "\n\n".join(parts)


def _default(value: object) -> str:
    if value is PydanticUndefined or value is None or value == "" or isinstance(value, SecretStr):
        return ""
    if isinstance(value, timedelta | list | dict):
        return f"`{TypeAdapter(type(value)).dump_json(value).decode().strip(chr(34))}`"
    return f"`{value}`"


if __name__ == "__main__":
    print(document())
