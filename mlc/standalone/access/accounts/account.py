"""One account: its name, its roles and the tokens of its programs."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from mlc.model.failure import MlcError

TOKEN_PREFIX = "mlca_"  # noqa: S105 - no token
"""What every token of an account begins with."""
MOST_TOKENS = 50
"""Of one account."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}", re.ASCII)
_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SOFTWARES = frozenset({"mlc", "operator", "runtime", "standalone", "system"})
"""Names under which software itself writes."""


class AccountRole(StrEnum):
    """What an account may do. :data:`INCLUDES` says which role includes which."""

    READER = "reader"
    """Reads models, snapshots, jobs, results and files."""
    SUBMITTER = "submitter"
    """Registers models and takes snapshots of them, in their own name; reads."""
    APPROVER = "approver"
    """Answers the board's tickets, in their own name; reads."""
    OPERATOR = "operator"
    """Everything that the centre's own token may."""


INCLUDES: Mapping[AccountRole, frozenset[AccountRole]] = {
    AccountRole.READER: frozenset({AccountRole.READER}),
    AccountRole.SUBMITTER: frozenset({AccountRole.SUBMITTER, AccountRole.READER}),
    AccountRole.APPROVER: frozenset({AccountRole.APPROVER, AccountRole.READER}),
    AccountRole.OPERATOR: frozenset(AccountRole),
}


class AccountRefused(MlcError, ValueError):
    """What was asked of an account can't be done. The text says why and what to do."""


def account_name(text: str) -> str:
    """The name of an account as it is kept: in small letters, however it was typed.

    ASCII alone, so that no two names look alike that are not the same.

    Raises:
        AccountRefused: no account can have this name.
    """
    name = text.lower() if text.isascii() else ""
    if not _NAME.fullmatch(name):
        raise AccountRefused(
            "An account's name has 1 to 64 of a to z, 0 to 9 and . _ @ + -, and begins with a letter or a digit; "
            "capital letters are taken for small ones."
        )
    if name in _SOFTWARES:
        raise AccountRefused(f"{name} is a name under which software itself writes: choose another.")
    return name


def token_name(text: str) -> str:
    """Raises ``AccountRefused`` if no token can have this name."""
    if not _TOKEN_NAME.fullmatch(text):
        raise AccountRefused(
            "A token's name has 1 to 64 letters, digits, dots, hyphens and underscores, and begins with a letter or a "
            "digit."
        )
    return text


def _once(roles: tuple[AccountRole, ...]) -> tuple[AccountRole, ...]:
    return in_order(roles)


def in_order(roles: Iterable[AccountRole]) -> tuple[AccountRole, ...]:
    """Each role once, the least one first."""
    asked = set(roles)
    return tuple(role for role in AccountRole if role in asked)


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ApiToken(_Kept):
    """A token of an account's program, of which only the hash is kept."""

    name: Annotated[str, AfterValidator(token_name)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    issued: AwareDatetime


class Account(_Kept):
    """An account as it is kept."""

    name: Annotated[str, AfterValidator(account_name)]
    roles: Annotated[tuple[AccountRole, ...], Field(min_length=1), AfterValidator(_once)]
    disabled: Annotated[bool, Field(strict=True)] = False
    password: str | None = None
    """A hash (:mod:`~mlc.standalone.access.accounts.passwords`); None: it signs in nowhere."""
    session_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Signs its sessions: a new one ends those that there are."""
    tokens: Annotated[tuple[ApiToken, ...], Field(max_length=MOST_TOKENS)] = ()

    @model_validator(mode="after")
    def _password_has_a_key(self) -> "Account":
        if self.password is not None and self.session_key is None:
            raise ValueError("a password needs a session_key: set it with `mlc account password`")
        return self

    @model_validator(mode="after")
    def _tokens_have_names_of_their_own(self) -> "Account":
        if len({token.name for token in self.tokens}) < len(self.tokens):
            raise ValueError("two tokens have the same name")
        return self

    def may(self, role: AccountRole) -> bool:
        """Whether one of its roles includes this one."""
        return any(role in INCLUDES[own] for own in self.roles)
