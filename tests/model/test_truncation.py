"""Texts cut to size."""

import json

import pytest

from mlc.model.truncation import json_size, truncate, truncate_start


@pytest.mark.parametrize("letter", ["x", "é", "模", "😀", "\x07", '"', "\\", "\ud800"])
@pytest.mark.parametrize("length", [0, 1, 10, 100, 1000])
def test_a_cut_text_takes_at_most_its_size_as_json(letter: str, length: int) -> None:
    for cut in (truncate, truncate_start):
        short = cut(letter * length, 50)
        assert len(json.dumps(short, ensure_ascii=False).encode()) - 2 <= 50
        assert json_size(short) <= 50


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert truncate("twelve bytes", 12) == truncate_start("twelve bytes", 12) == "twelve bytes"


def test_of_a_longer_text_the_wanted_end_is_kept_and_the_cut_is_marked() -> None:
    assert truncate("abcdefghij", 8) == "abcde..."
    assert truncate_start("abcdefghij", 8) == "...fghij"
