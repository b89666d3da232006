"""The ``mlc`` command. What a command needs is imported when it runs, so that ``mlc --help`` is quick."""

import mlc.start  # noqa: F401 - before all others: it says where they may come from

# isort: split

import asyncio
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mlc.cli.accounts import account
from mlc.cli.dmn import dmn
from mlc.cli.extra import STANDALONE, require
from mlc.cli.failure import what_went_wrong
from mlc.cli.files import file
from mlc.cli.home import typed, use_home
from mlc.cli.monitor import monitor
from mlc.cli.policy import policy
from mlc.cli.programs import center, desk, gateway, runtime, worker
from mlc.cli.requests import requests
from mlc.cli.schedule import schedule
from mlc.cli.schema import schema
from mlc.cli.service import as_service
from mlc.cli.tokens import token
from mlc.cli.truth import truth

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Model life-cycle processes on Temporal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(account, name="account")
app.add_typer(dmn, name="dmn")
app.add_typer(file, name="file")
app.add_typer(monitor, name="monitor")
app.add_typer(policy, name="policy")
app.add_typer(requests, name="requests")
app.add_typer(schedule, name="schedule")
app.add_typer(schema, name="schema")
app.add_typer(token, name="token")

FAILED, INTERRUPTED = 1, 130
"""Exit codes: the command failed; Ctrl-C. 2 is a mistyped command."""

_debug = False


def _tell_version(asked: bool) -> None:
    from importlib.metadata import PackageNotFoundError, version

    if asked:
        try:
            typer.echo(f"mlc {version('mlc-temporal')}")
        except PackageNotFoundError:
            typer.echo("mlc, of no known version: it runs from its source, and is not installed (pip install -e .)")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", help="Show the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""
    global _debug  # noqa: PLW0603 - read once, when the command has failed
    _debug = debug


FreePorts = Annotated[bool, typer.Option("--free-ports", help="Find free ports, not the usual ones.")]


@app.command()
def dev(free_ports: FreePorts = False) -> None:
    """Start everything on this machine: Temporal, model centre, ticket desk, runtimes, worker, gateway.

    State is kept in .mlc (or $MLC_HOME): started again, everything goes on where it was.
    """
    require("dev", STANDALONE)
    from mlc.standalone.demo import EXAMPLES
    from mlc.standalone.dev import Standalone, run_until_told, teller

    async def tell_and_wait(system: Standalone) -> None:
        for what, address in system.addresses.items():
            tell(f"{what:<16}{address}")
        model = here if (here := Path("examples/breast_cancer")).is_dir() else EXAMPLES / here.name
        tell(f"Ready. Try: {typed()} submit {model} --tag train --tag run_test --tag jira --tag online --watch")
        await asyncio.Event().wait()

    folder, console = _standalone_home()
    tell = teller(console)
    asyncio.run(run_until_told(folder, free_ports=free_ports, tell=tell, work=tell_and_wait))


@app.command()
def demo(
    approve: Annotated[bool, typer.Option("--approve", help="Let the demo decide on the tickets, too.")] = False,
    leave: Annotated[bool, typer.Option("--exit", help="End everything after the last outcome.")] = False,
    free_ports: FreePorts = False,
) -> None:
    """Take three models through the process on this machine: one online, one as batch, one rejected.

    You decide on the ticket board. With --exit the exit code is 0 if every outcome was as expected, 1 if not.
    """
    require("demo", STANDALONE)
    from mlc.standalone.demo.run import run_demo

    folder, console = _standalone_home()
    right = asyncio.run(run_demo(folder, approve=approve, leave=leave, free_ports=free_ports, console=console))
    raise typer.Exit(INTERRUPTED if right is None else 0 if right or not leave else FAILED)


def _standalone_home() -> tuple[Path, "Console"]:
    from rich.console import Console

    from mlc.check.settings import unknown_settings
    from mlc.settings.reading import home
    from mlc.standalone.dev import said_in_vain

    folder, console = home().absolute(), Console(highlight=False)
    for finding in unknown_settings():  # what runs below reads no file, and is told nothing that it doesn't know
        console.print(f"! {finding.what}: {finding.remedy}", markup=False, soft_wrap=True)
    if said := said_in_vain(folder):
        console.print(f"! {said}", markup=False, soft_wrap=True)
    console.print(f"Starting in {folder} ...", markup=False, soft_wrap=True)
    return folder, console


app.command()(worker)
app.command()(gateway)


@app.command()
def setup() -> None:
    """Make what the processes need in the Temporal namespace: search attributes, schedules of our own, retention.

    Where MLC_RUN_JOB_NAMESPACE gives jobs a namespace of their own, that is made, too, if it isn't there.
    """
    from mlc.namespace import set_up_jobs
    from mlc.namespace import setup as set_up
    from mlc.settings import ProcessSettings, RunJobSettings
    from mlc.temporal import connect

    async def run() -> list[str]:
        client, settings = await connect(), ProcessSettings()
        jobs = await set_up_jobs(client, RunJobSettings().namespace, settings.retention)
        return [*await set_up(client, settings), *jobs]

    as_service()
    for line in asyncio.run(run()):
        typer.echo(line)


@app.command()
def check() -> None:
    """Look at every connection and right that the processes need, and say what to do where one is missing.

    Changes nothing. Exit code 1: something is missing (x); warnings (!) leave it 0.
    """
    from mlc.check.report import check_everything, lines

    use_home()
    logging.disable()  # what went wrong is among the findings
    sections = asyncio.run(check_everything())
    for line in lines(sections, sys.stdout.encoding):
        typer.echo(line)
    raise typer.Exit(0 if all(section.right for section in sections) else FAILED)


@app.command()
def processes() -> None:
    """Show the processes that there are, and which signals start them."""
    from mlc.cli.processes import lines
    from workflows.registry import PROCESSES

    for line in lines(PROCESSES):
        typer.echo(line)


@app.command()
def submit(
    folder: Annotated[Path, typer.Argument(help="A model folder in ModelOp's layout.", exists=True, file_okay=False)],
    *,
    tag: Annotated[
        list[str] | None, typer.Option(help="Tag of the snapshot: train, run_test, jira, or a runtime's: online.")
    ] = None,
    stage: Annotated[str, typer.Option(help="Stage of the model.")] = "PROD",
    name: Annotated[str | None, typer.Option(help="Name of the model, if not metadata.json's.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show the run until it ends.")] = False,
    no_start: Annotated[bool, typer.Option("--no-start", help="Start nothing; say what is typed to start it.")] = False,
) -> None:
    """Register a model folder in the model centre, snapshot it and start DeployModel.

    The folder is looked at first, as `mlc validate` does: nothing is made of one with errors. The snapshot has the
    tags of metadata.json, too. A monitor's folder is stored, and nothing is started.

    With --watch the exit code tells the outcome: 0 deployed, 3 rejected or overtaken, 4 the run failed.
    """
    from mlc.cli.submit import submit_and_watch

    if watch and no_start:
        raise typer.BadParameter("--watch shows a run, and with --no-start there is none.")
    use_home()
    code = asyncio.run(submit_and_watch(folder, name=name, tags=tag or [], stage=stage, watching=watch, held=no_start))
    raise typer.Exit(code)


@app.command()
def validate(
    folder: Annotated[Path, typer.Argument(help="A model folder in ModelOp's layout.")],
    tag: Annotated[list[str] | None, typer.Option(help="Tag that the snapshot would have besides its own.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON.")] = False,
) -> None:
    """Say what a model folder holds and lacks, and which monitors it would get. Exit code 1: it can't be submitted.

    Nothing is made or changed. The model centre is asked which runtimes and monitors there are, if one is set.
    """
    from mlc.cli.validate import lines, looked_at

    use_home()
    report = asyncio.run(looked_at(folder, tag or [])).report
    for line in [report.model_dump_json(indent=2)] if json else lines(report):
        typer.echo(line)
    raise typer.Exit(0 if report.right else FAILED)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it may be there, and must be empty.")],
) -> None:
    """Write a small working model folder, to be changed into one of your own."""
    from mlc.center.modelop.folder import write_starter

    name = write_starter(folder)
    for line in (
        f"{folder} holds the model {name!r}: source, weights, data, schemas and a decision table.",
        f"Look at it: {typed()} validate {folder}",
        f"Submit it, in the folder where `{typed()} dev` runs: {typed()} submit {folder.absolute()} --watch",
    ):
        typer.echo(line)


app.command()(truth)
app.command()(runtime)
app.command(hidden=True)(center)
app.command(hidden=True)(desk)


def _say_anything() -> None:
    """What the terminal's encoding has not, such as a file's name in another one, is written in its place as a code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code.

    Args:
        arguments: what is typed behind ``mlc``; None: what this process was started with.
    """
    code: object = 0
    try:
        app(arguments)
    except SystemExit as ending:
        code = ending.code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if _debug:
            traceback.print_exc()
        else:
            typer.echo(what_went_wrong(error), err=True)
        code = FAILED
    return code if isinstance(code, int) else 0 if code is None else FAILED


def main() -> NoReturn:
    """Run a command. The exit code can be relied upon: nothing that runs at the interpreter's end can change it."""
    _say_anything()
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    # A process that held a Temporal worker is sometimes aborted while the interpreter is taken down.
    os._exit(code)
