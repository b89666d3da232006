"""The named connections of ``MLC_CONNECTIONS``: read for whoever opens them, and for nobody else."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from mlc.model.connection import Connection, check_names
from mlc.settings.reading import Group

_READ: TypeAdapter[dict[str, Connection]] = TypeAdapter(dict[str, Connection])
LARGEST_FILE = 1024**2
"""Bytes."""


class ConnectionSettings(Group):
    """Stores and databases, by name. The whole is a secret, since there are some in it."""

    model_config = SettingsConfigDict(env_prefix="MLC_")

    connections: SecretStr | None = Field(
        None,
        description="Stores, databases and hosts by name, with what opens them, as JSON or as the path of a file of it "
        "(docs/data.md)",
    )

    def by_name(self) -> Mapping[str, Connection]:
        """The connections. A file is read each time, so that a secret can be changed in it.

        Raises:
            SettingsError: something is wrong; the text says which connection and field, and never a value.
        """
        try:
            return self._by_name()
        except SettingsError:
            raise
        except ValueError as error:
            raise SettingsError(f"MLC_CONNECTIONS can't be used: {error}") from None

    def _by_name(self) -> Mapping[str, Connection]:
        said = self.connections.get_secret_value().strip() if self.connections else ""
        if not said:
            return {}
        text = said if said.startswith("{") else _content(Path(said))
        try:
            found = _READ.validate_python(_parsed(text))
        except ValidationError as error:
            raise ValueError("; ".join(_problems(error))) from None
        check_names(found)
        return found


def _content(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError("it names a file of more than 1 MB")
        return content.decode("utf-8-sig")
    except OSError as error:
        # What isn't JSON may be a secret that was written there by mistake: it isn't repeated.
        raise ValueError(
            f"it is neither a JSON object nor the path of a file that can be read ({error.strerror})"
        ) from None
    except UnicodeDecodeError:
        raise ValueError("it names a file that isn't UTF-8") from None


def _parsed(text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("it has a name twice in one object")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise ValueError(f"it can't be read as JSON (line {error.lineno}, column {error.colno})") from None


def _problems(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(map(str, each['loc']))[:100]}: {each['msg'].removeprefix('Value error, ')}" for each in found]
