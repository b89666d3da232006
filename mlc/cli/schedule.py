"""``mlc schedule``: the model centre's schedules as Temporal runs them."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.home import use_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mlc.mirrored import MirroredSchedule

schedule = typer.Typer(help="The model centre's schedules.", no_args_is_help=True, rich_markup_mode=None)

ScheduleName = Annotated[str, typer.Argument(help="Its name, or its id in the centre or in Temporal.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON: an object with schedules and problems.")]


@schedule.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show what runs when, how it went last, and which schedules can't run and why."""
    from pydantic_core import to_json

    schedules, problems = asyncio.run(_seen())
    if as_json:
        typer.echo(to_json({"schedules": schedules, "problems": problems}, indent=2).decode())
        return
    for line in _lines(schedules, problems):
        typer.echo(line)


@schedule.command()
def run(name: ScheduleName) -> None:
    """Start what a schedule starts, now. It need not be its time, and a pause does not matter."""
    from mlc.mirrored import fire
    from mlc.pages import run_page
    from mlc.temporal import connect

    async def fired() -> tuple[str, str]:
        client = await connect()
        return await fire(client, name), client.namespace

    use_home()
    workflow_id, namespace = asyncio.run(fired())
    typer.echo(f"{'Run':<14}{workflow_id}")
    typer.echo(f"{'Temporal UI':<14}{run_page(workflow_id, namespace)}")


async def _seen() -> tuple["list[MirroredSchedule]", list[str]]:
    from mlc.center.configured import configured_center
    from mlc.mirrored import mirrored_schedules, problems
    from mlc.temporal import connect

    use_home()
    client = await connect()
    schedules = await mirrored_schedules(client)
    async with configured_center() as center:
        return schedules, await problems(client, center, schedules)


def _lines(schedules: "Sequence[MirroredSchedule]", problems: "Sequence[str]") -> "Iterator[str]":
    from mlc.terminal import printable

    for each in schedules:
        yield printable(f"{each.name}{f'  (paused: {each.note})' if each.paused else ''}")
        last = each.last
        for what, value in (
            ("cron", f"{each.cron}  {each.time_zone}"),
            ("starts", f"{each.starts}  {each.workflow_id}"),
            ("next", _time(each.next, each.time_zone) if each.next else "never again"),
            (
                "last",
                f"{_time(last.started, each.time_zone)}  {last.outcome}  {last.workflow_id}" if last else "not yet",
            ),
            ("source", each.source),
            ("id", each.id),
        ):
            yield printable(f"  {what:<8}{value}")
    if not schedules:
        yield "No schedule of the model centre runs."
    for problem in problems:
        yield printable(f"! {problem}")


def _time(moment: "datetime", zone: str) -> str:
    from zoneinfo import ZoneInfo

    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
