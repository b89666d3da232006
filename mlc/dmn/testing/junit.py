"""Outcomes as JUnit's XML, which continuous integration reads: one `testsuite` for a model, one `testcase` for a case.

It is valid against the schemas of both Ant and Jenkins.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import UTC, datetime
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from .suite import Outcome, Status

#: What XML 1.0 can't hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Characters of a text.
LONGEST = 4_000
_ELEMENTS = {Status.FAILED: "failure", Status.ERROR: "error"}


class JUnitSuite:
    """A `testsuite` that is written case by case: its head has the totals, and so comes last."""

    def __init__(self, name: str, started: datetime) -> None:
        self.name = name
        self.started = started
        self.cases = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - `write` closes it
        self.counts = dict.fromkeys(Status, 0)
        self.seconds = 0.0

    def add(self, outcome: Outcome) -> None:
        """Write a case."""
        self.case(outcome.case.file, outcome.case.title, outcome.status, list(outcome.messages), outcome.seconds)

    def error(self, title: str, message: str) -> None:
        """Write what is no case and went wrong: a file that can't be used."""
        self.case(self.name, title, Status.ERROR, [message])

    def case(self, group: str, title: str, status: Status, messages: list[str], seconds: float = 0.0) -> None:
        """Write a `testcase`."""
        self.counts[status] += 1
        self.seconds += seconds
        head = f"  <testcase classname={_attribute(group)} name={_attribute(title)} time={_attribute(f'{seconds:.6f}')}"
        if status is Status.PASSED:
            self.cases.write(f"{head}/>\n")
            return
        element, text = _ELEMENTS[status], "\n".join(messages)
        first = messages[0] if messages else ""
        told = f"<{element} type={_attribute(status)} message={_attribute(first)}>{escape(_clean(text))}</{element}>"
        self.cases.write(f"{head}>{told}</testcase>\n")

    def write(self, target: TextIO, number: int) -> None:
        """Write the whole of it, as the suite of this number, counted from 0."""
        self.cases.seek(0)
        totals = {
            "name": self.name,
            "tests": sum(self.counts.values()),
            "failures": self.counts[Status.FAILED],
            "errors": self.counts[Status.ERROR],
            "time": f"{self.seconds:.6f}",
            "timestamp": self.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": "localhost",
            "package": "mlc.dmn",
            "id": number,
        }
        attributes = " ".join(f"{key}={_attribute(str(value))}" for key, value in totals.items())
        target.write(f"<testsuite {attributes}>\n  <properties/>\n")
        with self.cases:
            shutil.copyfileobj(self.cases, target)
        target.write("  <system-out/>\n  <system-err/>\n</testsuite>\n")


def write_junit(suites: list[JUnitSuite], target: TextIO) -> None:
    """Write a report of all suites to a text that is encoded in UTF-8."""
    target.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
    for number, suite in enumerate(suites):
        suite.write(target, number)
    target.write("</testsuites>\n")


def _clean(text: str) -> str:
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))
