"""``mlc validate``: what a model folder holds and lacks, for a person or for a program to read."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlc.center.configured import configured_center
from mlc.center.modelop.settings import CenterSettings
from mlc.model.failure import ExternalError
from mlc.standalone.tables import TableReport
from mlc.standalone.validation import Report, Surroundings, Validated, surroundings, validate
from mlc.terminal import printable

ALONE = "as standalone mode has them; no model centre was asked"


async def looked_at(folder: Path, tags: Sequence[str]) -> Validated:
    """Look at a folder, with what the configured model centre has if one is set and answers."""
    first = validate(folder, tags)
    if first.folder is None or not is_center_set():
        return first
    with suppress(ExternalError):
        return validate(folder, tags, await _asked(first.report.methodology))
    return first


def is_center_set() -> bool:
    """Whether anybody has said where the model centre is."""
    return "url" in CenterSettings().model_fields_set


async def _asked(methodology: str) -> Surroundings:
    async with configured_center() as center:
        return await surroundings(center, methodology)


def lines(report: Report) -> Iterator[str]:
    """A report for people."""
    return (printable(line) for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    kind = "monitor" if report.is_monitor else report.methodology or "no methodology given"
    yield f"{'Model':<14}{report.model or '?'}  ({report.type or '?'}, {kind})"
    functions = ", ".join(f"{purpose} {name}" for purpose, name in report.functions.items()) or "no functions"
    yield f"{'Source':<14}{report.source or 'none'}: {functions}"
    yield from _listed("Files", [f"{file.name:<36}{file.role}" for file in report.files])
    schemas = [f"{name:<36}input" for name in report.input_schemas]
    yield from _listed("Schemas", [*schemas, *(f"{name:<36}output" for name in report.output_schemas)])
    yield from _listed("Tables", [f"{table.name:<36}{_asks(table)}" for table in report.tables])
    if plan := report.monitors:
        where = "of the model centre" if report.asked else ALONE
        runs = {name: f", runs by {schedule}" for name, schedule in report.monitor_schedules.items()}
        yield from _listed("Monitors", [f"({where})", *(f"+ {name}{runs.get(name, '')}" for name in plan.add)])
        yield from (f"{'':<14}- {name}: not added, {why}" for name, why in plan.lacking.items())
        yield from (f"{'':<14}! {warning}" for warning in plan.warnings)
    tags = [f"{tag:<20}{meaning}" for tag, meaning in report.control_tags.items()]
    yield from _listed("Tags", [*tags, *(f"{tag:<20}which runtimes it belongs to" for tag in report.service_tags)])
    yield from (f"hint: {hint}" for hint in report.hints)
    yield from (f"warning: {warning}" for warning in report.warnings)
    yield from (f"error: {error}" for error in report.errors)
    yield _verdict(report)


def _asks(table: TableReport) -> str:
    if table.problems:
        return "can not be used"
    return f"asks for {', '.join(table.inputs)}" if table.decisions else "not looked at"


def _verdict(report: Report) -> str:
    if report.errors:
        count = len(report.errors)
        return f"{count} error{'s' if count > 1 else ''}: {report.folder} can't be submitted."
    if report.is_monitor:
        return f"{report.folder} can be submitted. It is a monitor: it is stored, and not deployed by itself."
    return f"{report.folder} can be submitted."


def _listed(title: str, entries: list[str]) -> Iterator[str]:
    for number, entry in enumerate(entries or ["none"]):
        yield f"{title if number == 0 else '':<14}{entry}"
