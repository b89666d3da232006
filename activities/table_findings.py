"""What the analysis finds in a snapshot's decision tables, in sentences; once for each content, since it takes a while.

An error keeps a table from passing, a monitor's table as well, which is not judged here. The rest turns no verdict.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple

import mlc.dmn
from activities.judging import Table
from mlc.dmn.analysis import Finding, Severity, analyse
from mlc.dmn.analysis.suggestions import suggestion_of
from mlc.model.asset import AssetRole
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate
from mlc.model.verdict import TableFindings, Verdict

LONGEST = 60.0
"""Seconds for all tables of a snapshot, which are few: an activity has minutes. Of further ones only the errors that
loading finds are looked for."""
REMEMBERED = 128
"""Contents whose findings are kept, with at most ``MOST`` sentences of a severity each."""
MOST = 20
LONGEST_SENTENCE = 600


class LookedAt(NamedTuple):
    """What was found in a table: sentences by severity, to be put behind its name, and how many there are of each.

    ``loads``: whether the engine takes it. ``asked``: whether it has a decision that can be asked. ``whole``: whether
    it was analysed, and not only loaded.
    """

    loads: bool
    sentences: dict[Severity, list[str]]
    counts: dict[Severity, int]
    asked: bool = True
    whole: bool = True

    def of(self, name: str, severity: Severity) -> list[str]:
        """The sentences of a severity, for a table of this name; the last one says how many more there are."""
        said = [f"{name}{sentence}" for sentence in self.sentences[severity]]
        more = self.counts[severity] - len(said)
        return [*said, f"{name}: {more} more; `mlc dmn check {name}` shows them all."] if more > 0 else said


class _Memory:
    """The findings of contents, by their SHA-256. Who asks for one that is being looked at waits for it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._known: OrderedDict[bytes, Future[LookedAt]] = OrderedDict()

    def findings(self, content: bytes) -> LookedAt:
        key = hashlib.sha256(content).digest()
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            else:
                mine = self._known[key] = Future[LookedAt]()
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        if known is not None:
            return known.result()
        try:
            mine.set_result(_analysed(content))
        except BaseException as error:
            with self._lock:
                self._known.pop(key, None)
            mine.set_exception(error)
            raise
        return mine.result()


_memory = _Memory(REMEMBERED)


def look_at(content: bytes) -> LookedAt:
    """Analyse a table, which may take 5 seconds of a processor; the same one again takes none."""
    return _memory.findings(content)


def look_at_all(tables: Sequence[Table], longest: float = LONGEST) -> list[LookedAt]:
    """What is found in each of them, in their order."""
    end = time.monotonic() + longest
    return [
        _unread(table.problem)
        if table.problem
        else look_at(table.content)
        if time.monotonic() < end
        else _loaded(table.content)
        for table in tables
    ]


def with_findings(verdict: Verdict, tables: Sequence[Table], found: Sequence[LookedAt], snapshot: Snapshot) -> Verdict:
    """The verdict with what was found in the tables, also in those of monitors: an error in any of them is a no."""
    problems = list(verdict.problems)
    for table, looked in zip(tables, found, strict=True):
        if looked.loads or table.monitor or verdict.judged_at is None:  # else judging has met with it
            problems += _problems(table, looked)
        if looked.loads and not looked.asked and not any(said.startswith(table.name) for said in problems):
            problems.append(f"{table.name} has no decision that can be judged.")
    findings = _told(tables, found, snapshot)
    if len(problems) == len(verdict.problems):
        return verdict.model_copy(update={"findings": findings})
    return verdict.model_copy(update={"findings": findings, "judged": True, "passed": False, "problems": problems})


def _problems(table: Table, looked: LookedAt) -> list[str]:
    """The errors of a table, as problems of a verdict."""
    errors = looked.of(table.name, Severity.ERROR)
    whose = f" It belongs to the monitor {table.monitor!r}." if table.monitor else ""
    return [f"{table.name} can't be used.{whose} {errors[0]}", *errors[1:]] if errors else []


def _told(tables: Sequence[Table], found: Sequence[LookedAt], snapshot: Snapshot) -> TableFindings | None:
    """What a ticket tells beside the verdict's problems; None where there is nothing."""
    said: dict[Severity, list[str]] = {Severity.WARNING: _without_role(snapshot), Severity.HINT: []}
    counts = dict.fromkeys(Severity, 0) | {Severity.WARNING: len(said[Severity.WARNING])}
    for table, looked in zip(tables, found, strict=True):
        for severity in Severity:
            counts[severity] += looked.counts[severity]
        for severity, sentences in said.items():
            sentences.extend(looked.of(table.name, severity))
        if not looked.whole:
            said[Severity.HINT].append(f"{table.name} was loaded and not analysed: all tables together took too long.")
            counts[Severity.HINT] += 1
    if not any(counts.values()):
        return None
    return TableFindings(
        errors=counts[Severity.ERROR],
        warnings=counts[Severity.WARNING],
        hints=counts[Severity.HINT],
        said=[f"{severity.value.capitalize()}: {each}" for severity, all_ in said.items() for each in all_][:MOST],
    )


def _without_role(snapshot: Snapshot) -> list[str]:
    """Files that look like decision tables, and have another role, so that nobody asks them."""
    wanted = AssetRole.TEST_RESULT_COMPARATOR
    return [
        f"{asset.name} was not judged: its role is {asset.role}, and a decision table's is {wanted}."
        for asset in snapshot.assets
        if asset.name.lower().endswith(".dmn") and asset.role != wanted
    ]


def _analysed(content: bytes) -> LookedAt:
    """All that is found in a content; its imports, which nobody could give, are errors."""
    try:
        analysis = analyse(content)
    except ValueError as error:
        return _unread(str(error))
    return _looked(analysis.model, analysis.findings, dict(analysis.count()))


def _loaded(content: bytes) -> LookedAt:
    """What loading finds in a content."""
    model = None
    try:
        model = mlc.dmn.load(content, strict=False)
        problems = model.problems
    except mlc.dmn.DmnError as error:
        problems = error.problems
    except ValueError as error:
        return _unread(str(error))
    errors = [Finding.of(problem) for problem in problems]
    return _looked(model, errors, {Severity.ERROR: len(errors)})._replace(whole=False)


def _unread(problem: str) -> LookedAt:
    """Of a table that can't be read."""
    return LookedAt(
        False, _none() | {Severity.ERROR: [f": {problem}"]}, dict.fromkeys(Severity, 0) | {Severity.ERROR: 1}
    )


def _looked(model: mlc.dmn.DecisionModel | None, findings: Sequence[Finding], counts: dict[Severity, int]) -> LookedAt:
    sentences = _none()
    for finding in findings:
        if len(sentences[finding.severity]) < MOST:
            sentences[finding.severity].append(_sentence(finding))
    loads, asked = model is not None and not model.problems, model is not None and bool(model.top_decisions)
    return LookedAt(loads, sentences, dict.fromkeys(Severity, 0) | counts, asked)


def _none() -> dict[Severity, list[str]]:
    return {severity: [] for severity in Severity}


def _sentence(finding: Finding) -> str:
    """A finding as people read it, to be put behind the table's name."""
    line = f"line {finding.place.line}" if finding.place.line is not None else ""
    where = ", ".join(filter(None, [line, str(finding.place.at(file=None))]))
    values = "; ".join(f"{column}: {value}" for column, value in finding.values if value not in finding.message)
    said = finding.message + (f" ({values})" if values else "")
    suggestion = suggestion_of(finding)
    said += f". Suggestion: {suggestion}" if suggestion else "."
    return truncate(f", {where}: {said}" if where else f": {said}", LONGEST_SENTENCE)
