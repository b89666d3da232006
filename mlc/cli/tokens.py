"""``mlc token``: the tokens by which standalone mode's model centre knows its runtimes."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.home import center_and_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mlc.standalone.access.client import KnownToken

token = typer.Typer(
    help="Tokens of runtimes at standalone mode's model centre (MLC_CENTER_URL), with its own MLC_CENTER_TOKEN.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FOR = "to issue others"
RuntimeName = Annotated[str, typer.Argument(help="Name of the runtime, as `mlc runtime --name` has it.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@token.command()
def issue(name: RuntimeName, as_json: AsJson = False) -> None:
    """Issue a token for a runtime: it may read its own jobs and deployments, and write what comes of them.

    It is shown this once, alone on standard output. The one before it works for an hour more, older ones no longer.
    """
    from mlc.standalone.access.client import issued

    made = asyncio.run(issued(*center_and_token(_FOR), name))
    if as_json:
        typer.echo(made.model_dump_json(indent=2))
        return
    typer.echo(made.token)
    before = f" The token before it works until {_time(made.previousUntil)}." if made.previousUntil else ""
    typer.echo(f"Shown this once: set it as MLC_CENTER_TOKEN where the runtime {name} runs.{before}", err=True)


@token.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show which runtimes have tokens, when these were issued, and when they were last used."""
    from pydantic_core import to_json

    from mlc.standalone.access.client import known_tokens

    known = asyncio.run(known_tokens(*center_and_token(_FOR)))
    if as_json:
        typer.echo(to_json({"tokens": known}, indent=2).decode())
        return
    for line in _lines(known):
        typer.echo(line)


@token.command()
def revoke(name: RuntimeName, as_json: AsJson = False) -> None:
    """End a runtime's tokens at once. Exit code 1: it has none."""
    from pydantic_core import to_json

    from mlc.standalone.access import client

    revoked = asyncio.run(client.revoke(*center_and_token(_FOR), name))
    said = f"{revoked} token{'s' if revoked > 1 else ''} of the runtime {name} revoked."
    typer.echo(to_json({"name": name, "revoked": revoked}, indent=2).decode() if as_json else said)


def _lines(known: "Sequence[KnownToken]") -> "Iterator[str]":
    from mlc.terminal import printable

    if not known:
        yield "No runtime has a token."
        return
    width = max(len(each.name) for each in known) + 2
    yield f"{'RUNTIME':<{max(width, 9)}}{'ISSUED':<22}{'LAST USED':<22}UNTIL"
    for each in known:
        used = _time(each.used) if each.used else "never"
        until = _time(each.until) if each.until else "it is revoked"
        yield printable(f"{each.name:<{max(width, 9)}}{_time(each.issued):<22}{used:<22}{until}")


def _time(moment: "datetime") -> str:
    from datetime import UTC

    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
