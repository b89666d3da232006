"""``mlc account``: who uses standalone mode by name, and with which tokens."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mlc.standalone.access.accounts.account import Account, AccountRole
    from mlc.standalone.access.accounts.file import AccountFile

account = typer.Typer(
    help="Accounts of standalone mode, in a file of this machine (MLC_ACCOUNTS_FILE), which a running centre follows.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="Name of the account; capital letters are taken for small ones.")]
Roles = Annotated[
    list[str],
    typer.Option("--role", help="reader, submitter or approver (who read, too), or operator (who may everything)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@account.command()
def add(name: Name, role: Roles, as_json: AsJson = False) -> None:
    """Add an account. It can do nothing before it has a token or a password."""
    made = _file().add(name, _roles(role))
    _tell([made], as_json, f"The account {made.name} was added: {', '.join(made.roles)}.")


@account.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the accounts, their roles and the names of their tokens."""
    known = _file().all()
    _tell(known, as_json, *_lines(known))


@account.command()
def roles(name: Name, role: Roles, as_json: AsJson = False) -> None:
    """Give an account these roles, and no others."""
    changed = _file().set_roles(name, _roles(role))
    _tell([changed], as_json, f"The account {changed.name} is {', '.join(changed.roles)}.")


@account.command()
def password(name: Name) -> None:
    """Set the password by which an account signs in at the board. It is asked for, or read from standard input.

    Sessions that the account has end.
    """
    from mlc.standalone.access.accounts.account import account_name

    account_name(name)
    typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else _line()
    typer.echo(f"The account {_file().set_password(name, typed).name} has a new password.")


@account.command()
def token(
    name: Name,
    token_name: Annotated[str, typer.Argument(metavar="TOKEN", help="Name of the token, such as laptop or ci.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="End the token of this name at once.")] = False,
) -> None:
    """Issue a token by which an account's programs are known: it may what the account may.

    It is shown this once, alone on standard output.
    """
    if revoke:
        changed = _file().revoke(name, token_name)
        typer.echo(f"The token {token_name} of {changed.name} was revoked.")
        return
    typer.echo(_file().issue(name, token_name))
    typer.echo(f"Shown this once: {name.lower()} sets it as MLC_CENTER_TOKEN, or sends it as a bearer token.", err=True)


@account.command()
def disable(name: Name) -> None:
    """End all that an account may, and its sessions, at once. The rest of it stays, for `mlc account enable`."""
    typer.echo(f"The account {_file().set_disabled(name, True).name} is disabled.")


@account.command()
def enable(name: Name) -> None:
    """Let an account that was disabled in again, with the tokens that it had."""
    typer.echo(f"The account {_file().set_disabled(name, False).name} is enabled.")


@account.command()
def remove(name: Name) -> None:
    """Remove an account and its tokens.

    What it made keeps its name, which somebody else may be given then: `disable` keeps it from that.
    """
    _file().remove(name)
    typer.echo(f"The account {name.lower()} was removed.")


def _file() -> "AccountFile":
    from mlc.settings import AccountSettings
    from mlc.standalone.access.accounts.file import AccountFile

    return AccountFile(AccountSettings().file)


def _line() -> str:
    """The first line of standard input, without its end."""
    return sys.stdin.readline(5000).removesuffix("\n").removesuffix("\r")


def _roles(typed: "Sequence[str]") -> "list[AccountRole]":
    from mlc.standalone.access.accounts.account import AccountRefused, AccountRole

    try:
        return [AccountRole(role.lower()) for role in typed]
    except ValueError:
        raise AccountRefused(f"The roles are {', '.join(AccountRole)}.") from None


def _tell(accounts: "Sequence[Account]", as_json: bool, *lines: str) -> None:
    """What is told of tokens are their names, and since when they are."""
    from pydantic_core import to_json

    if as_json:
        hidden: Any = {"password": True, "session_key": True, "tokens": {"__all__": {"digest"}}}
        told = {"accounts": [each.model_dump(mode="json", exclude=hidden) for each in accounts]}
        lines = (to_json(told, indent=2).decode(),)
    for line in lines:
        typer.echo(line)


def _lines(known: "Sequence[Account]") -> "Iterator[str]":
    if not known:
        yield "There are no accounts."
        return
    width = max(len(each.name) for each in known) + 2
    yield f"{'ACCOUNT':<{max(width, 9)}}{'ROLES':<30}{'STATE':<10}TOKENS"
    for each in known:
        state = "disabled" if each.disabled else "enabled"
        tokens = ", ".join(token.name for token in each.tokens) or "none"
        yield f"{each.name:<{max(width, 9)}}{', '.join(each.roles):<30}{state:<10}{tokens}"
