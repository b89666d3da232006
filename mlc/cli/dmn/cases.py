"""``mlc dmn test``: whether decision tables answer what their cases expect."""

import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, TextIO

import typer

from mlc.cli.dmn.inputs import MAX_BYTES, Dialect, MaxBytes, Now, TableFiles, known, moment_of
from mlc.terminal import printable

if TYPE_CHECKING:
    from mlc.dmn import DecisionModel
    from mlc.dmn.testing import Outcome, Share, Suite

CaseFiles = Annotated[
    list[str] | None,
    typer.Option("--cases", help="Files of cases, JSON or CSV; - for stdin. Else FILE's own: thresholds.cases.csv."),
]
Tolerance = Annotated[str, typer.Option(help="By how much a number may differ from the expected one.")]


def run_cases(
    files: TableFiles,
    *,
    cases: CaseFiles = None,
    decision: Annotated[str | None, typer.Option(help="The decision of cases that name none.")] = None,
    now: Now = None,
    tolerance: Tolerance = "0",
    min_coverage: Annotated[
        float, typer.Option(metavar="PERCENT", help="Fail if fewer of the rules led to a result.")
    ] = 0.0,
    min_cell_coverage: Annotated[
        float, typer.Option(metavar="PERCENT", help="Fail if fewer of the cells were seen both true and false.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit's XML to this file.", dir_okay=False)] = None,
    dialect: Dialect = None,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Test decision tables with cases: inputs, and what is expected. Says which rules and cells no case reaches.

    Exit code 1: a case fails or can't be tested, there are none, a file can't be used, or too little is covered.
    2: the command is wrong.
    """
    from mlc.dmn.testing.casefile import beside

    least = {"min-coverage": min_coverage, "min-cell-coverage": min_cell_coverage}
    for name, percent in least.items():
        if not 0 <= percent <= 100:  # so is one that is no number
            raise typer.BadParameter(f"--{name} {percent:g}: write a percentage from 0 to 100.")
    known(dialect)
    loading = {"dialect": dialect, "max_bytes": max_bytes}
    if cases and len(files) > 1:
        raise typer.BadParameter("--cases belongs to one FILE; the cases of several stand beside each of them.")
    given = [_source(name) for name in cases or []]
    options = {
        "decision": decision,
        "now": None if now is None else moment_of(now),
        "tolerance": _tolerance(tolerance),
    }
    read = {path.resolve() for file in files for path in (file, *beside(file), *given) if isinstance(path, Path)}
    if junit and junit.resolve() in read:
        raise typer.BadParameter(f"--junit {junit}: this file is read; it would be written over.")
    with ExitStack() as stack:
        target = stack.enter_context(_opened(junit)) if junit else None
        runs = [_Run(file, loading, given, options, least, quiet=as_json, junit=junit is not None) for file in files]
        if target is not None:
            from mlc.dmn.testing.junit import write_junit

            write_junit([run.suite for run in runs if run.suite is not None], target)
    passed = all(run.record["passed"] for run in runs)
    if as_json:
        typer.echo(json.dumps({"passed": passed, "files": [run.record for run in runs]}, indent=2))
    raise typer.Exit(0 if passed else 1)


class _Run:
    """One FILE's cases, run to the end; `record` is its report."""

    def __init__(
        self,
        file: Path,
        loading: dict[str, Any],
        given: list[Path | BinaryIO],
        options: dict[str, Any],
        least: dict[str, float],
        *,
        quiet: bool,
        junit: bool,
    ) -> None:
        import mlc.dmn
        from mlc.dmn.testing.junit import JUnitSuite
        from mlc.dmn.testing.report import unusable_record

        self.file, self.quiet = file, quiet
        self.suite: JUnitSuite | None = JUnitSuite(str(file), datetime.now(UTC)) if junit else None
        try:
            model = mlc.dmn.load(file, **loading)
            if options["decision"] is not None:
                model.asked_by(options["decision"])
        except mlc.dmn.DmnError as error:
            errors = [f"{file} can't be tested: {problem}" for problem in error.problems[:20]]
            if len(error.problems) > len(errors):
                errors.append(f"{len(error.problems) - len(errors)} more: mlc dmn check {file}")
            self.failed(errors)
            self.record = unusable_record(str(file), errors)
            return
        self.record = self.tested(model, given, options, least)

    def tested(
        self, model: "DecisionModel", given: list[Path | BinaryIO], options: dict[str, Any], least: dict[str, float]
    ) -> dict[str, Any]:
        from mlc.dmn.testing import Status, Suite
        from mlc.dmn.testing.casefile import beside
        from mlc.dmn.testing.report import LISTED, SHOWN, coverage_lines, head_line, outcome_lines, suite_record

        suite = Suite(model, **options)
        sources = given or [*beside(self.file)]
        if not sources:
            expected = f"{self.file.stem}.cases.json or .csv"
            suite.errors.append(f"{self.file} has no cases: write {expected} beside it, or give --cases")
        listed: list[Outcome] = []
        failed = 0
        for outcome in suite.outcomes(sources):
            if self.suite is not None:
                self.suite.add(outcome)
            if outcome.status is Status.PASSED:
                continue
            failed += 1
            if failed <= LISTED:
                listed.append(outcome)
            if failed <= SHOWN:
                self.say(outcome_lines(outcome))
        if failed > SHOWN:
            self.say([f"... and {failed - SHOWN:,} more that did not pass (--json or --junit names them)"])
        suite.errors += _too_little(suite, least)
        self.failed(suite.errors)
        self.say([head_line(str(self.file), suite), *coverage_lines(suite.coverage)])
        return suite_record(str(self.file), suite, listed)

    def failed(self, errors: list[str]) -> None:
        self.say(f"ERROR {error}" for error in errors)
        for number, error in enumerate(errors, 1):
            if self.suite is not None:
                self.suite.error(f"error {number}", error)

    def say(self, lines: Any) -> None:
        if not self.quiet:
            for line in lines:
                typer.echo(printable(line))


def _too_little(suite: "Suite", least: dict[str, float]) -> list[str]:
    shares: list[tuple[str, str, Share]] = [
        ("min-coverage", "rules that led to a result", suite.coverage.rules),
        ("min-cell-coverage", "cells seen both true and false", suite.coverage.cells),
    ]
    return [
        f"{what}: {share}, and --{name} asks for {least[name]:g}%"
        for name, what, share in shares
        if not share.reaches(least[name])
    ]


def _source(name: str) -> Path | BinaryIO:
    if name == "-":
        return sys.stdin.buffer
    if not Path(name).is_file():
        raise typer.BadParameter(f"--cases {name}: there is no such file.")
    return Path(name)


def _tolerance(text: str) -> Decimal:
    try:
        tolerance = Decimal(text)
    except InvalidOperation:
        tolerance = Decimal(-1)
    if not tolerance.is_finite() or tolerance < 0:
        raise typer.BadParameter(f"--tolerance {text}: write a number that is not negative, such as 0.00000001.")
    return tolerance


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"--junit {path}: {error.strerror}.") from None
