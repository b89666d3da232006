"""``mlc requests``: what online models were asked and answered, where a runtime keeps that."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.home import use_home

if TYPE_CHECKING:
    from mlc.model.online_requests import Forgotten

_BATCHES = "Files of batch jobs are not looked through."

requests = typer.Typer(
    help="Online requests that are kept for monitors (MLC_RUNTIME_KEEP_REQUESTS).",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@requests.callback()
def kept() -> None:
    """One command is not all that may come."""


@requests.command()
def forget(
    identifier: Annotated[str, typer.Argument(help="What the schema's identifier column says of the record.")],
    model: Annotated[str, typer.Option(help="Name or id of the model.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Delete what is kept of a record, of all snapshots of a model, and the files of jobs in which it may stand.

    What a runtime has still to send arrives some seconds later: then type it once more. Files of batch jobs are not
    looked through. If nothing is kept under the identifier the exit code is 1.
    """
    from mlc.terminal import printable

    use_home()
    gone = asyncio.run(_forgotten(model, identifier))
    if as_json:
        typer.echo(gone.model_dump_json(indent=2))
    else:
        typer.echo(printable(_told(gone, identifier)), err=not gone.requests)
    if not gone.requests:
        raise typer.Exit(1)


def _told(gone: "Forgotten", identifier: str) -> str:
    if not gone.requests:
        return f"No online request is kept with the identifier {identifier[:100]}: nothing is forgotten. {_BATCHES}"
    files = f"; {gone.files} file{'s' if gone.files != 1 else ''} of jobs deleted" if gone.files else ""
    many = f"{gone.requests} online request{'s' if gone.requests != 1 else ''}"
    return f"{many} with the identifier {identifier} forgotten{files}. {_BATCHES}"


async def _forgotten(model: str, identifier: str) -> "Forgotten":
    from mlc.center.configured import configured_center
    from mlc.cli.near_models import no_such_model
    from mlc.model.failure import NotFound

    async with configured_center() as center:
        found = await center.find_models(model)
        if len(found) > 1:
            listed = ", ".join(each.id for each in found[:5])
            raise NotFound(
                "model centre", f"{len(found)} models are called {model[:100]}: name one by its id ({listed})."
            )
        try:
            return await center.forget_online_requests(found[0].id if found else model, identifier)
        except NotFound as error:
            raise NotFound(error.system, await no_such_model(center, model)) from None
