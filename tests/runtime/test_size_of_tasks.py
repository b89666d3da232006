"""How large tasks are, by how long others took that were handed out before."""

from collections import deque

import pytest

from mlc.runtime.harness.block import Task
from mlc.runtime.harness.cutting import PIECE, Piece
from mlc.runtime.harness.tasks import WANTED, Size


@pytest.mark.parametrize("seconds_a_byte", [1e-8, 1e-4, 1e-2, 10.0])
def test_tasks_come_to_take_as_long_as_they_should_although_four_are_under_way(seconds_a_byte: float) -> None:
    size = Size()
    under_way: deque[int] = deque()
    seen: list[int] = []
    for _ in range(100):
        under_way.append(size.value)
        if len(under_way) > 4:
            length = under_way.popleft()
            size.took(length * seconds_a_byte, Task(0, Piece(0, length)))
            seen.append(size.value)
    wanted = min(PIECE, max(1, int(WANTED / seconds_a_byte)))
    assert all(wanted / 2 <= each <= wanted * 2 for each in seen[50:])


def test_batches_have_the_same_size_whatever_they_take() -> None:
    size = Size(1000)
    size.took(100.0, Task(0, given=[1]))
    assert size.value == 1000
