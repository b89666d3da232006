"""What tests read from the outcome of a job."""

import json
from typing import Any

from mlc.runtime.execution import Outcome


def result(outcome: Outcome) -> Any:
    """The result of a metrics job."""
    return json.loads(_content(outcome, 0))


def lines(outcome: Outcome, output: int = 0) -> list[Any]:
    """The output records of a scoring job."""
    return [json.loads(line) for line in _content(outcome, output).splitlines()]


def _content(outcome: Outcome, output: int) -> bytes:
    assert outcome.problem is None, outcome.messages
    content = outcome.outputs[output].content()
    assert content is not None
    return content
