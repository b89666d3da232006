"""Files of cases are read as a stream: what they take in memory does not grow with them."""

from __future__ import annotations

import io
from itertools import count, islice
from pathlib import Path

import pytest
from case_files import Cases
from dmn_text import decision, dmn, input_data

import mlc.dmn
from mlc.dmn.testing import Status, Suite

MODEL = dmn(input_data("v", "number"), decision("x", "v + 1", ["v"]))


class Endless(io.RawIOBase):
    """A file that goes on for ever: a head, then a case after the other."""

    def __init__(self, head: str, case: str) -> None:
        self.case = case
        self.waiting = head.encode()
        self.numbers = count(1)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while len(self.waiting) < len(buffer):
            number = next(self.numbers)
            self.waiting += self.case.replace("@", str(number)).replace("#", str(number + 1)).encode()
        buffer[:], self.waiting = self.waiting[: len(buffer)], self.waiting[len(buffer) :]
        return len(buffer)


@pytest.mark.parametrize(
    ("head", "case"),
    [
        ("[", '{"name": "case-@", "inputs": {"v": @}, "expected": #},\n'),
        ("", '{"inputs": {"v": @}, "expected": #}\n'),
        ("name,v,expected\n", "case-@,@,#\n"),
    ],
)
def test_the_cases_of_a_file_without_an_end_are_tested_one_by_one(head: str, case: str) -> None:
    suite = Suite(mlc.dmn.load(MODEL))
    outcomes = list(islice(suite.outcomes([io.BufferedReader(Endless(head, case))]), 5_000))
    assert {outcome.status for outcome in outcomes} == {Status.PASSED}
    assert [outcome.case.number for outcome in outcomes] == list(range(1, 5_001))
    assert (outcomes[-1].case.inputs, outcomes[-1].case.expected) == ({"v": 5_000}, 5_001)


def test_lines_are_those_of_the_file_however_it_is_read_in_pieces(tmp_path: Path) -> None:
    case = '{{"inputs":\n {{"v": {n}}},\n "expected": {wrong}}}'
    cases = [case.format(n=n, wrong=-1 if n == 9_999 else n + 1) for n in range(10_000)]
    told = Cases(tmp_path, MODEL).told("[" + ",\n".join(cases) + "]")
    assert f"FAILED c.json, line {3 * 9_999 + 1}, case 10000" in told
    told = Cases(tmp_path, MODEL).told("[" + ",\n".join(cases) + "\n   x")
    assert f"c.json, line {3 * 10_000 + 1}, column 4: a comma or the end of the list" in told
    one_line = ",".join(cases).replace("\n", " ")
    assert f"line 1, column {len(one_line) + 2}: a comma" in Cases(tmp_path, MODEL).told(f"[{one_line}x")
