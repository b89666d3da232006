"""What a person, or a program, reads about files that were analysed. The words of `mlc dmn check`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlc.dmn.model import DecisionModel
from mlc.dmn.report import model_lines

from . import Analysis, Finding, Severity
from .suggestions import suggestion_of

#: Of the document for programs. It is raised when something in it is renamed or left out, not when something is added.
VERSION = 1
#: Findings of a file that are shown to a person. A program gets all that are kept.
SHOWN = 100
#: Characters of a text: a cell may be as long as a book.
LONGEST, LONGEST_KEPT = 500, 4_000

Paint = Callable[[str, Severity], str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A file as it was named, and what was found in it; `unread` is why it could not be opened, if it could not."""

    name: str
    analysis: Analysis | None = None
    unread: str = ""

    @property
    def findings(self) -> list[Finding]:
        """Those that are kept of the file."""
        return self.analysis.findings if self.analysis else []

    def count(self) -> Counter[Severity]:
        """How many findings of each severity there are, also of those that are not kept."""
        return self.analysis.count() if self.analysis else Counter()

    def file_of(self, finding: Finding) -> str:
        """The file that a finding is in, as an editor opens it: this one, or one beside it that it imports."""
        other = finding.place.file
        if other is None or other == Path(self.name).name:
            return self.name
        for folder in (Path(self.name).parent, Path(os.path.realpath(self.name)).parent):
            if (beside := folder / other).exists():
                return str(beside)
        return other


def plain(text: str, severity: Severity) -> str:  # noqa: ARG001 - a Paint
    """Without a colour."""
    return text


def lines(checked: Checked, *, quiet: bool = False, paint: Paint = plain) -> Iterator[str]:
    """A file for a person: what was found, each with `file:line:` in front; then its decisions and their inputs.

    With `quiet` only what was found. `paint` colours a word by a severity. Nothing of the file steers a terminal.
    """
    name = _printable(checked.name)
    if checked.analysis is None:
        yield f"{name}: {_printable(checked.unread)}"
        return
    counts = checked.count()
    if counts or not quiet:
        yield f"{name}: {counted(counts) or 'no problems'}"
    for finding in checked.findings[:SHOWN]:
        yield from _finding(checked, finding, paint)
    if (more := counts.total() - SHOWN) > 0:
        yield f"{name}: {more:,} more; --json lists up to {Analysis.KEPT:,} of each severity"
    if checked.analysis.model is not None and not quiet:
        yield from map(_printable, model_lines(checked.analysis.model))


def _finding(checked: Checked, finding: Finding, paint: Paint) -> Iterator[str]:
    file, line = _printable(checked.file_of(finding)), finding.place.line
    where = str(finding.place.at(file=None))
    said = f"{where}: {finding.message}" if where else finding.message
    head = f"{file}:{line}" if line is not None else file
    yield f"{head}: {paint(finding.severity.value, finding.severity)}: {_shown(said)} [{finding.kind}]"
    if len(finding.rules) > 1:
        yield f"    rules: {_shown(', '.join(map(str, finding.rules)))}"
    if finding.values:
        yield f"    values: {_shown('; '.join(f'{column}: {value}' for column, value in finding.values))}"
    if suggestion := suggestion_of(finding):
        yield f"    suggestion: {_shown(suggestion)}"


def summary(all_checked: Sequence[Checked]) -> str:
    """The last line: how many files, and what was found in all of them."""
    read = [checked for checked in all_checked if checked.analysis is not None]
    total: Counter[Severity] = sum((checked.count() for checked in read), Counter())
    unread = len(all_checked) - len(read)
    more = f"; {_number(unread, 'file')} could not be read" if unread else ""
    return f"{_number(len(read), 'file')} checked: {counted(total) or 'no problems'}{more}"


def counted(counts: Counter[Severity]) -> str:
    """How many of each severity, the worst first: `1 error, 2 hints`; empty if there is nothing."""
    return ", ".join(_number(counts[severity], severity.value) for severity in Severity if counts[severity])


def document(all_checked: Sequence[Checked], fail_on: Severity) -> dict[str, Any]:
    """The same for a program, to be written as JSON: its schema is in docs/dmn-analysis.md."""
    counts: Counter[Severity] = sum((checked.count() for checked in all_checked), Counter())
    return {
        "version": VERSION,
        "passed": passes(all_checked, fail_on),
        "fail_on": fail_on.value,
        "summary": {"files": len(all_checked), **_by_severity(counts)},
        "files": [_file(checked) for checked in all_checked],
    }


def passes(all_checked: Iterable[Checked], fail_on: Severity) -> bool:
    """Whether every file could be read, and nothing as bad as `fail_on` was found in any."""
    counting = list(Severity)[: list(Severity).index(fail_on) + 1]
    return all(
        checked.analysis is not None and not any(checked.count()[severity] for severity in counting)
        for checked in all_checked
    )


def _file(checked: Checked) -> dict[str, Any]:
    model = checked.analysis.model if checked.analysis else None
    counts = checked.count()
    return {
        "file": checked.name,
        "read": checked.analysis is not None,
        "unread": checked.unread or None,
        **_by_severity(counts),
        "findings": [_document(checked, finding) for finding in checked.findings],
        "omitted": counts.total() - len(checked.findings),
        "dialect": model.dialect if model else None,
        **(_model(model) if model else {"decisions": [], "services": [], "functions": [], "inputs": []}),
    }


def _document(checked: Checked, finding: Finding) -> dict[str, Any]:
    place = finding.place
    rules = list(finding.rules) or ([place.rule] if place.rule is not None else [])
    return {
        "severity": finding.severity.value,
        "kind": finding.kind.value,
        "message": _cut(finding.message, LONGEST_KEPT),
        "file": checked.file_of(finding),
        "line": place.line,
        "decision": place.decision,
        "rule": place.rule if place.rule is not None else next(iter(rules), None),
        "rules": rules,
        "column": place.column,
        "type": place.type,
        "values": [{"column": column, "value": _cut(value, LONGEST_KEPT)} for column, value in finding.values],
        "suggestion": _cut(suggestion_of(finding), LONGEST_KEPT) or None,
    }


def _model(model: DecisionModel) -> dict[str, Any]:
    top = set(model.top_decisions)
    return {
        "decisions": [
            {
                "name": name,
                "hit_policy": model.hit_policy(name),
                "outputs": model.outputs(name),
                "required": name not in top,
            }
            for name in model.decisions
        ],
        "services": model.services,
        "functions": model.functions,
        "inputs": [{"name": given.name, "type": given.type.name} for given in model.inputs],
    }


def _by_severity(counts: Counter[Severity]) -> dict[str, int]:
    return {f"{severity.value}s": counts[severity] for severity in Severity}


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _shown(text: str) -> str:
    return _printable(_cut(text, LONGEST))


def _printable(text: str) -> str:
    """A text from a file on one line, without what would steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
