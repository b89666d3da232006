"""How settings are read: groups of ``MLC_*`` environment variables, then ``$MLC_HOME/mlc.env``; and what is wrong."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    AliasChoices,
    Field,
    SecretBytes,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

SETTINGS_FILE = "mlc.env"
"""Where settings are that the environment does not have, in :func:`home`."""
OTHER_VARIABLES: Mapping[str, str] = {
    "MLC_HOME": "the folder of standalone mode's state and settings file",
    "MLC_SETTINGS_FILE": "the settings file, if not mlc.env in that folder; /dev/null: the environment has them all",
    "MLC_CASES": "tests: folder of recorded answers of ticket systems",
    "MLC_SPECS": "tests: folder of other systems' specifications",
    "MLC_DMN_TCK": "tests: folder of the decision tables' conformance kit",
    "MLC_PROPERTY_FACTOR": "tests: how many more examples to try",
}
"""``MLC_*`` variables that are read somewhere and are no settings."""

_FIELD = re.compile(r'field "(\w+)"')
"""Which setting could not be parsed, in the library's own words, which name neither its variable nor what is right."""


def home() -> Path:
    """The folder of standalone mode's state and settings file (``MLC_HOME``, default ``.mlc``)."""
    return Path(os.environ.get("MLC_HOME") or ".mlc")


def settings_file() -> Path:
    """Where settings are that the environment does not have (``MLC_SETTINGS_FILE``, default ``mlc.env`` in the home).

    Raises:
        SettingsError: it was named, and isn't there: without it, all that it says would be left to defaults.
    """
    if not (named := os.environ.get("MLC_SETTINGS_FILE")):
        return home() / SETTINGS_FILE
    if not (file := Path(named)).exists():
        raise SettingsError(f"MLC_SETTINGS_FILE names {named}, which is not there: make it, or leave the variable out")
    return file


def _duration(value: object, read: ValidatorFunctionWrapHandler) -> timedelta:
    """A bare number in the environment means seconds."""
    try:
        if isinstance(value, str) and value.replace(".", "", 1).isdigit():
            value = float(value)
        duration: timedelta = read(value)
    except ValueError:  # pydantic's own names what is wrong with it, and not what would be right
        raise ValueError("write a duration in seconds or in ISO 8601, such as 30 or PT30S") from None
    return duration


Duration = Annotated[timedelta, WrapValidator(_duration)]


def trimmed(tag: str | None) -> str | None:
    """A tag without the blanks around it: they can't be seen, and no snapshot's tag has them.

    Raises:
        ValueError: nothing is left.
    """
    if tag is not None and not (tag := tag.strip()):
        raise ValueError("a tag can't be of blanks alone: write one, or leave the variable out")
    return tag


def of_their_own(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The variable of each tag, from pairs of a variable and its tag: by a tag that two have, one can't be asked for.

    Raises:
        ValueError: two have the same.
    """
    owners: dict[str, str] = {}
    for variable, tag in tags:
        if (owner := owners.setdefault(tag, variable)) != variable:
            raise ValueError(f"{owner} and {variable} are the same tag ({tag!r}): set one of them to another")
    return owners


class Group(BaseSettings):
    """Settings whose variables begin with the same prefix."""

    model_config = SettingsConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        validate_by_name=True,  # a renamed setting has aliases, and is its field's name in code all the same
    )

    def __init__(self, **values: Any) -> None:
        # Resolved at construction, not at import: tests and `mlc dev` choose another home.
        values.setdefault("_env_file", settings_file())
        try:
            super().__init__(**values)
        except SettingsError as error:
            found = _FIELD.search(str(error))
            what = self.variable(found[1]) if found and found[1] in type(self).model_fields else "A setting"
            raise SettingsError(f"{what} can't be read: write lists and objects as JSON") from None

    @classmethod
    def variable(cls, field: str) -> str:
        """The variable that a setting is to be written to."""
        return cls.variables()[field].name

    @classmethod
    def variables(cls) -> dict[str, "Variable"]:
        """The variable of every setting, by its field, in order."""
        return {
            field: _variable(cls.model_config["env_prefix"], field, info) for field, info in cls.model_fields.items()
        }

    @classmethod
    def secrets(cls) -> frozenset[str]:
        """The fields that hold secrets, by their types."""
        return frozenset(field for field, info in cls.model_fields.items() if _holds_secret(info.annotation))


@dataclass(frozen=True)
class Variable:
    """The environment variable of a setting. ``old`` is the name that it had, which works until release ``until``."""

    name: str
    old: str = ""
    until: str = ""


def renamed(default: Any, name: str, *, old: str, until: str, description: str) -> Any:
    """A setting that had another name: ``name`` and ``old`` are the variables. Of both, in one place, ``name`` wins."""
    return Field(
        default,
        validation_alias=AliasChoices(name, old),
        description=description,
        json_schema_extra={"until": until},
    )


def _holds_secret(kind: Any) -> bool:
    return kind in (SecretStr, SecretBytes) or any(map(_holds_secret, get_args(kind)))


def _variable(prefix: str, field: str, info: FieldInfo) -> Variable:
    alias, more = info.validation_alias, info.json_schema_extra
    if isinstance(alias, AliasChoices) and isinstance(more, dict):
        name, old = map(str, alias.choices)
        return Variable(name, old, str(more["until"]))
    if isinstance(alias, str):
        return Variable(alias)
    return Variable(f"{prefix}{field}".upper())


def groups(below: type[Group] = Group) -> Iterator[type[Group]]:
    """Every group of settings whose module has been imported, in whichever room it is."""
    for group in below.__subclasses__():
        if group.model_config["env_prefix"]:
            yield group
        yield from groups(group)


def what_is_wrong(error: ValidationError) -> str:
    """The variables that hold something else than they should, and what they should, without their values."""
    found = next((group for group in groups() if group.__name__ == error.title), None)
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return " ".join(_problem(found, problem["loc"], problem["msg"]) for problem in problems)


def _problem(group: type[Group] | None, place: tuple[int | str, ...], message: str) -> str:
    """What is about several settings names them itself, and has no place."""
    said = message.removeprefix("Value error, ")
    return f"{_said(group, place)}: {said}." if place else f"{said}."


def _said(group: type[Group] | None, place: tuple[int | str, ...]) -> str:
    """The place of an error as its variable, with the name that it had; a renamed one is told by its alias already."""
    first, *rest = map(str, place)
    variables = group.variables() if group else {}
    variable = variables.get(first) or next((v for v in variables.values() if v.name == first), Variable(first))
    once = f" (once {variable.old})" if variable.old else ""
    return ".".join([variable.name, *rest]).upper() + once
