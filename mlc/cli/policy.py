"""``mlc policy``: governance policies, checked, given to the model centre and explained."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.home import use_home
from mlc.model.failure import MlcError, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from mlc.center import Center
    from mlc.cli.explanation import Explanation
    from mlc.governance import GovernancePolicy
    from mlc.governance.advice import Around
    from mlc.model.kept_policy import KeptPolicy, PolicyRef
    from mlc.model.snapshot import Snapshot

policy = typer.Typer(
    help="Governance policies: what must be asked of whom before a model goes into use.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

WRONG = 1
"""Exit code of what can't be read."""
_DIFFERENCE = 60
"""Lines of it that are shown."""
_SHORTEST_HASH = 6

PolicyFile = Annotated[Path, typer.Argument(help="The policy, a YAML file: docs/policy.md.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


class NoPolicy(MlcError, LookupError):
    """There is no such policy. The text is a sentence."""


@policy.command()
def check(file: PolicyFile) -> None:
    """Say what is wrong in a policy, line by line, and what in it was most likely not meant.

    Exit code 1: it can't be read; warnings leave it 0. The model centre is not asked.
    """
    use_home()
    _, read = _checked(file)
    rules, people = len(read.rules), len(read.people)
    _say(f"{file} is a policy of {rules} rule{'' if rules == 1 else 's'}, with {people} people.")


@policy.command()
def put(
    file: PolicyFile,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and leave it.")] = False,
) -> None:
    """Check a policy and make it the model centre's current one. The one before is kept.

    What it changes is shown, as `diff -u` does.
    """
    use_home()
    text, _ = _checked(file)
    asyncio.run(_put(text, dry_run=dry_run))


@policy.command()
def show(
    sha256: Annotated[str | None, typer.Argument(metavar="[HASH]", help="Of an earlier one: its first digits.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the current policy, or another one that was put."""
    use_home()
    kept = asyncio.run(_kept(sha256))
    if as_json:
        typer.echo(kept.model_dump_json(indent=2))
        return
    for line in kept.text.splitlines():
        _say(line)


@policy.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show which policy was current since when and who put it, the newest first."""
    from pydantic_core import to_json

    use_home()
    known = asyncio.run(_history())
    if as_json:
        typer.echo(to_json({"policies": known}, indent=2).decode())
        return
    if not known:
        typer.echo("The model centre has no policy: what tags ask for counts.")
    for number, each in enumerate(known):
        current = "  current" if number == 0 else ""
        _say(f"{each.sha256}  since {_time(each.put_at)}  by {each.put_by}{current}")


@policy.command()
def explain(
    snapshot: Annotated[str, typer.Argument(help="Id or name of the snapshot; of a model's name, its newest one.")],
    as_json: AsJson = False,
) -> None:
    """Say what the current policy asks of a snapshot, by which of its rules, and why."""
    from mlc.cli.explanation import lines

    use_home()
    found = asyncio.run(_explained(snapshot))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    for line in lines(found):
        _say(line)


def _checked(file: Path) -> "tuple[str, GovernancePolicy]":
    """A file's policy; what is noticed of it goes to stderr. Ends the command if it can't be read."""
    from mlc.governance import PolicyError, read_policy
    from mlc.governance.advice import warnings
    from mlc.governance.notation import LARGEST

    with file.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    try:
        read = read_policy(content)
    except PolicyError as error:
        for line in str(error).splitlines():
            _say(f"{file}: {line}", err=True)
        raise typer.Exit(WRONG) from None
    for warning in warnings(read, _around()):
        _say(f"Warning: {warning}", err=True)
    return content.decode(), read


def _around() -> "Around":
    from activities.matching import control_tags, stage_names
    from mlc.governance.advice import Around
    from mlc.settings import ProcessSettings
    from mlc.ticketing.registry import review_tags, with_settings

    settings, systems = ProcessSettings(), list(with_settings())
    there = [system.provider for system, known in systems if known.url is not None]
    tags = control_tags(settings, review_tags(systems, settings))
    return Around(stage_names(settings), there, settings.ticketing, tags)


async def _put(text: str, *, dry_run: bool) -> None:
    from mlc.center.configured import configured_center

    async with configured_center() as center:
        current = await center.read_policy()
        if current is not None and current.text == text:
            _say(f"It is the current policy already, since {_time(current.put_at)}: nothing was changed.")
            return
        for line in _difference(current, text):
            _say(line)
        if dry_run:
            typer.echo("Nothing was changed.")
            return
        made = await center.put_policy(text)
    _say(f"The policy {made.sha256} is current since {_time(made.put_at)}.")


def _difference(current: "KeptPolicy | None", text: str) -> Iterator[str]:
    from difflib import unified_diff

    if current is None:
        yield "It is the model centre's first policy."
        return
    before, after = current.text.splitlines(), text.splitlines()
    found = list(unified_diff(before, after, f"current {current.sha256[:12]}", "new", n=2, lineterm=""))
    yield from found[:_DIFFERENCE] or ["Only the ends of lines differ."]
    if len(found) > _DIFFERENCE:
        yield f"... and {len(found) - _DIFFERENCE:,} more lines"


async def _kept(sha256: str | None) -> "KeptPolicy":
    from mlc.center.configured import configured_center

    async with configured_center() as center:
        whole = sha256 if sha256 is None else await _whole(center, sha256.lower())
        kept = await center.read_policy(whole)
        if kept is None:
            raise NoPolicy("The model centre has no policy: `mlc policy put FILE` gives it one.")
        return kept


async def _whole(center: "Center", begins: str) -> str:
    """The hash that begins so."""
    found = {each.sha256 for each in await center.list_policies() if each.sha256.startswith(begins)}
    if len(begins) < _SHORTEST_HASH or len(found) != 1:
        many = f"{len(found)} policies" if found and len(begins) >= _SHORTEST_HASH else "No policy"
        least = f"give at least {_SHORTEST_HASH} digits"
        raise NoPolicy(f"{many} with the hash {begins[:64]!r}: {least}; `mlc policy list` shows them.")
    return found.pop()


async def _history() -> "list[PolicyRef]":
    from mlc.center.configured import configured_center

    async with configured_center() as center:
        return await center.list_policies()


async def _explained(name: str) -> "Explanation":
    from activities.governance import facts_of
    from activities.matching import stage_names
    from mlc.center.configured import configured_center
    from mlc.cli.explanation import explanation
    from mlc.governance import read_policy
    from mlc.settings import ProcessSettings
    from mlc.ticketing.registry import review_tags, with_settings

    settings = ProcessSettings()
    async with configured_center() as center:
        kept = await center.read_policy()
        if kept is None:
            raise NoPolicy("The model centre has no policy: nothing is asked of a snapshot but what its tags ask for.")
        snapshot = await _snapshot(center, name)
        facts = facts_of(snapshot, await center.list_runtimes(), settings, review_tags(with_settings(), settings))
    read = read_policy(kept.text).in_stages(stage_names(settings))
    return explanation(snapshot, kept, read, facts)


async def _snapshot(center: "Center", name: str) -> "Snapshot":
    """A snapshot by its id, by its own name if it is its model's newest, or by the model's name."""
    try:
        return await center.get_snapshot(name)
    except NotFound:
        pass
    for model_name in dict.fromkeys((name, name.rpartition("-")[0])):
        models = await center.find_models(model_name) if model_name else []
        if len(models) > 1:
            raise NotFound(
                "model centre", f"{len(models)} models are called {model_name[:100]}: give the snapshot's id."
            )
        newest = await center.latest_snapshot(models[0].id) if models else None
        if newest is not None and name in {model_name, newest.name}:
            return newest
    raise NotFound(
        "model centre",
        f"There is no snapshot of the id {name[:100]!r}, and no model whose name or newest one it is.",
    )


def _say(line: str, *, err: bool = False) -> None:
    from mlc.terminal import printable

    typer.echo(printable(line), err=err)


def _time(moment: "datetime") -> str:
    from datetime import UTC

    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
