"""Whatever a file, an expression or an input is, loading and evaluating raise nothing but DmnError, and end."""

from __future__ import annotations

from typing import Any

from feel_grammar import EXPRESSIONS, TESTS
from hypothesis import given
from hypothesis import strategies as st
from property_settings import examples

import mlc.dmn
from tests.fuzz import seeds, targets

FILES = list(seeds.files())
WORDS = [line[1:-1].replace('\\"', '"').replace("\\\\", "\\").encode() for line in seeds.dictionary().splitlines()]


@examples(600)
@given(EXPRESSIONS)
def test_an_expression_of_any_form_answers_or_is_refused(text) -> None:
    targets.feel(b"0" + text.encode())


@examples(300)
@given(TESTS)
def test_a_cell_of_any_form_answers_or_is_refused(text) -> None:
    targets.feel(b"1" + text.encode())


@examples(200)
@given(st.text(max_size=60), st.sampled_from("01234"))
def test_any_text_answers_or_is_refused_wherever_it_stands(text, shape) -> None:
    targets.feel(shape.encode() + text.encode("utf-8", "replace"))


@examples(200)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_or_refused(data) -> None:
    targets.load(data)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A small file of one kind or another, with some of its bytes taken out, doubled or replaced by a word of DMN."""
    data = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 60)))
        part = data[start:end]
        data = (
            data[:start]
            + draw(st.sampled_from([b"", part + part, draw(st.sampled_from(WORDS)), part[::-1]]))
            + data[end:]
        )
    return data


@examples(400)
@given(mutated())
def test_a_damaged_file_loads_or_is_refused(data) -> None:
    targets.load(data)


@st.composite
def rearranged(draw: st.DrawFn) -> bytes:
    """A well-formed file: the elements of one inside of, or beside, those of others."""
    file = draw(st.sampled_from(FILES)).decode("utf-8", "ignore")
    box, other = draw(st.sampled_from(list(seeds.boxes()))), draw(st.sampled_from(list(seeds.boxes())))
    target = draw(st.sampled_from(list(seeds.boxes())))
    return file.replace(box, target.replace(other, box)).replace(target, target.replace(box, other)).encode()


@examples(200)
@given(rearranged())
def test_boxes_in_boxes_load_or_are_refused(data) -> None:
    targets.load(data)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(max_size=5), st.dates(), st.times(),
    st.datetimes(), st.timedeltas(), st.binary(max_size=3), st.complex_numbers(), st.just(object()), st.just(print),
)  # fmt: skip
INPUTS: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
)
MODEL = mlc.dmn.load(seeds.definitions(seeds.decision(seeds.table(' hitPolicy="COLLECT"'))).encode())
WHOLE = mlc.dmn.load(
    seeds.definitions(
        seeds.decision(seeds.literal('[auc, auc = 1, auc < "b", string(auc), auc[1], auc.a, count(auc)]'))
    ).encode()
)


@examples(200)
@given(st.dictionaries(st.sampled_from(["auc", "kind", "other"]), INPUTS, max_size=3))
def test_any_python_value_can_be_an_input(inputs) -> None:
    for model in (MODEL, WHOLE):
        targets.evaluated(model, "v", inputs)
