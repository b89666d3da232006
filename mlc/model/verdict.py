"""What decision tables say of a test result."""

from datetime import datetime

from mlc.model.base import Record
from mlc.model.truncation import truncate

MODEL_METHODOLOGY, MODEL_RISK, MODEL_STAGE = "modelMethodology", "modelRisk", "modelStage"
"""What a decision table may ask for of the model, beside the test result's own values."""


MOST_FAILED = 3
"""Rules that are kept of an earlier verdict."""


class RuleOutcome(Record):
    """One rule that matched: which, and what it says. ``passes`` is None when the table has no such output.

    ``conditions`` are what the rule asks, as its table has it, with the value that was put to it: ``auc >= 0.8 (it is
    0.93)``. A history keeps neither. ``action`` is what a monitor's table has for it (``mlc.model.breach``).
    """

    table: str
    rule: int
    decision: str = ""
    """Of the table's decisions the one whose rule it is; empty in a history, and where an older release judged."""
    passes: bool | None = None
    reason: str = ""
    category: str = ""
    action: str = ""
    conditions: list[str] = []


class Threshold(Record):
    """The range that a rule asks a metric to be in, open where an end is None; ``text`` as its table has it."""

    rule: int
    metric: str
    text: str
    low: float | None = None
    high: float | None = None


class TableOutcome(Record):
    """One decision of a table that was asked: how many of its rules matched, and what they all ask.

    ``conditions`` are a rule's, each rule on its own line, as the table has them; ``values`` what was put to them.
    """

    table: str
    decision: str = ""
    matched: int = 0
    rules: int = 0
    conditions: list[str] = []
    values: dict[str, str] = {}
    thresholds: list[Threshold] = []
    """What those rules, and whichever matched, ask of numbers: read before ``conditions`` were cut short."""


class TableFindings(Record):
    """What the analysis of the decision tables found: how many of each severity, and the first few of those that turn
    no verdict as sentences, the warnings first. The errors are among the verdict's problems.
    """

    errors: int = 0
    warnings: int = 0
    hints: int = 0
    said: list[str] = []


class Verdict(Record):
    """Passed, or not and why.

    ``judged`` is False when the snapshot carries no decision table: then nothing speaks against it (``passed`` True).
    ``problems`` are sentences: what kept a table from being trusted, such as a metric that it asks for and the
    result lacks. ``warnings`` are problems that a setting tells to be let through.

    ``judged_at`` is what the tables took for now: judged again at that time, the same values give the same verdict.
    None where no table was asked.
    """

    judged: bool
    passed: bool
    rules: list[RuleOutcome] = []
    problems: list[str] = []
    warnings: list[str] = []
    judged_at: datetime | None = None
    tables: list[TableOutcome] = []
    """What was asked, as the centre keeps it; a history keeps none of them."""
    more_failed: int = 0
    """Rules that failed and are not among ``rules``, which are a history's first few."""
    findings: TableFindings | None = None
    """None where the analysis found nothing, or there was none."""

    @property
    def failed(self) -> bool:
        """Whether tables were asked and it did not pass."""
        return self.judged and not self.passed

    def failed_rules(self) -> list[str]:
        """The first few of what it did not pass by, for a ticket that comes later."""
        found = [f"{rule.reason} ({rule.table}, rule {rule.rule})" for rule in self.rules if rule.passes is False]
        found += self.problems
        shown = [truncate(sentence, 110) for sentence in found[:MOST_FAILED]]
        more = len(found) - len(shown) + self.more_failed
        return [*shown, f"and {more} more"] if more > 0 else shown


class EarlierVerdict(Record):
    """A verdict on a snapshot that did not pass, in short, and where the rest of it is.

    ``rules`` are some of those that failed, as people read them, and ``times`` is how many verdicts had failed by
    then. ``assets`` are the first hexadecimal digits of the SHA-256 of files that decide about a verdict, by
    name, as they were judged.
    """

    times: int = 1
    at: datetime | None = None
    ticket: str = ""
    in_this_run: bool = True
    """Whether the run that tells of it gave it; else an earlier one of the same snapshot."""
    rules: list[str] = []
    job_id: str | None = None
    """The job that made the test result: it carries the snapshot as it was tested."""
    assets: dict[str, str] = {}
