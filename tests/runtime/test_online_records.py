"""Online records: whose fault it is that one can't be scored, and the record that a model is tried on."""

import contextlib
import copy
import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlc.runtime.harness.functions import ModelCode
from mlc.runtime.harness.serving import OnlineScoring
from mlc.runtime.harness.trial import CSV_HEAD

Online = Callable[..., OnlineScoring]
PLAIN = "# modelop.score\ndef s(r):\n    return r"
HALF = "# modelop.score\ndef s(r):\n    return {'half': r['a'] / 2}"


@pytest.fixture
def online(tmp_path: Path) -> Iterator[Online]:
    """A model as it serves: ``online(source, data={name: text}, fields=[...])``."""
    known = set(sys.modules)
    with contextlib.chdir(tmp_path):

        def start(
            source: str, data: dict[str, str] | None = None, fields: list[Any] | None = None, *, check: bool = True
        ) -> OnlineScoring:
            Path("model.py").write_text(textwrap.dedent(source))
            inputs = []
            for name, text in (data or {}).items():
                Path(name).write_text(text)
                file = {"path": name, "name": name, "format": name.rpartition(".")[2], "check": False}
                inputs.append({**file, "schema": schema(fields)})
            order = {"inputs": inputs, "record_schema": schema(fields), "check_records": check}
            return OnlineScoring(ModelCode("model.py", {}), order)

        yield start
    for name in set(sys.modules) - known:
        if name in {"model", "model_source"}:
            del sys.modules[name]


def schema(fields: list[Any] | None) -> dict[str, Any] | None:
    return None if fields is None else {"type": "record", "name": "r", "fields": fields}


def field(name: str, avro_type: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": avro_type, **more}


def scored(online: OnlineScoring, *records: Any) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = online.answer({"records": copy.deepcopy(list(records))})["outcomes"]
    return outcomes


FIELDS = [
    field("a", "double"),
    field("b", ["null", "string"]),
    field("income", "int", default=0),
    field("label", "int", role="label"),
    field("id", "long", scoringOptional=True),
]


@pytest.mark.parametrize(
    ("record", "message", "columns"),
    [
        ({}, "The record has no column 'a', which the input schema asks for.", {"missing": ["a"]}),
        (
            {"A": 1.0},
            "The record has no column 'a', which the input schema asks for. It has column 'A', which the schema "
            "doesn't know.",
            {"missing": ["a"], "unknown": ["A"]},
        ),
        (
            {"a": "7"},
            "The record is not as the input schema says: its field 'a' is a str, and should be double.",
            {"wrong": ["a"]},
        ),
        (
            {"a": None},
            "The record is not as the input schema says: its field 'a' is missing or null, and should be double.",
            {"wrong": ["a"]},
        ),
        (
            {"a": True},
            "The record is not as the input schema says: its field 'a' is a bool, and should be double.",
            {"wrong": ["a"]},
        ),
        (
            {"a": 1.0, "incme": 5},
            "The input schema doesn't know the column 'incme': is 'income' meant?",
            {"unknown": ["incme"], "missing": ["income"]},
        ),
        ([1.0], "The record is a list, and the input schema asks for an object of columns.", {}),
        (None, "The record is null, and the input schema asks for an object of columns.", {}),
    ],
)
def test_a_record_that_is_not_as_the_schema_says_is_refused_with_its_columns(
    online: Online, record: Any, message: str, columns: Any
) -> None:
    (outcome,) = scored(online(PLAIN, fields=FIELDS), record)
    assert outcome == {"outcome": "refused", "message": message, "columns": columns}


@pytest.mark.parametrize(
    "record", [{"a": 1}, {"a": 1.5, "b": None, "customer": "x"}, {"a": 1, "b": "b", "id": 3, "label": 1, "income": 2}]
)
def test_a_record_is_scored_without_label_with_defaults_and_with_columns_that_the_schema_does_not_name(
    online: Online, record: Any
) -> None:
    assert scored(online(PLAIN, fields=FIELDS), record) == [{"outcome": "scored", "results": [record]}]


def test_with_a_schema_what_the_model_raises_is_the_models_fault(online: Online) -> None:
    model = online("# modelop.score\ndef s(r):\n    return r['no such']", fields=[field("a", "int")])
    (outcome,) = scored(model, {"a": 1})
    assert outcome["outcome"] == "failed"
    assert "KeyError: 'no such' (line 3)" in outcome["message"]


def test_many_columns_are_named_in_a_sentence_that_stays_short(online: Online) -> None:
    model = online(PLAIN, fields=[field(f"c{n}", "int") for n in range(1000)])
    (outcome,) = scored(model, {f"{n}x{'y' * 500}": n for n in range(1000)})
    assert "and 990 more, which the input schema asks for" in outcome["message"]
    assert len(outcome["message"]) < 1500
    assert len(outcome["columns"]["missing"]) == 10


DATA = {"test.csv": "a,b,name,label\n1,2.5,x,1\n2,3.5,y,0\n"}
PANDAS = "import pandas as pd\n# modelop.score\ndef s(r):\n    return pd.DataFrame([r])[['a', 'b']].sum(axis=1).iloc[0]"
SKLEARN = """
    import pandas as pd
    from sklearn.linear_model import LinearRegression
    fitted = LinearRegression().fit(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "b"]), [1, 2])
    # modelop.score
    def s(r): return fitted.predict(pd.DataFrame([r]))[0]
    """


@pytest.mark.parametrize("data", [None, DATA])
@pytest.mark.parametrize(
    ("source", "record", "columns"),
    [
        (HALF, {"b": 1}, {"missing": ["a"]}),
        ("# modelop.score\ndef s(r):\n    return r.pop('a') + r['b']", {"a": 1}, {"missing": ["b"]}),
        ("# modelop.score\ndef s(r):\n    return sum(r[name] for name in ('a', 'b'))", {"a": 1}, {"missing": ["b"]}),
        ("# modelop.score\ndef s(r):\n    return r['a']['deep']['er']", {"a": {"deep": {}}}, {"missing": ["er"]}),
        (PANDAS, {"b": 1}, {"missing": ["a"]}),
        (PANDAS, {"c": 1, "b": 2}, {"missing": ["a"]}),
        (SKLEARN, {"a": 1}, {"missing": ["b"]}),
        (SKLEARN, {"a": 1, "b": 2, "zz": 3}, {"unknown": ["zz"]}),
        ("# modelop.score\ndef s(r): return float(r['a'])", {"a": "seven"}, {"wrong": ["a"]}),
    ],
)
def test_without_a_schema_the_models_own_exception_tells_which_column_is_wrong(
    online: Online, source: str, record: Any, columns: Any, data: Any
) -> None:
    (outcome,) = scored(online(source, data), record)
    assert (outcome["outcome"], outcome.get("columns")) == ("refused", columns), outcome


@pytest.mark.parametrize(
    ("source", "record"),
    [
        ("LIMITS = {}\n# modelop.score\ndef s(r):\n    return LIMITS['upper'] * r['a']", {"a": 1}),
        ("LIMITS = {}\n# modelop.score\ndef s(r):\n    return LIMITS[r['name']]", {"a": 1, "name": "z"}),
        ("# modelop.score\ndef s(r): raise ValueError('no luck with a')", {"b": 1}),
        ("# modelop.score\ndef s(r):\n    r.pop('a')\n    return r['a']", {"a": 1}),
        ("# modelop.score\ndef s(r): 1 / 0", {"a": 1}),
        ("# modelop.score\ndef s(r): raise SystemExit(3)", {"a": 1}),
        ("# modelop.score\ndef s(r): return object()", {"a": 1}),
    ],
)
@pytest.mark.parametrize("data", [None, DATA])
def test_without_a_schema_what_does_not_show_a_wrong_column_is_the_models_fault(
    online: Online, source: str, record: Any, data: Any
) -> None:
    (outcome,) = scored(online(source, data), record)
    assert outcome["outcome"] == "failed", outcome


def test_without_a_schema_the_test_data_tells_what_a_column_holds(online: Online) -> None:
    outcome, fine, null = scored(online(HALF, DATA), {"a": "1"}, {"a": 1.5}, {"a": None})
    assert outcome["columns"] == null["columns"] == {"wrong": ["a"]}
    assert outcome["message"] == (
        "The record's column 'a' is of another kind than in the model's test data: 'a' is text instead of a number."
    )
    assert fine["results"] == [{"half": 0.75}]
    (list_,) = scored(online(HALF, DATA), [1])
    assert list_["message"] == "The record is a list, and the model takes an object of columns."


def test_a_model_whose_answer_to_its_test_data_became_null_is_deployed_with_a_warning(online: Online) -> None:
    tried = online("# modelop.score\ndef s(r): return {'half': float('nan')}", DATA).answer({"trial": True})
    assert (tried["outcome"], tried["warning"]) == ("scored", "NaN or infinite values became null: half.")


def test_records_are_answered_in_their_order_each_with_an_outcome(online: Online) -> None:
    outcomes = scored(online(HALF), {"a": 4}, {}, {"a": 0}, {"a": float("nan")})
    assert [outcome["outcome"] for outcome in outcomes] == ["scored", "refused", "scored", "scored"]
    assert [outcome.get("results") for outcome in outcomes] == [
        [{"half": 2.0}],
        None,
        [{"half": 0.0}],
        [{"half": None}],
    ]
    assert [outcome.get("warning") for outcome in outcomes] == [
        *[None] * 3,
        "NaN or infinite values became null: half.",
    ]
    assert scored(online(HALF)) == []


def test_a_schema_that_can_not_be_used_checks_nothing_and_is_told(online: Online) -> None:
    model = online(HALF, fields=[field("a", "no such type")])
    assert scored(model, {"a": 4})[0]["results"] == [{"half": 2.0}]
    assert model.notes[0].startswith("Online records are not checked. The input schema is not an Avro schema")


# The trial


def tried(model: OnlineScoring) -> dict[str, Any]:
    answer: dict[str, Any] = model.answer({"trial": True})
    return answer


@pytest.mark.parametrize(
    ("name", "text", "record"),
    [
        ("t.csv", "a,b,name,label\n1,2.5,x,1\n2,3.5,y,0\n", {"a": 1, "b": 2.5, "name": "x", "label": 1}),
        ("t.json", '[{"a": 3}, {"a": 4}]', {"a": 3}),
        ("t.json", '{"a": [3, 4]}', {"a": 3}),
        ("t.jsonl", '\n{"a": 3}\n{"a": 4}\n', {"a": 3}),
        ("t.jsonl", 'broken\n{"a": 4}\n', {"a": 4}),
    ],
)
def test_the_first_record_of_the_test_data_is_tried_as_a_batch_job_would_give_it(
    online: Online, name: str, text: str, record: Any
) -> None:
    model = online(HALF, {name: text})
    assert model.trial is not None
    assert json.loads(model.trial["record"]) == record
    assert tried(model)["outcome"] == "scored"


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '[[{"a": 1}, {"a": 2}], [{"a": 3}]]'])
def test_where_a_record_is_a_list_by_the_schema_a_list_is_tried(online: Online, tmp_path: Path, text: str) -> None:
    Path("model.py").write_text("# modelop.score\ndef s(rows): return sum(r['a'] for r in rows)")
    Path("t.json").write_text(text)
    items = {"type": "record", "name": "r", "fields": [field("a", "int")]}
    lists = {"type": "array", "items": items}
    file = {"path": "t.json", "name": "t.json", "format": "json", "check": False, "schema": lists}
    model = OnlineScoring(ModelCode("model.py", {}), {"inputs": [file], "record_schema": lists, "check_records": True})
    assert tried(model)["results"] == [3]
    assert scored(model, [{"a": 4}], {"a": 4})[0]["results"] == [4]
    assert scored(model, {"a": 4})[0]["outcome"] == "refused"


def test_only_the_beginning_of_large_test_data_is_read(online: Online, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a,b\n" + "1,2\n" * CSV_HEAD + "1,no number\n"
    opened = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: opened.append(path.name) or real(path, *a, **k))
    model = online(HALF, {"t.csv": text})
    assert model.trial == {"origin": "record 1 of t.csv", "record": '{"a": 1, "b": 2}'}
    assert "t.csv" in opened


def test_a_model_that_fails_on_the_record_is_not_ready_and_says_where(online: Online) -> None:
    answer = tried(online("# modelop.score\ndef s(r):\n    return r['age']", DATA))
    assert answer["outcome"] == "failed"
    assert answer["message"] == "The score function 's' of model.py failed: KeyError: 'age' (line 3)."
    assert 'File "model.py", line 3, in s' in answer["traceback"]


@pytest.mark.parametrize(
    "source", ["def s(r): return None", "def s(r):\n    if r is None: yield 1", "def s(r): return float('nan')"]
)
def test_a_model_that_gives_no_answer_to_the_record_is_not_ready(online: Online, source: str) -> None:
    assert tried(online(f"# modelop.score\n{source}", DATA))["outcome"] == "failed"


def test_a_record_that_fails_with_its_label_is_tried_without_it_where_the_schema_says_which_it_is(
    online: Online,
) -> None:
    exactly = "# modelop.score\ndef s(r):\n    assert set(r) == {'a', 'b', 'name'}\n    return 1"
    fields = [field("a", "int"), field("b", "double"), field("name", "string"), field("label", "int", role="label")]
    assert tried(online(exactly, DATA, fields)) == {"event": "tried", "outcome": "scored", "results": [1]}
    assert tried(online(exactly, DATA))["outcome"] == "failed"
    needs_it = "# modelop.score\ndef s(r): return r['label']"
    assert tried(online(needs_it, DATA, fields))["outcome"] == "scored"


def test_that_callers_of_such_a_record_would_be_refused_is_a_warning(online: Online) -> None:
    answer = tried(online(HALF, DATA, [field("a", "int"), field("zip", "string")]))
    assert answer["outcome"] == "scored"
    assert answer["warning"].startswith("Callers who send such a record are refused: The record has no column 'zip'")
    assert "warning" not in tried(online(HALF, DATA, [field("a", "int"), field("zip", "string")], check=False))


@pytest.mark.parametrize(
    ("fields", "record"),
    [
        ([field("a", "int"), field("b", ["null", "double"]), field("c", "boolean")], {"a": 1, "b": 1.0, "c": True}),
        ([field("a", "string", default="x"), field("l", "string", role="label")], {"a": "x"}),
        ([field("a", {"type": "enum", "name": "e", "symbols": ["p", "q"]})], {"a": "p"}),
        ([field("a", ["null", "string"])], {"a": None}),
        ([field("a", "int"), field("b", "string")], None),
        ([field("a", {"type": "int", "logicalType": "date"})], None),
        ([], None),
    ],
)
def test_without_test_data_the_schema_yields_a_record_if_it_tells_each_value(
    online: Online, fields: list[Any], record: Any
) -> None:
    model = online(PLAIN, fields=fields)
    if record is None:
        assert model.trial is None
        assert tried(model) == {"event": "tried", "outcome": "not tried"}
    else:
        assert model.trial == {"origin": "a record made from the input schema", "record": json.dumps(record)}


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ({"t.csv": ""}, "The input file t.csv can't be read as CSV: it is empty, and its first line"),
        ({"t.csv": "a,b\n"}, "The test data t.csv has no record that can be read."),
        ({"t.json": "[{"}, "The input file t.json can't be read as JSON"),
        ({"t.jsonl": "no\n" * 50}, "The test data t.jsonl has no record that can be read."),
    ],
)
def test_test_data_that_yields_no_record_is_told_and_the_next_file_is_taken(
    online: Online, data: dict[str, str], note: str
) -> None:
    model = online(HALF, data)
    assert model.trial is None
    assert model.notes[0].startswith(note)
    assert online(HALF, {**data, "more.csv": "a\n1\n"}).trial is not None


def test_a_record_is_shown_short_and_without_what_looks_like_a_secret(online: Online) -> None:
    record = {"api_key": "k-1", "Password": "p-1", "text": "x" * 500, **{f"c{n}": n for n in range(500)}}
    trial = online(HALF, {"t.json": json.dumps([record])}).trial
    assert trial is not None
    assert "k-1" not in trial["record"]
    assert "p-1" not in trial["record"]
    assert len(trial["record"]) < 310


def test_what_the_model_changes_in_the_record_is_not_taken_for_the_callers(online: Online) -> None:
    model = online("# modelop.score\ndef s(r):\n    r.clear()\n    return 1", DATA)
    assert tried(model)["outcome"] == "scored"
    assert tried(model)["outcome"] == "scored"
    assert model.trial is not None
    assert json.loads(model.trial["record"])["a"] == 1


@pytest.mark.parametrize("kind", ["long", "int", ["null", "long"]], ids=str)
def test_a_whole_number_is_one_however_json_writes_it(online: Online, kind: Any) -> None:
    model = online("# modelop.score\ndef s(r): return {'seen': repr(r['a'])}", fields=[field("a", kind)])
    whole, half, flag, text = scored(model, {"a": 3.0}, {"a": 3.5}, {"a": True}, {"a": "3"})
    assert whole["results"] == [{"seen": "3"}]
    assert [outcome["outcome"] for outcome in (half, flag, text)] == ["refused"] * 3


TOGETHER = "# modelop.score\ndef s(left, right):\n    return {'sum': left['a'] + right['b']}"


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"one.csv": "a\n1\n", "two.csv": "b\n2\n"}, "scored"),
        ({"one.csv": "a\n1\n", "two.csv": "c\n2\n"}, "failed"),
        ({"one.csv": "a\n1\n"}, "not tried"),
        ({"one.csv": "a\n1\n", "two.csv": "b\n"}, "not tried"),
        ({}, "not tried"),
    ],
)
def test_a_model_that_takes_a_record_of_each_input_is_tried_on_the_first_of_each(
    online: Online, data: dict[str, str], outcome: str
) -> None:
    model = online(TOGETHER, data, [field("a", "long")])
    assert model.answer({"trial": True})["outcome"] == outcome
    assert (model.trial is None) == (outcome == "not tried")
    (answer,) = scored(model, {"left": {"a": 1}, "right": {"b": 2}})
    assert answer["results"] == [{"sum": 3}]
