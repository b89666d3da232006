"""``mlc truth``: labels that came later, sent to the model centre from a file, or forgotten there."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlc.cli.extra import RUNTIME, require
from mlc.cli.home import use_home
from mlc.cli.near_models import no_such_model
from mlc.model.failure import MlcError, NotFound, Unavailable
from mlc.model.truth import MOST_AT_ONCE, KeptTruth, NoTruth, Truth, identifier_of, label_of, time_of
from mlc.terminal import printable

if TYPE_CHECKING:
    from mlc.center import Center
    from mlc.model.snapshot import Snapshot

_LONGEST_PIECE = 2_000_000
"""Characters of identifiers and labels that are sent at once: a centre takes bodies of some megabytes."""
_SHOWN = 30
_AGAIN = "With truth there is no need to look: send the file again, since what is kept already is not kept twice."


class UnusableFile(MlcError, ValueError):
    """A file, or what was typed of it, can't be used. The text is a sentence."""


@dataclass(frozen=True)
class Columns:
    """The columns of a file; ``time`` None: it has none."""

    id: str
    label: str
    time: str | None


@dataclass
class Sent:
    """What became of a file's rows so far."""

    kept: KeptTruth = field(default_factory=KeptTruth)
    unlabelled: int = 0
    whole: bool = False


def truth(
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV, JSON lines, JSON, Parquet or Arrow with an id, a label and a time in each row."),
    ] = None,
    *,
    model: Annotated[str, typer.Option(help="The model whose records they are: its name, or its id.")] = "",
    id: Annotated[str, typer.Option("--id", help="Column of the records' ids.")] = "",  # noqa: A002 - as it is typed
    label: Annotated[str, typer.Option("--label", help="Column of the labels.")] = "",
    time: Annotated[str, typer.Option("--time", help="Column that says since when a label is known.")] = "",
    utc: Annotated[bool, typer.Option("--utc", help="Times without a zone are in UTC.")] = False,
    forget: Annotated[
        str | None, typer.Option("--forget", help="Forget the truth of this id; exit 1: there is none.")
    ] = None,
) -> None:
    """Keep what scored records turned out to be, so that monitors can measure performance; or forget it.

    Columns that are not named are those with the role identifier or label in the schema of the model's newest
    snapshot, or else those called id, label and time. Without a time it is the moment of reading. The last time is
    right, in whatever order files are sent; the same file again changes nothing, if it has times: without, its labels
    are newer each time it is read. Rows without a label are counted and
    passed over. At a row that can't be used it ends: those before it are kept, and it can be sent again, corrected.
    """
    if not model:
        raise typer.BadParameter("say which model it is: --model, with its name or its id.")
    if (file is None) == (forget is None):
        raise typer.BadParameter("give a file to be read, or an id with --forget.")
    use_home()
    if file is None:
        asyncio.run(_forgotten(model, forget or ""))
        return
    require("truth", RUNTIME)
    sent = Sent()
    try:
        asyncio.run(_sent(file, model, Columns(id, label, time or None), utc, sent))
    finally:  # also of what came before a row that can't be used
        if sent.whole or sent.kept.rows:
            for line in _lines(sent):
                typer.echo(printable(line))


async def _forgotten(model: str, identifier: str) -> None:
    from mlc.center.configured import configured_center

    try:
        found = identifier_of(identifier)
    except NoTruth as problem:
        raise UnusableFile(f"The id {problem}.") from None
    async with configured_center() as center:
        gone = await center.forget_truth(await _model_id(center, model), found)
    if not gone:
        raise UnusableFile(f"No truth is kept of the id {found[:100]!r}: nothing is forgotten.")
    typer.echo("Its truth is forgotten. Jobs that have read it keep their files.")


async def _sent(file: Path, model: str, asked: Columns, utc: bool, sent: Sent) -> None:
    from mlc.center.configured import configured_center

    async with configured_center() as center:
        model_id = await _model_id(center, model)
        columns = _columns(file, asked, await center.latest_snapshot(model_id))
        now = datetime.now(UTC)
        if columns.time is None:
            told = f"The file has no column for the time: it is {now:%Y-%m-%d %H:%M:%S} UTC, the moment of reading."
            typer.echo(told, err=True)
        pieces = _pieces(file, columns, now, utc, sent)
        while piece := await asyncio.to_thread(next, pieces, None):  # a connection that ends meanwhile is noticed
            try:
                kept = await _kept(center, model_id, piece)
            except Unavailable as error:
                if not error.maybe_done:
                    raise
                raise UnusableFile(f"{error} {_AGAIN}") from None
            sent.kept = sent.kept.plus(kept)
        sent.whole = True


async def _kept(center: "Center", model_id: str, piece: list[Truth]) -> KeptTruth:
    """What became of rows. If the answer was lost they are sent once more: the same again changes nothing."""
    try:
        return await center.keep_truth(model_id, piece)
    except Unavailable as error:
        if not error.maybe_done:
            raise
        return await center.keep_truth(model_id, piece)


async def _model_id(center: "Center", model: str) -> str:
    """The id of a model that is told by its name, or by its id.

    Raises:
        UnusableFile: there is none, or several of the name.
        Unsupported: the centre keeps no truth.
    """
    from mlc.center import Capability

    found = await center.find_models(model) if Capability.KEEPS_TRUTH in center.capabilities else []
    if len(found) > 1:
        listed = ", ".join(each.id for each in found[:_SHOWN])
        many = f"There are {len(found)} models of the name {model!r}"
        raise UnusableFile(f"{many}: give --model one of their ids ({listed}).")
    if found:
        return found[0].id
    try:
        await center.keep_truth(model, [])
    except NotFound:
        raise UnusableFile(await no_such_model(center, model)) from None
    return model


def _columns(file: Path, asked: Columns, newest: "Snapshot | None") -> Columns:
    """The columns of a file that are meant: those that were typed, of a role in the schema, or of the usual name.

    Raises:
        UnusableFile: one is not there.
    """
    there = _names(file)
    of_role = _of_roles(newest)
    chosen: dict[str, str | None] = {}
    for what, typed in (("id", asked.id), ("label", asked.label), ("time", asked.time or "")):
        wanted = [typed] if typed else [name for name in (of_role.get(what), what) if name]
        name = next((name for name in wanted if name in there), None)
        if name is None and (typed or what != "time"):
            listed = ", ".join(repr(name) for name in there[:_SHOWN]) + (" and more" if len(there) > _SHOWN else "")
            missing = " or ".join(repr(name) for name in dict.fromkeys(wanted))
            raise UnusableFile(f"{file} has no column {missing}: name it with --{what}. Its columns are {listed}.")
        chosen[what] = name
    return Columns(chosen["id"] or "", chosen["label"] or "", chosen["time"])


def _of_roles(newest: "Snapshot | None") -> dict[str, str]:
    """The columns that the schema of a snapshot has as its identifier and its label.

    Not the date of a prediction: it says nothing of when the label became known, and the last time is right.
    """
    from activities.monitor_needs import schema_of, truth_columns

    schema = schema_of(newest)[0] if newest is not None else None
    columns = truth_columns(schema) if schema is not None else None
    return {} if columns is None else {"id": columns.identifier, "label": columns.label}


def _names(file: Path) -> list[str]:
    """The columns of a file; of JSON those of its first record.

    Raises:
        UnusableFile: it can't be read, or holds nothing.
    """
    from mlc.data.headers import file_columns

    if (named := file_columns(file)) is not None:
        return named
    first = next(_rows(file, {}), None)
    if first is None:
        raise UnusableFile(f"{file} holds no rows.")
    return list(first)


def _pieces(file: Path, columns: Columns, now: datetime, utc: bool, sent: Sent) -> Iterator[list[Truth]]:
    """The rows of a file, as many at once as are sent. Rows without a label are counted.

    Raises:
        UnusableFile: a row can't be used; those before it have come.
    """
    piece, size = list[Truth](), 0
    texts = {name: "text" for name in (columns.id, columns.time) if name}
    try:
        for number, row in enumerate(_rows(file, texts), start=1):
            if row.get(columns.label) is None:
                sent.unlabelled += 1
                continue
            piece.append(_truth(row, columns, f"{file}, row {number}", now, utc))
            size += len(piece[-1].identifier) + len(piece[-1].label)
            if len(piece) == MOST_AT_ONCE or size >= _LONGEST_PIECE:
                yield piece
                piece, size = [], 0
    except UnusableFile:
        if piece:
            yield piece
        raise
    if piece:
        yield piece


def _rows(file: Path, kinds: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The records of a file, one after the other.

    Args:
        kinds: of columns of CSV, where they are known.

    Raises:
        UnusableFile: it can't be read to its end.
    """
    from mlc.runtime.formats import DATA_FORMATS, ending
    from mlc.runtime.harness.records import read_records
    from mlc.runtime.harness.unreadable import Broken, Unreadable

    form = DATA_FORMATS.get(ending(PurePosixPath(file.name)))
    if form is None or file.suffix == ".gz":
        known = ", ".join(sorted(DATA_FORMATS))
        raise UnusableFile(f"{file}: its name's ending must tell its format: {known}.")
    number = 0
    try:
        for read in read_records(file, form, file.name, kinds):
            for row in read if isinstance(read, list) else [read]:
                number += 1
                if isinstance(row, Broken):
                    raise UnusableFile(f"{file}: {row.place} {row.problem}.")
                if not isinstance(row, dict):
                    raise UnusableFile(f"{file}, row {number}, is no object with columns.")
                yield row
    except Unreadable as error:
        raise UnusableFile(str(error)) from None


def _truth(row: dict[str, Any], columns: Columns, where: str, now: datetime, utc: bool) -> Truth:
    what = columns.id
    try:
        identifier = identifier_of(row.get(columns.id))
        what = columns.label
        label = label_of(row[columns.label])
        if columns.time is None:
            return Truth(identifier, label, now)
        what = columns.time
        return Truth(identifier, label, time_of(row.get(columns.time), now=now, utc=utc))
    except NoTruth as problem:
        hint = " Or say with --utc that such times are in UTC." if "no zone" in str(problem) else ""
        raise UnusableFile(f"{where}: {what} {problem}.{hint}") from None


def _lines(sent: Sent) -> Iterator[str]:
    kept = sent.kept
    yield f"{kept.rows:,} labels: {kept.new:,} new, {kept.replaced:,} replaced, {kept.same:,} known already, " + (
        f"{kept.older:,} older than what is known."
    )
    if sent.unlabelled:
        yield f"{sent.unlabelled:,} rows have no label, and were passed over."
