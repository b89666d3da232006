"""The text of a file of accounts: JSON, one account a line, between comments that stay where people write them."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from mlc.model.failure import MlcError
from mlc.standalone.access.accounts import passwords
from mlc.standalone.access.accounts.account import Account

HEAD = (
    "# Accounts of standalone mode, one a line as JSON; `mlc account` changes them.",
    "# Lines that begin with # stay as they are. The last line says that nothing is missing.",
)
END = "end"
"""The last line: a file without it was cut off, or is being written."""


class BadAccounts(MlcError, ValueError):
    """The file of accounts can't be used. The text says which file, which line, and what is wrong there."""


class Document:
    """The accounts of a file, in order, and the lines that people wrote between them."""

    def __init__(self, text: str = "\n".join([*HEAD, END])) -> None:
        """Read a file's text.

        Raises:
            BadAccounts: it is none. The text begins with the line.
        """
        self._lines: list[str | Account] = []
        names: dict[str, int] = {}
        digests: dict[str, int] = {}
        for number, line in _within(text):
            if not line.strip() or line.lstrip().startswith("#"):
                self._lines.append(line)
                continue
            account = _account(number, line)
            _require_new(names, account.name, number, f"the account {account.name}")
            for token in account.tokens:
                _require_new(digests, token.digest, number, f"the token {token.name} of {account.name}")
            self._lines.append(account)

    @property
    def accounts(self) -> list[Account]:
        return [line for line in self._lines if isinstance(line, Account)]

    def find(self, name: str) -> Account | None:
        return next((account for account in self.accounts if account.name == name), None)

    def put(self, account: Account) -> None:
        """Write an account in place of the one of its name, or behind all others."""
        for at, line in enumerate(self._lines):
            if isinstance(line, Account) and line.name == account.name:
                self._lines[at] = account
                return
        self._lines.append(account)

    def remove(self, name: str) -> None:
        self._lines = [line for line in self._lines if not (isinstance(line, Account) and line.name == name)]

    def text(self) -> str:
        """The whole file, which :class:`Document` reads."""
        lines = (line.model_dump_json() if isinstance(line, Account) else line for line in self._lines)
        return "\n".join([*lines, END]) + "\n"


def _within(text: str) -> Iterator[tuple[int, str]]:
    """The lines before the last one, with their numbers."""
    lines = text.removesuffix("\n").split("\n")
    *before, last = lines
    if last.strip() != END:
        raise BadAccounts(
            f"line {len(lines)}: the file is not whole, since its last line does not say {END!r}: write that behind "
            "the last account."
        )
    yield from enumerate(before, 1)


def _account(number: int, line: str) -> Account:
    if line.strip() == END:
        raise BadAccounts(f"line {number}: {END!r} stands here and is the last line's: remove this line.")
    try:
        account = Account.model_validate(json.loads(line, object_pairs_hook=_each_once))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, problem["loc"]))
        said = problem["msg"].removeprefix("Value error, ").rstrip(".")
        raise BadAccounts(f"line {number}: {f'{place}: ' if place else ''}{said}.") from None
    except _Twice as error:
        raise BadAccounts(f"line {number}: {error.args[0][:50]!r} stands there twice.") from None
    except (ValueError, RecursionError):
        raise BadAccounts(f"line {number}: it is no JSON; an account is one object on one line.") from None
    if account.password is not None and not passwords.is_kept(account.password):
        raise BadAccounts(f"line {number}: password: it is no hash of one; set it with `mlc account password`.")
    return account


class _Twice(MlcError):
    """A member of an object is there twice: whichever counted, somebody would have meant the other."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _require_new(known: dict[str, int], key: str, number: int, what: str) -> None:
    if (first := known.setdefault(key, number)) != number:
        raise BadAccounts(f"line {number}: {what} stands in line {first} already.")
