"""``mlc monitor``: what monitors compare with."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.home import use_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from activities.baselines import Baseline

monitor = typer.Typer(help="Monitors of snapshots.", no_args_is_help=True, rich_markup_mode=None)


@monitor.callback()
def monitors() -> None:
    """One command is not all that may come."""


@monitor.command()
def baseline(
    snapshot: Annotated[str, typer.Argument(help="Id of the snapshot.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of a baseline of other content, if there is one.")
    ] = False,
) -> None:
    """Score a snapshot's training data with its model, and store both as its asset with the role BASELINE_DATA.

    Concept drift and stability compare scores, which training data alone has not. A runtime scores it, by a job of the
    model centre. The same again changes nothing; another baseline stays unless --replace is typed.
    """
    from temporalio.exceptions import ApplicationError

    from mlc.terminal import printable

    use_home()
    try:
        made = asyncio.run(_made(snapshot, replace=replace))
    except ApplicationError as error:
        typer.echo(printable(error.message), err=True)
        raise typer.Exit(1) from None
    for line in _lines(made):
        typer.echo(printable(line))


async def _made(snapshot_id: str, *, replace: bool) -> "Baseline":
    from activities.baselines import make_baseline
    from mlc.center.configured import configured_center
    from mlc.settings import ProcessSettings
    from mlc.terminal import printable

    def tell(said: str) -> None:
        typer.echo(printable(said), err=True)

    async with configured_center() as center:
        return await make_baseline(center, snapshot_id, ProcessSettings(), replace=replace, tell=tell)


def _lines(made: "Baseline") -> "Iterator[str]":
    what = "stored" if made.added else "the snapshot has it already: nothing was changed"
    if made.replaced:
        what = f"stored in the place of the one before ({made.replaced})"
    for name, value in (
        ("Baseline", f"{made.name}  SHA-256 {made.sha256}  ({what})"),
        ("Records", f"{made.records:,}, each with its score"),
        ("Of", made.training_data),
        ("Job", made.job_id),
    ):
        yield f"{name:<14}{value}"
    yield from made.remarks
