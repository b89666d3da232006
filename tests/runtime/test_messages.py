"""What a model's process may tell its runtime, and what is refused."""

import json
from typing import Any

import pytest
from fuzz import channel as fuzzing
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlc.runtime.channel.messages import JOB, LOADING, SERVING, BadMessage, Scored, parse
from mlc.runtime.harness import limits, telling
from mlc.runtime.harness.texts import is_printable, one_line, printable_lines

DONE = b'{"event":"done","notes":[%s]}'
SCORED = b'{"event":"scored","id":1,"outcomes":[{"outcome":"scored","results":[%s]}]}'
COUNTED = (
    b'{"event":"done","notes":[],"records":{"read":%s,"written":1,"bad":0,"unanswered":0,"paired":true,"examples":[]}}'
)


@pytest.mark.parametrize("seed", list(fuzzing.seeds()), ids=lambda seed: seed[10:30].decode())
def test_what_the_harness_sends_is_taken_as_one_kind_and_as_no_other(seed: bytes) -> None:
    taken = []
    for name, messages in fuzzing.KINDS.items():
        try:
            taken.append((name, parse(seed, messages)))
        except BadMessage:
            continue
    if b'"failed"' in seed[:20]:
        assert len(taken) == 3
    else:
        assert len(taken) == 1
    sent = json.loads(seed)
    assert taken[0][1].model_dump(exclude_unset=True) == sent


BAD: dict[str, tuple[TypeAdapter[Any], bytes, str]] = {
    "a bare done": (JOB, b'{"event":"done"}', "notes: Field required"),
    "a list": (JOB, b"[]", "object"),
    "null": (JOB, b"null", "object"),
    "nothing": (JOB, b"", "EOF"),
    "text": (JOB, b"done", "expected"),
    "two in a line": (JOB, DONE % b"" + DONE % b"", "trailing characters"),
    "no event": (JOB, b'{"notes":[]}', "discriminator"),
    "an unknown event": (JOB, b'{"event":"\\u001b[2J"}', "tag"),
    "an event that is a list": (JOB, b'{"event":[]}', "tag"),
    "an event twice": (JOB, b'{"event":"failed","event":"done","notes":[]}', "'event' stands twice"),
    "a field too many": (JOB, b'{"event":"done","notes":[],"sha256":{}}', "sha256: Extra inputs"),
    "forged libraries": (JOB, b'{"event":"done","notes":[],"modules":["numpy"],"python":"3.99"}', "Extra inputs"),
    "progress without records": (JOB, b'{"event":"progress"}', "records: Field required"),
    "progress of a text": (JOB, b'{"event":"progress","records":"7"}', "valid integer"),
    "progress of a truth": (JOB, b'{"event":"progress","records":true}', "valid integer"),
    "progress of a fraction": (JOB, b'{"event":"progress","records":7.0}', "valid integer"),
    "negative progress": (JOB, b'{"event":"progress","records":-1}', "greater than or equal"),
    "progress beyond what JSON holds": (JOB, b'{"event":"progress","records":9007199254740992}', "less than"),
    "a number of 3 MB": (JOB, b'{"event":"progress","records":%s}' % (b"9" * 3_000_000), "number out of range"),
    "counts of 400 digits": (JOB, COUNTED % (b"9" * 400), "less than"),
    "NaN for a count": (JOB, COUNTED % b"NaN", "valid integer"),
    "deep nesting": (JOB, b'{"event":"done","notes":%s' % (b"[" * 90_000), "recursion"),
    "deep objects": (JOB, b'{"event":' * 40_000, "recursion"),
    "nesting without end": (JOB, b"[" * 1_000_000, "1,000,000 parts, and 100,000 are the most"),
    "notes that are none": (JOB, DONE % b"1", "valid string"),
    "too many notes": (JOB, DONE % b",".join([b'""'] * 201), "at most 200"),
    "a long note": (JOB, DONE % (b'"%s"' % (b"x" * 2_001)), "at most 2000"),
    "a note of two lines": (JOB, DONE % rb'"a\nMETRICS job: ended"', "can't be printed"),
    "a note for a terminal": (JOB, DONE % rb'"\u001b[2J"', "can't be printed"),
    "a note with a NUL": (JOB, DONE % rb'"\u0000"', "can't be printed"),
    "a raw NUL": (JOB, DONE % b'"\x00"', "control character"),
    "a note that is reordered": (JOB, DONE % rb'"\u202e"', "can't be printed"),
    "half a surrogate pair": (JOB, DONE % rb'"\ud800"', "hex escape"),
    "the other half": (JOB, DONE % rb'"\udc00"', "surrogate"),
    "bytes of a surrogate": (JOB, DONE % b'"\xed\xa0\x80"', "unicode"),
    "no UTF-8": (JOB, DONE % b'"\xff"', "unicode"),
    "a byte order mark": (JOB, b"\xef\xbb\xbf" + DONE % b"", "expected value"),
    "UTF-16": (JOB, (DONE % b"").decode().encode("utf-16"), "expected value"),
    "too many parts": (JOB, DONE % (b'"%s"' % (b"," * 100_000)), "parts"),
    "a trace for a terminal": (JOB, rb'{"event":"failed","message":"","traceback":"a\u001b[0m","notes":[]}', "printed"),
    "ready in a job": (JOB, b'{"event":"ready","trial":null,"notes":[]}', "tag 'ready'"),
    "an answer in a job": (JOB, SCORED % b"1", "tag 'scored'"),
    "done online": (LOADING, DONE % b"", "tag 'done'"),
    "done while serving": (SERVING, DONE % b"", "tag 'done'"),
    "ready twice": (SERVING, b'{"event":"ready","trial":null,"notes":[]}', "tag 'ready'"),
    "half a trial": (LOADING, b'{"event":"ready","trial":{"origin":"x"},"notes":[]}', "record: Field required"),
    "an id that is none": (SERVING, b'{"event":"scored","id":null,"outcomes":[]}', "valid integer"),
    "outcomes that are none": (SERVING, b'{"event":"scored","id":1,"outcomes":[{}]}', "discriminator"),
    "an unknown outcome": (SERVING, b'{"event":"scored","id":1,"outcomes":[{"outcome":"good"}]}', "tag 'good'"),
    "an answer of NaN": (SERVING, SCORED % b"NaN", "NaN"),
    "an answer of infinity": (SERVING, SCORED % b"-Infinity", "Infinity"),
    "an answer that becomes infinite": (SERVING, SCORED % b"1e400", "too large: 1e400"),
    "an answer of 400 digits": (SERVING, SCORED % (b"1" * 400), "400 digits"),
    "an answer of 5,000 digits": (SERVING, SCORED % (b"1" * 5000), "number out of range"),
    "an answer with a name twice": (SERVING, SCORED % b'{"a":{"b":1,"b":2}}', "'b' stands twice"),
    "a deep answer": (SERVING, SCORED % (b"[" * 250 + b"]" * 250), "recursion"),
    "a column that is no text": (
        SERVING,
        b'{"event":"scored","id":1,"outcomes":[{"outcome":"refused","message":"","columns":{"missing":[1]}}]}',
        "valid string",
    ),
    "columns of an unknown kind": (
        SERVING,
        b'{"event":"scored","id":1,"outcomes":[{"outcome":"refused","message":"","columns":{"odd":[]}}]}',
        "odd",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_message_is_refused_with_a_sentence(what: str) -> None:
    messages, line, said = BAD[what]
    with pytest.raises(BadMessage) as refused:
        parse(line, messages)
    text = str(refused.value)
    assert said in text, text
    assert text.startswith("it sent ")
    assert len(text) <= 200
    assert is_printable(text)


def test_an_answer_may_be_whatever_json_holds() -> None:
    answer = b'{"":null,"a":[1,-2.5e300,true,{"\\u0000":"\\ud83d\\ude00"}],"n":%s}' % (b"1" * 300)
    message = parse(SCORED % answer, SERVING, limits.ANSWER_VALUES)
    assert isinstance(message, Scored)
    assert message.outcomes[0].model_dump()["results"] == [json.loads(answer)]


texts = st.text(st.characters(), max_size=100)
names = st.text(st.characters(), max_size=5)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts,
        st.sampled_from([10**308, 10**309, -(10**400)]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
columns = st.dictionaries(st.sampled_from(["missing", "wrong"]), st.lists(texts, max_size=60))
outcomes = st.one_of(
    st.fixed_dictionaries(
        {"outcome": st.just("scored"), "results": st.lists(values, max_size=3)}, optional={"warning": texts}
    ),
    st.fixed_dictionaries({"outcome": st.just("failed"), "message": texts, "traceback": texts}),
    st.fixed_dictionaries({"outcome": st.just("refused"), "message": texts, "columns": columns}),
)


@given(st.lists(outcomes, max_size=4))
@settings(max_examples=200, deadline=None)
def test_whatever_a_model_answers_the_harness_sends_what_the_runtime_takes(of_records: list[dict[str, Any]]) -> None:
    line = telling.outcomes(7, {"event": "scored", "outcomes": of_records}, limits.JOB_MESSAGE)
    message = parse(line, SERVING, limits.ANSWER_VALUES)
    assert isinstance(message, Scored)
    assert (message.id, len(message.outcomes)) == (7, len(of_records))
    for given_, told in zip(of_records, message.outcomes, strict=True):
        if given_["outcome"] == "scored" and not limits.unreadable(given_["results"]):
            assert told.model_dump()["results"] == given_["results"]


@given(texts, texts, st.lists(texts, max_size=300))
@settings(max_examples=100, deadline=None)
def test_whatever_a_model_says_when_it_fails_the_runtime_takes_it(message: str, trace: str, notes: list[str]) -> None:
    told = {"event": "failed", **telling.failure(message, trace * 2_000), "notes": telling.notes(notes)}
    parse(telling.encoded(told), JOB)


def test_an_answer_that_is_too_large_becomes_a_failure_that_says_so() -> None:
    scored = {"outcome": "scored", "results": ["x" * 2_000]}
    for answer, number in (({"event": "scored", "outcomes": [scored] * 2}, 2), ({"event": "tried", **scored}, 1)):
        told = json.loads(telling.outcomes(1, answer, 1_000))
        found = told["outcomes"] if number == 2 else [told["tried"]]
        assert [each["outcome"] for each in found] == ["failed"] * number
        assert "longer than 1,000 bytes: ask for less at a time, or raise MLC_RUNTIME_ANSWER" in found[0]["message"]


def test_a_text_for_people_is_on_one_line_printable_and_short() -> None:
    assert (
        one_line("a\nb\r\x1b[2J\u2028\u202e\ud800\x00 ü\t😀", 100) == r"a\nb\r\x1b[2J\u2028\u202e\ud800\x00 ü" + "\t😀"
    )
    assert one_line("x" * 50, 20) == "x" * 14 + " [...]"
    assert len(one_line("\x00" * 10**6, 200)) == 200
    lines = printable_lines("first\n" + "\x1b" * 10**6 + "\nlast", 1_000)
    assert len(lines) <= 1_000
    assert lines.startswith("first\n")
    assert is_printable(lines, lines=True)


def test_the_fuzzing_of_the_channel_keeps_its_promises_for_a_while() -> None:
    assert fuzzing.run(60, seed=1, most=300).startswith("300 messages")


def test_the_fuzzing_of_the_channel_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "parse", lambda line, messages, values: json.loads(line))
    with pytest.raises(fuzzing.BrokenPromiseError):
        fuzzing.run(60, seed=1, most=300)
