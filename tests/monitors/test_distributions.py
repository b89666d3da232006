"""What a result keeps of the columns' distributions: right, bounded, and read with suspicion."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from monitors.frames import field, frame, numerical, plain, schema

from mlc.monitors import buckets, distributions
from mlc.monitors.distributions import Distribution
from mlc.monitors.drift import concept_drift, data_drift

FLOATS = arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(allow_nan=False, allow_infinity=False))


def of(result: dict[str, Any], column: str) -> dict[str, Any]:
    (found,) = (each for each in result["distributions"]["columns"] if each["column"] == column)
    return dict(found)


def test_numbers_are_counted_in_buckets_of_a_round_width() -> None:
    # 0, 1, ..., 39 and the same by 10 higher: from 0 to 49, in buckets of 5; the last one has both ends.
    ends = frame(x=np.arange(40.0)), frame(x=np.arange(40.0) + 10)
    found = of(plain(data_drift(*ends, schema(field("x")))), "x")
    assert found == {
        "column": "x",
        "edges": [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0],
        "baseline": [5] * 8 + [0] * 2,
        "sample": [0] * 2 + [5] * 8,
    }


def test_numbers_of_few_values_categories_and_nulls_are_counted_one_by_one() -> None:
    baseline = frame(x=[1, 1, 2, np.nan], c=["a", "a", "b", None])
    sample = frame(x=[2, 2, 2, 3.5], c=["b", "b", "c", "c"])
    result = plain(data_drift(baseline, sample, schema(field("x"), field("c", data_class="categorical"))))
    assert of(result, "x") == {
        "column": "x",
        "categories": ["1", "2", "3.5"],
        "baseline": [2, 1, 0],
        "sample": [0, 3, 1],
        "nulls": [1, 0],
    }
    assert of(result, "c") == {
        "column": "c",
        "categories": ["a", "b", "c"],
        "baseline": [2, 1, 0],
        "sample": [0, 2, 2],
        "nulls": [1, 0],
    }


def test_far_values_do_not_make_all_others_one_bucket() -> None:
    near = np.arange(1_000.0)
    result = plain(data_drift(frame(x=near), frame(x=np.append(near, [1e9, -1e9])), numerical("x")))
    found = of(result, "x")
    assert (found["below"], found["above"]) == ([0, 1], [0, 1])
    assert len([count for count in found["baseline"] if count]) >= 10


def test_the_score_has_one_in_concept_drift() -> None:
    sides = frame(score=np.linspace(0, 1, 50)), frame(score=np.linspace(0, 1, 40) ** 2)
    assert sum(of(plain(concept_drift(*sides, numerical())), "score")["sample"]) == 40


def test_the_columns_that_moved_most_come_first_and_the_rest_is_counted() -> None:
    names = [f"x{place}" for place in range(130)]
    still = np.linspace(0, 1, 40)
    baseline = pd.DataFrame(dict.fromkeys(names, still))
    sample = baseline.assign(x129=still + 5)
    kept = plain(data_drift(baseline, sample, schema(*map(field, names))))["distributions"]
    assert (kept["columns"][0]["column"], len(kept["columns"]), kept["columns_left_out"]) == ("x129", 100, 30)


def test_many_long_categories_stay_within_bounds() -> None:
    texts = [f"{place:04}" + "\u00fc" * 490 for place in range(900)]
    names = [f"c{place}" for place in range(60)]
    one = pd.DataFrame(dict.fromkeys(names, texts))
    kept = plain(data_drift(one, one, schema(*(field(name, data_class="categorical") for name in names))))
    assert len(json.dumps(kept["distributions"])) <= distributions.MOST_BYTES * 1.05
    first = kept["distributions"]["columns"][0]
    assert (len(first["categories"]), first["other_categories"]) == (20, 880)
    assert max(map(len, first["categories"])) == 80
    assert sum(first["baseline"]) + first["others"][0] == 900
    assert kept["distributions"]["columns_left_out"] + len(kept["distributions"]["columns"]) == 60


@settings(deadline=None)
@given(FLOATS, FLOATS)
def test_every_number_is_counted_once(baseline: Any, sample: Any) -> None:
    found = buckets.of_numbers("x", np.sort(baseline), np.sort(sample), (3, 4))
    if found is None:
        assert max(baseline.max(), sample.max()) / 2 - min(baseline.min(), sample.min()) / 2 > 4e299
        return
    for place, (counts, side) in enumerate(((found.baseline, baseline), (found.sample, sample))):
        assert sum(counts) + found.below[place] + found.above[place] == len(side)
    assert len(found.baseline) <= distributions.MOST_BUCKETS
    assert distributions.read(json.loads(json.dumps(distributions.told([found])))) == ([found], 0)


def test_what_is_written_is_what_is_read() -> None:
    given_ = [
        Distribution("a", (1, 2), (3, 4.5), edges=(0.0, 0.5, 1.0), below=(1, 0), above=(0, 2), nulls=(1, 1)),
        Distribution("b", (1,), (0,), categories=("x",), other_categories=7, others=(9, 8)),
    ]
    assert distributions.read(distributions.told(given_)) == (given_, 0)
    assert distributions.told([]) == {}


GOOD = {"column": "x", "edges": [0, 1, 2], "baseline": [1, 2], "sample": [3, 4]}


@pytest.mark.parametrize(
    "column",
    [
        None,
        "x",
        {},
        GOOD | {"column": 7},
        GOOD | {"edges": [0, 1]},
        GOOD | {"edges": [0, 2, 1]},
        GOOD | {"edges": [0, 1, float("nan")]},
        GOOD | {"edges": [-1.7e308, 0, 1.7e308]},
        GOOD | {"edges": None},
        GOOD | {"edges": {"a": 1}},
        GOOD | {"baseline": [1, -2]},
        GOOD | {"baseline": [1, True]},
        GOOD | {"baseline": [1, "2"]},
        GOOD | {"sample": [1, 10**400]},
        GOOD | {"baseline": [], "sample": [], "edges": [0]},
        GOOD | {"edges": list(range(102)), "baseline": [1] * 101, "sample": [1] * 101},
    ],
)
def test_a_column_of_another_form_is_not_read_and_the_others_are(column: Any) -> None:
    found, left_out = distributions.read({"distributions": {"columns": [column, GOOD], "columns_left_out": 2}})
    assert ([each.column for each in found], left_out) == (["x"], 2)


@pytest.mark.parametrize("part", [None, 1, "x", [], [1], {}, {"columns": {}}, {"columns": "x"}, {"columns": None}])
def test_a_result_without_distributions_has_none(part: Any) -> None:
    assert distributions.read({"distributions": part}) == ([], 0)
    assert distributions.read({}) == ([], 0)


def test_more_columns_than_are_ever_kept_are_counted() -> None:
    found, left_out = distributions.read({"distributions": {"columns": [GOOD] * 10_000, "columns_left_out": True}})
    assert (len(found), left_out) == (100, 9_900)
