"""What decision tables say of a test result."""

from datetime import datetime

from mlc.model.base import Record

MODEL_METHODOLOGY, MODEL_RISK, MODEL_STAGE = "modelMethodology", "modelRisk", "modelStage"
"""What a decision table may ask for of the model, beside the test result's own values."""


class RuleOutcome(Record):
    """One rule that matched: which, and what it says. ``passes`` is None when the table has no such output."""

    table: str
    rule: int
    passes: bool | None = None
    reason: str = ""
    category: str = ""


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
