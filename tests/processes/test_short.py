"""Texts cut to size."""

import json

import pytest

from mlc.model.short import beginning, ending, json_size


@pytest.mark.parametrize("letter", ["x", "é", "模", "😀", "\x07", '"', "\\", "\ud800"])
@pytest.mark.parametrize("length", [0, 1, 10, 100, 1000])
def test_a_cut_text_takes_at_most_its_size_as_json(letter: str, length: int) -> None:
    for cut in (beginning, ending):
        short = cut(letter * length, 50)
        assert len(json.dumps(short, ensure_ascii=False).encode()) - 2 <= 50
        assert json_size(short) <= 50


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert beginning("twelve bytes", 12) == ending("twelve bytes", 12) == "twelve bytes"


def test_of_a_longer_text_the_wanted_end_is_kept_and_the_cut_is_marked() -> None:
    assert beginning("abcdefghij", 8) == "abcde..."
    assert ending("abcdefghij", 8) == "...fghij"
