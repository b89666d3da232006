"""The analysis of large and of hostile models ends soon, and says so where it has not looked at everything."""

from __future__ import annotations

import random
import time

import pytest
from author_tables import declared, table
from decision_tables import Column, file_of
from dmn_text import decision, dmn, input_data

import mlc.dmn
from mlc.dmn.analysis import Aspect, analyse


def seconds(data: bytes) -> float:
    start = time.process_time()
    analyse(data)
    return time.process_time() - start


def test_a_thousand_rules_of_ten_columns_are_looked_at_soon() -> None:
    chance = random.Random(7)
    names = [f"metric {index}" for index in range(10)]
    cells = ["[{}..0.9]", "> {}", "-", "< {}, > 0.99", "not({})", "metric 1 * {} < ?", "abs(?) > {}", "{}, 0.5"]
    rows = [
        [*(chance.choice(cells).format(round(chance.random() * 0.8, 4)) for _ in names), "true", '"so"']
        for _ in range(1000)
    ]
    columns = [(name, "number") for name in names]

    assert seconds(declared(table(columns, [("passes", "boolean"), ("why", "string")], rows), *columns)) < 20


def one_column(cells: list[str], kind: str = "number") -> bytes:
    return declared(table([("auc", kind)], [("passes", "boolean")], [[cell, "true"] for cell in cells]), ("auc", kind))


@pytest.mark.parametrize(
    "data",
    [
        one_column([f"{'> ' * 80}{number}" for number in range(800)]),
        one_column([f"a{' b' * 90}{number}" for number in range(800)]),
        one_column([f"word{number}" for number in range(1500)], "string"),
        one_column([f"for i in 1..2000 return i + {number}" for number in range(1000)]),
        one_column([f"9 ** 9 ** 9 ** {number}" for number in range(1000)]),
        one_column([f"{'abs(' * 40}1{')' * 40} + {number}" for number in range(200)]),
        one_column([", ".join(f"> {number}" for number in range(3000))] * 5),
        dmn(*(decision(f"d{number}", f"a{number} > 1") for number in range(1500))),
        dmn(*(input_data(f"name{number}", "string") for number in range(1500)), decision("d", "nam1 + nam2")),
        dmn(decision("d", "<literalExpression><text>1</text></literalExpression>" + "<bad/>" * 20_000)),
    ],
    ids=["signs", "words", "names", "loops", "powers", "calls", "tests", "inputs", "declarations", "elements"],
)
def test_a_model_made_for_harm_takes_seconds(data) -> None:
    assert seconds(data) < 15


def test_a_file_that_is_wrong_all_over_is_not_looked_at_further() -> None:
    data = one_column([f"> {number} {number}" for number in range(5_000)])
    loading = time.process_time()
    mlc.dmn.load(data, strict=False)
    loading = time.process_time() - loading

    assert seconds(data) < 4 * loading + 2
    assert "mend these first" in str(analyse(data).findings[-1])


def test_what_was_not_looked_at_is_said() -> None:
    found = analyse(one_column([f"for i in 1..1900 return i + {number}" for number in range(300)])).findings

    assert [str(one) for one in found if one.kind is Aspect.UNKNOWN] != []


@pytest.mark.parametrize(("kind", "cell"), [("string", '"w{}"'), ("double", "< {}.5"), ("double", "[{0}..{0}.5]")])
def test_many_allowed_values_are_no_reason_to_take_long(kind: str, cell: str) -> None:
    chance = random.Random(5)
    allowed = ",".join(f'"w{number}"' if kind == "string" else str(number) for number in range(600))
    columns = [Column(f"x{index}", kind, allowed) for index in range(10)]
    rows = [[*(cell.format(chance.randint(1, 599)) for _ in columns), "true"] for _ in range(1000)]
    assert seconds(file_of(columns, rows, "FIRST")) < 20


def test_an_error_is_told_behind_thousands_of_other_findings_of_its_check() -> None:
    outputs = [*((f"o{index}", "string") for index in range(6)), ("passes", "boolean")]
    rows = [[f"{number}", *[""] * 6, "true"] for number in range(4_000)] + [["-1", *[""] * 6, '"maybe"']]
    found = analyse(declared(table([("auc", "number")], outputs, rows), ("auc", "number")), max_bytes=50_000_000)
    assert [finding.place.rule for finding in found.errors] == [4_001]
