"""What a job may use, and what became of it."""

from dataclasses import dataclass, field
from typing import Any

from mlc.center import NewFile
from mlc.model.asset import Asset
from mlc.model.job import JobResult, RecordCounts
from mlc.runtime.environments.installation import InstallRules
from mlc.runtime.process import Allowance

MEGABYTE = 1024**2


@dataclass(frozen=True)
class Limits:
    """What one model may use: ``output`` and the ``text`` of requirements in bytes, times in seconds.

    ``install`` is for its requirements, ``time`` for what it does itself, ``allowance`` for its process, ``collect``
    for taking what it left, of which there may be so many ``files``. A scoring job calls its function in so many
    ``scoring_processes`` at the same time; the allowance is for all of them together.
    """

    allowance: Allowance
    time: float
    output: int
    text: int
    install: InstallRules = field(default_factory=InstallRules)
    collect: float = 300
    files: int = 1000
    scoring_processes: int = 1


@dataclass
class Outcome:
    """What became of a job. ``problem`` is None or the sentence that says why it failed.

    Of the ``messages``, those that the model's process printed or told are quoted, and so is the problem among them if
    ``model_says_so``: nobody vouches for them. See :func:`mlc.model.failure_text.quoted`.
    ``outputs`` lie in the job's working directory, or at addresses of their own.
    """

    problem: str | None = None
    messages: list[str] = field(default_factory=list)
    outputs: list[NewFile | Asset] = field(default_factory=list)
    runtime_info: dict[str, Any] = field(default_factory=dict)
    records: RecordCounts | None = None
    """Of a scoring job that was scored to its end."""
    model_says_so: bool = False

    @property
    def result(self) -> JobResult:
        """A job has failed as well that lost a record, whatever it wrote of the others."""
        lost = self.records is not None and self.records.lost > 0
        return JobResult.FAILURE if self.problem or lost else JobResult.SUCCESS
