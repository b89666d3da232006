"""Tables that are meant to keep the analysis busy: it ends all the same, in about the time of its steps."""

from __future__ import annotations

import time

import pytest
from decision_tables import Column, file_of, found_in

MANY = ", ".join(str(number) for number in range(2, 3_500))
WORDS = ", ".join(f'"w{number}"' for number in range(2_000))
SUM = "+".join(["1"] * 9_000)
TABLES = {
    "long lists of numbers": ([Column("x", "number")], [[f"{n}.5, {MANY}", "true"] for n in range(10)]),
    "long lists of strings": ([Column("x", "string")], [[f'"{n}", {WORDS}', "true"] for n in range(10)]),
    "long lists that not() excludes": ([Column("x", "number")], [[f"not({n}.5, {MANY})", "true"] for n in range(10)]),
    "many allowed values": ([Column("x", "number", MANY)], [[f"< {n}", "true"] for n in range(3_000)]),
    "long sums in deep brackets": ([Column("x")], [["(" * 45 + SUM + ")" * 45, "true"] for _ in range(10)]),
    "a long list in a comparison": ([Column("x")], [[f"? < count([{MANY}]) + {n}", "true"] for n in range(10)]),
    "huge numbers": ([Column("x", "number")], [["< -9.9E6144", "true"], ["> 9.99E6144", "true"], ["1E-6143", "true"]]),
    "wholes beyond all digits": ([Column("x", "integer")], [["< 1E40", "true"], ["(1E40..1E6144)", "true"]]),
    "dates at the ends": ([Column("x", "date")], [['< @"-999999999-01-01"', "true"], ['> @"999999999-12-31"', "true"]]),
    "long durations": ([Column("x", "dayTimeDuration")], [['> @"P999999999999D"', "true"]]),
    "times with offsets at the ends": (
        [Column("x", "time")], [['< @"00:00:00+14:00"', "true"], ['> @"23:59:59.999999999-14:00"', "true"]]
    ),
    "times with and without offsets": ([Column("x")], [['< @"10:00:00Z"', "true"], ['< @"10:00:00"', "true"]]),
    "a rule for each of 12,000 values": ([Column("x", "integer")], [[str(n), "true"] for n in range(12_000)]),
    "30,000 rules": ([Column("x", "integer")], [[str(n), "true"] for n in range(30_000)]),
    "no columns": ([], [["true"]] * 3_000),
    "many columns of which none is tested": ([f"x{n}" for n in range(1_500)], [["-"] * 1_500 + ["true"]]),
    "many columns with one expression": ([Column("x", "number")] * 1_000, [["< 1"] * 1_000 + ["true"]] * 2),
    "names that are all alike": ([Column(f"x + {n}") for n in range(500)], [["< 1"] * 500 + ["true"]] * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("policy", ["UNIQUE", "FIRST", "COLLECT"])
def test_a_table_that_is_meant_to_keep_the_analysis_busy_ends(name, policy) -> None:
    file = file_of(*TABLES[name], policy)
    begin = time.process_time()
    findings = found_in(file)
    assert time.process_time() - begin < 30
    assert not [finding for finding in findings if len(str(finding)) > 60_000]
