"""What is told of a failure, from what a program wrote."""

import pytest

from mlc.model.failure_text import failure_text, with_reason
from mlc.model.truncation import json_size

TRACE = ["Traceback (most recent call last):", '  File "m.py", line 3, in m', "    raise ValueError(x)"]


@pytest.mark.parametrize(
    ("lines", "text"),
    {
        "nothing": ([], ""),
        "blanks": (["", " \n "], ""),
        "one line": (["could not convert 'n/a'"], "could not convert 'n/a'"),
        "several": (["began", "", "could not convert"], "began\ncould not convert"),
        "a traceback": (["began", *TRACE, "KeyError: 'y'"], "KeyError: 'y'"),
        "the further lines of its text": ([*TRACE, "ValueError: two:", " - a", "- b"], "ValueError: two:\n - a\n- b"),
        "what follows": ([*TRACE, "ValueError: no", "job ended"], "ValueError: no\njob ended"),
        "the last of two": ([*TRACE, "KeyError: 1", "During handling", *TRACE, "OSError: 2"], "OSError: 2"),
        "a line of a text that names another": (
            [*TRACE, "E: child failed", "KeyError: 1"],
            "E: child failed\nKeyError: 1",
        ),
        "behind a time": (["12:00 " + TRACE[0], *TRACE[1:], "a.b.OddError"], "a.b.OddError"),
        "in one message": (["\n".join([*TRACE, "KeyError: 'y'"])], "KeyError: 'y'"),
        "no traceback": (["began", "ValueError: two:", " - a"], "ValueError: two:\n - a"),
        "a traceback cut off": (["ended", *TRACE], "\n".join(["ended", *TRACE])),
    }.values(),
)
def test_it_begins_with_the_exception_and_its_first_line(lines: list[str], text: str) -> None:
    assert failure_text(lines, 600) == text


def test_a_reason_comes_before_whatever_went_wrong_on_the_way() -> None:
    log = ["init failed, which was expected: OSError: model.txt", *TRACE, "OSError: handled by the model"]
    assert failure_text(with_reason(log, "The model did not load within 300 seconds."), 600) == (
        "The model did not load within 300 seconds."
    )
    log = [*TRACE, "ValueError: two:", " - a", " - b"]
    assert failure_text(with_reason(log, "The function 'm' failed: ValueError: two: (line 3)."), 600) == (
        "The function 'm' failed: ValueError: two: (line 3).\n - a\n - b"
    )


@pytest.mark.parametrize("limit", [60, 200, 400])
@pytest.mark.parametrize("rest", [[f" - column {n}" for n in range(500)], ["x" * 5_000], [" - ü\ud800" * 2_000]])
def test_of_a_long_one_the_beginning_and_the_end_remain(limit: int, rest: list[str]) -> None:
    for lines in ([*TRACE, "ValueError: two columns are missing:", *rest, "bye"], with_reason(["x", *rest], "Why.")):
        text = failure_text(lines, limit)
        assert json_size(text) <= limit
        assert text.startswith(("ValueError: two columns are missing:", "Why."))
    assert failure_text([*TRACE, "ValueError: two:", *rest, "bye"], limit).endswith("bye")
    assert json_size(failure_text([*TRACE, "ValueError: " + "y" * 1000], limit)) <= limit
