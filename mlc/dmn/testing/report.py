"""What came of the cases of a model: for a person, and as JSON (docs/dmn-testing.schema.json)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .coverage import Coverage, Share, TableCoverage
from .suite import Outcome, Status, Suite

#: Cases that did not pass which a report names, one for a person and one in JSON; JUnit's has all cases.
SHOWN, LISTED = 20, 1_000
#: Runs of rule numbers that a line names.
MOST_RUNS = 20
#: Characters of a sentence.
LONGEST = 2_000


def head_line(file: str, suite: Suite) -> str:
    """How many cases there were and what came of them."""
    counts = suite.counts
    told = [f"{suite.total} case{'' if suite.total == 1 else 's'}", f"{counts[Status.PASSED]} passed"]
    told += [f"{counts[status]} {word}" for status, word in _WORDS if counts[status]]
    return f"{file}: {', '.join(told)}"


_WORDS = ((Status.FAILED, "failed"), (Status.ERROR, "could not be tested"))


def outcome_lines(outcome: Outcome) -> list[str]:
    """A case that did not pass, and why."""
    verb = "FAILED" if outcome.status is Status.FAILED else "ERROR"
    return [f"{verb} {outcome.case.place}", *(f"  {_cut(message)}" for message in outcome.messages)]


def coverage_lines(coverage: Coverage) -> list[str]:
    """How much of each table the cases reach, and what they don't."""
    if not coverage.tables:
        return ["coverage: the file has no decision table"]
    lines = [f"coverage: rules {coverage.rules}, cells seen both true and false {coverage.cells}"]
    for table in coverage.tables:
        lines.append(f'  "{table.name}" ({table.hit_policy}): rules {table.rules}, cells {table.cells}')
        lines += [f"    {line}" for line in _missing(table)]
    return lines


def _missing(table: TableCoverage) -> Iterator[str]:
    if not table.evaluations:
        yield "no case asks it"
        return
    if never := table.never_matched:
        yield f"matched by no case: {_rules(never)}"
    if never := table.never_counted:
        yield f"matched, but never led to the result, since another rule won: {_rules(never)}"
    for column in table.columns:
        told = [
            f"{word} in {_rules(rules)}"
            for word, rules in (("never true", column.never_true), ("never false", column.never_false))
            if rules
        ]
        if told:
            yield f'column "{column.label}": {"; ".join(told)}'


def _rules(numbers: list[int]) -> str:
    """`rules 1-3, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    told = ["-".join(map(str, run)) for run in runs[:MOST_RUNS]]
    more = ", ..." if len(runs) > MOST_RUNS else ""
    return f"rule{'' if len(numbers) == 1 else 's'} {', '.join(told)}{more}"


def suite_record(file: str, suite: Suite, outcomes: list[Outcome]) -> dict[str, Any]:
    """The whole report as JSON; `outcomes` are the first LISTED of those that did not pass."""
    unlisted = suite.total - suite.counts[Status.PASSED] - len(outcomes)
    return {
        "file": file,
        "passed": suite.passed,
        "cases": {"total": suite.total, **{str(status): count for status, count in suite.counts.items()}},
        "not_passed": [_outcome_record(outcome) for outcome in outcomes],
        "not_listed": unlisted,
        "errors": suite.errors,
        "coverage": {
            "rules": _share(suite.coverage.rules),
            "cells": _share(suite.coverage.cells),
            "tables": [_table_record(table) for table in suite.coverage.tables],
        },
    }


def unusable_record(file: str, errors: list[str]) -> dict[str, Any]:
    """The same for a model that can't be used: nothing was tested."""
    nothing = _share(Share(0, 0))
    counts = {"total": 0, **{str(status): 0 for status in Status}}
    return {
        "file": file,
        "passed": False,
        "cases": counts,
        "not_passed": [],
        "not_listed": 0,
        "errors": errors,
        "coverage": {"rules": nothing, "cells": nothing, "tables": []},
    }


def _outcome_record(outcome: Outcome) -> dict[str, Any]:
    case = outcome.case
    return {
        "status": str(outcome.status),
        "file": case.file,
        "line": case.line,
        "case": case.number,
        "name": case.name or None,
        "decision": case.decision,
        "messages": [_cut(message) for message in outcome.messages],
    }


def _table_record(table: TableCoverage) -> dict[str, Any]:
    return {
        "decision": table.table.decision,
        "name": table.name,
        "hit_policy": table.hit_policy,
        "evaluations": table.evaluations,
        "rules": _share(table.rules),
        "cells": _share(table.cells),
        "never_matched": table.never_matched,
        "never_counted": table.never_counted,
        "columns": [
            {
                "label": column.label,
                "cells": _share(column.cells),
                "never_true": column.never_true,
                "never_false": column.never_false,
            }
            for column in table.columns
        ],
    }


def _share(share: Share) -> dict[str, Any]:
    return {"covered": share.part, "total": share.whole, "percent": share.percent if share.whole else None}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
