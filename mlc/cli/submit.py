"""``mlc submit``: what it prints, and the exit code that tells the outcome."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from temporalio.client import WorkflowFailureError

from mlc.center.configured import configured_center
from mlc.center.modelop.folder import shown, unfit
from mlc.center.modelop.settings import CenterSettings
from mlc.cli.home import typed
from mlc.cli.sending import sending_shown
from mlc.model.failure import innermost
from mlc.model.processes import DEPLOY_MODEL, TASK_QUEUE, DeployModelInput, DeployModelResult, deploy_model_id
from mlc.pages import run_page
from mlc.settings.reading import settings_file
from mlc.standalone.submit import Submitted, submit
from mlc.standalone.validation import Report, Surroundings, surroundings, validate
from mlc.standalone.watch import watch
from mlc.temporal import connect
from mlc.terminal import printable

REFUSED, REJECTED, RUN_FAILED = 1, 3, 4
"""Exit codes: the folder has errors; the run ended rejected; the run failed."""
CENTER_SAID_BY = {"url", "token", "token_url"}
"""Settings any of which shows that somebody has said where the model centre is."""


async def submit_and_watch(
    folder: Path, *, name: str | None, tags: Sequence[str], stage: str, watching: bool, held: bool = False
) -> int:
    """Submit a model folder, print what was made of it, and show the run if ``watching``. Returns the exit code.

    Args:
        held: nothing is started; what is typed for it is said.
    """
    first = validate(folder, tags, Surroundings(runtimes=(), not_control=None))  # before anything else is needed
    first.report.errors[:0] = _wrong_name(name)
    if first.report.errors:
        return _refuse(first.report)
    # Before Temporal: in another folder than `mlc dev`'s, what would be said of that helps nobody.
    if not CenterSettings().model_fields_set & CENTER_SAID_BY:
        return _say_where(typed())
    temporal = await connect()
    async with sending_shown() as tell, configured_center(tell) as center:
        validated = validate(folder, tags, await surroundings(center, first.report.methodology))
        if validated.report.errors:
            return _refuse(validated.report)
        for warning in validated.report.warnings:
            typer.echo(printable(f"Warning: {warning}"), err=True)
        if hints := len(validated.report.hints):
            typer.echo(f"{hints} hint{'s' if hints > 1 else ''} about decision tables: mlc validate {folder}", err=True)
        made = await submit(validated, name=name, stage=stage, held=held, center=center, temporal=temporal)
        page, standalone = center.page_of(made.snapshot_id), CenterSettings().standalone
    _tell_submitted(made, temporal.namespace, page)
    if made.held:
        _tell_held(made.snapshot_id, standalone)
    elif not made.workflow_id:
        typer.echo("It is a monitor: it is stored, to be put on the snapshots of models, and not deployed by itself.")
    if not watching or not made.workflow_id:
        return 0
    try:
        result = await watch(temporal, made.workflow_id, Console(highlight=False))
    except WorkflowFailureError as error:
        typer.echo(f"The run did not end well: {innermost(error)}", err=True)
        return RUN_FAILED
    _tell_result(result)
    return 0 if result.outcome == "deployed" else REJECTED


def _say_where(mlc: str) -> int:
    """No setting names a model centre: most likely the command was typed in another folder than `mlc dev`."""
    typer.echo(
        f"No model centre is set, and {settings_file().absolute()} is not there or names none. Type this "
        f"in the folder where `{mlc} dev` runs, or set MLC_HOME to its .mlc folder, or MLC_CENTER_URL.",
        err=True,
    )
    return REFUSED


def _wrong_name(name: str | None) -> list[str]:
    """A sentence about a name that the model can't have."""
    if name is None:
        return []
    problem = unfit(name) or ("" if name.strip() else "is empty; write another.")
    return [f"The name {shown(name, 60)!r} {problem}"] if problem else []


def _refuse(report: Report) -> int:
    """Say why nothing was made of a folder."""
    for error in report.errors:
        typer.echo(printable(error), err=True)
    typer.echo(f"Nothing was made in the model centre. All about the folder: mlc validate {report.folder}", err=True)
    return REFUSED


def _tell_submitted(made: Submitted, namespace: str, page: str | None) -> None:
    for what, value in (
        ("Model", f"{made.model_name}  {made.model_id}  ({'new' if made.new_model else 'updated'})"),
        ("Snapshot", f"{made.snapshot_name}  {made.snapshot_id}"),
        ("Run", made.workflow_id),
        ("Temporal UI", run_page(made.workflow_id, namespace) if made.workflow_id else None),
        ("Model centre", page),
    ):
        if value:
            typer.echo(printable(f"{what:<14}{value}"))


def _tell_held(snapshot_id: str, standalone: bool) -> None:
    given = DeployModelInput(snapshot_id=snapshot_id).model_dump_json(exclude_defaults=True)
    start = f"temporal workflow start --type {DEPLOY_MODEL} --task-queue {TASK_QUEUE}"
    typer.echo("It is not started. Its baseline, if it needs one, and then its start:")
    typer.echo(printable(f"  {typed()} monitor baseline {snapshot_id}"))
    typer.echo(printable(f"  {start} --workflow-id {deploy_model_id(snapshot_id)} --input '{given}'"))
    if not standalone:
        typer.echo("If the model centre tells the gateway of new snapshots, it is started by that, all the same.")


def _tell_result(result: DeployModelResult) -> None:
    typer.echo(f"Outcome: {result.outcome}")
    for warning in result.warnings:
        typer.echo(printable(f"Warning: {warning}"))
