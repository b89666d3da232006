"""What a review ticket says of the files that an approval binds."""

from mlc.ticketing.content import plain
from mlc.ticketing.content.bound import bound_section
from mlc.ticketing.content.evidence import BoundFact

FILES = [
    BoundFact(name="more.csv", role="UNKNOWN", sha256="c" * 64),
    BoundFact(name="model.pkl", role="WEIGHTS_FILE", sha256="b" * 64),
    BoundFact(name="model.py", role="MODEL_SOURCE", sha256="a" * 64),
    BoundFact(name="big.csv", role="TEST_DATA", sha256="d" * 64, by_content=False),
]


def test_the_files_that_matter_most_come_first() -> None:
    (section,) = bound_section("e" * 64, FILES, most=12, longest=200)
    assert section.table is not None
    assert [row[0] for row in section.table.rows] == ["model.py", "model.pkl", "big.csv", "more.csv"]
    assert [row[2] for row in section.table.rows] == ["a" * 12, "b" * 12, "not its content", "c" * 12]
    said = plain.render([section])
    assert f"SHA-256 over all 4: {'e' * 64}" in said
    assert "hold what is there: big.csv." in said


def test_nothing_is_said_where_nothing_is_bound() -> None:
    assert bound_section("", FILES, most=12, longest=200) == []


def test_files_that_cant_be_read_leave_the_digest() -> None:
    (section,) = bound_section("e" * 64, [], most=12, longest=200)
    assert section.table is None
    assert f"SHA-256 over all of them: {'e' * 64}" in plain.render([section])


def test_thousands_of_files_with_long_names_stay_a_short_section() -> None:
    many = [BoundFact(name=f"{n}{'n' * 5_000}", role="UNKNOWN", by_content=False) for n in range(3_000)]
    (section,) = bound_section("e" * 64, many, most=12, longest=200)
    said = plain.render([section])
    assert len(said) < 10_000
    assert "and 2995 more." in said
    assert "12 of 3000 are shown" in said
