"""What tests read from the outcome of a job."""

import json
from dataclasses import dataclass
from typing import Any

from mlc.center.modelop import wire
from mlc.model.failure_text import QUOTE
from mlc.model.job import JobResult, RecordCounts


@dataclass
class Ran:
    """What became of a job: what the runtime says, and the outputs as the centre has them then."""

    problem: str | None
    messages: list[str]
    outputs: list[wire.Asset]
    runtime_info: dict[str, Any]
    records: RecordCounts | None = None
    result: JobResult = JobResult.UNKNOWN

    @property
    def told(self) -> list[str]:
        """The messages that come from the model's process, without the marks by which they are known."""
        return [message.removeprefix(QUOTE) for message in self.messages if message.startswith(QUOTE)]


def result(ran: Ran) -> Any:
    """The result of a metrics job."""
    return json.loads(_content(ran, 0))


def lines(ran: Ran, output: int = 0) -> list[Any]:
    """The output records of a scoring job."""
    return [json.loads(line) for line in _content(ran, output).splitlines()]


def _content(ran: Ran, output: int) -> bytes:
    assert ran.problem is None, ran.messages
    content = ran.outputs[output].content()
    assert content is not None
    return content
