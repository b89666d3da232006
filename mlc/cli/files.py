"""``mlc file``: what standalone mode's model centre keeps of models and jobs."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.home import center_and_token

if TYPE_CHECKING:
    from mlc.standalone.center.files.leavings import Leaving

file = typer.Typer(
    help="Files of standalone mode's model centre (MLC_CENTER_URL), with its own MLC_CENTER_TOKEN.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@file.callback()
def files() -> None:
    """One command is not all that may come."""


@file.command("remove-unused")
def remove_unused(
    days: Annotated[int, typer.Option(min=1, help="Only what nothing has referred to for so many days.")] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and leave it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Remove the files that no model, snapshot, job or other entry refers to any more.

    Work may go on meanwhile, and so may another of these commands: what is sent or referred to stays. What it has
    removed is said as it goes; ended in the middle, it can be started again.
    """
    from pydantic_core import to_json

    found: list[Leaving] = []

    async def run() -> None:
        from mlc.standalone.center.files.leavings import leavings

        async for each in leavings(*center_and_token("to look after its files"), days, remove=not dry_run):
            found.append(each)
            if not as_json:
                typer.echo(f"{each.sha256}  {each.size:>15,} bytes")

    asyncio.run(run())
    size = sum(each.size for each in found)
    if as_json:
        listed = [each._asdict() for each in found]
        typer.echo(to_json({"removed": not dry_run, "files": listed, "bytes": size}, indent=2).decode())
        return
    many = "1 file" if len(found) == 1 else f"{len(found):,} files"
    what = "would be removed" if dry_run else "removed"
    typer.echo(f"{many} of {size:,} bytes {what}: nothing has referred to them for {days} days.")
