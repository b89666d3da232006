"""The extended schema: what is read, and the sentence for everything that is wrong with it."""

import json
import sys

import pytest
from monitors.frames import field, schema

from mlc.monitors import MONITORS, DataClass, MonitorError, Role, read_schema

RECORD = {"type": "record", "name": "credit", "fields": [field("amount")]}


@pytest.mark.parametrize(
    "document",
    [
        RECORD,
        json.dumps(RECORD),
        json.dumps(RECORD).encode(),
        [RECORD],
        [{"schemaId": "1", "name": "s.avsc", "schemaDefinition": RECORD}],
        [{"schemaDefinition": json.dumps(RECORD)}],
    ],
)
def test_a_schema_is_read_as_a_record_as_json_or_as_a_model_has_it(document: object) -> None:
    found = read_schema(document)
    assert (found.name, [each.name for each in found.fields]) == ("credit", ["amount"])


def test_a_field_is_what_its_keys_say() -> None:
    described = schema(
        field("amount", specialValues=[-1, [-2, -3], {"values": [-4], "purpose": "unknown"}]),
        field("id", "identifier", None),
        field("kept", "Non-Predictor", "categorical", driftCandidate=True),
        field("unseen", driftCandidate=False),
        field("bad", "label", "categorical", positiveClassLabel=["yes"]),
        field("score", "score", threshold=1),
    )
    amount, identifier, kept, unseen, label, score = described.fields
    assert (amount.role, amount.data_class, amount.drift_candidate) == (Role.PREDICTOR, DataClass.NUMERICAL, True)
    assert amount.special_values == ((-1,), (-2, -3), (-4,))
    assert (identifier.role, identifier.data_class, identifier.drift_candidate) == (Role.IDENTIFIER, None, False)
    assert (kept.role, kept.drift_candidate, unseen.drift_candidate) == (Role.NON_PREDICTOR, True, False)
    assert (label.positive_label, score.threshold) == ("yes", 1.0)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "exactly one input schema, and there are 0"),
        ([RECORD, RECORD], "exactly one input schema, and there are 2"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (None, "of the type NoneType"),
        (7, "of the type int"),
        ({"type": "enum", "fields": []}, "is no Avro record"),
        ({"type": "record", "fields": {}}, "is no Avro record"),
        ({"type": "record", "fields": []}, "has no fields"),
    ],
)
def test_what_is_no_schema_is_said_in_a_sentence(document: object, said: str) -> None:
    with pytest.raises(MonitorError) as error:
        read_schema(document)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("amount", "Field 1 of the schema has no name."),
        ({"role": "score"}, "Field 1 of the schema has no name."),
        ({"name": 3, "role": "score"}, "Field 1 of the schema has no name."),
        ({"name": "x", "type": "int"}, "'x' has no role: the schema must be extended"),
        (field("x", "predicter"), "unknown role 'predicter': known are predictor, non_predictor"),
        (field("x", "label", "numeric"), "unknown dataClass 'numeric': known are numerical or categorical"),
        (field("x", data_class=None), "'x' has no dataClass"),
        (field("x", "identifier", None, driftCandidate=True), "'x' has no dataClass"),
        (field("x", driftCandidate="yes"), "must be true or false, and is 'yes'"),
        (field("x", "score", threshold="0.5"), "must be a number, and is '0.5'"),
        (field("x", "score", threshold=True), "must be a number, and is True"),
        (field("x", "score", threshold=float("nan")), "must be a number, and is nan"),
        (field("x", "score", threshold=10**400), "must be a number"),
        (field("x", specialValues=7), "must be a list of values or of lists of values"),
        (field("x", specialValues=[None]), "must be a list of values or of lists of values"),
        (field("x", specialValues=[[]]), "must be a list of values or of lists of values"),
        (field("x", specialValues=[1, [1, 2]]), "has a value twice"),
        (field("x", "label", positiveClassLabel=["a", "b"]), "must be one value, and is ['a', 'b']"),
        (field("x", "label", positiveClassLabel={}), "must be one value, and is {}"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_a_sentence(broken: object, said: str) -> None:
    with pytest.raises(MonitorError) as error:
        read_schema({"type": "record", "fields": [broken]})
    assert [problem for problem in error.value.problems if said in problem], error.value.problems


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(MonitorError) as error:
        schema(field("a", "scores"), field("b"), field("b"), field("c", threshold="x"))
    assert len(error.value.problems) == 3
    assert "2 fields with the name 'b'" in error.value.problems[-1]


LABEL, SCORE = field("label", "label", "categorical"), field("score", "score", "categorical")


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("Performance Monitor: Regression", [field("a")], ["no field with the role label", "role score"]),
        ("Performance Monitor: Regression", [LABEL, SCORE], ["'label' must be numerical", "'score' must be numerical"]),
        ("Performance Monitor: Classification", [SCORE], ["no field with the role label"]),
        ("Performance Monitor: Classification", [LABEL], ["no field with the role score"]),
        ("Performance Monitor: Classification", [field("y", "label"), SCORE], ["'y' must be categorical"]),
        ("Performance Monitor: Classification", [LABEL, field("p", "score")], ["'p' is numerical", 'a "threshold"']),
        (
            "Performance Monitor: Classification",
            [LABEL, field("p", "score"), SCORE],
            ["2 fields with the role score ('p', 'score'), and there may be one"],
        ),
        ("Performance Monitor: Classification", [LABEL, field("l", "label"), SCORE], ["2 fields with the role label"]),
        ("Data Drift Monitor: Comprehensive Analysis", [field("a", driftCandidate=False)], ["no column to compare"]),
        ("Concept Drift Monitor: Comprehensive Analysis", [field("a")], ["no field with the role score"]),
        ("Concept Drift Monitor: Comprehensive Analysis", [SCORE, field("p", "score")], ["2 fields with the role"]),
        ("Stability Monitor: PSI/CSI", [field("a")], ["no field with the role score"]),
        ("Stability Monitor: PSI/CSI", [SCORE], ["no predictor"]),
        (
            "Stability Monitor: PSI/CSI",
            [SCORE, field("a"), field("v", "weight"), field("w", "weight")],
            ["2 fields with the role weight ('v', 'w')"],
        ),
    ],
)
def test_what_a_schema_lacks_for_a_monitor_is_known_without_data(name: str, fields: list, said: list[str]) -> None:
    problems = MONITORS[name].lacking(schema(*fields))
    for each in said:
        assert [problem for problem in problems if each in problem], problems


@pytest.mark.parametrize("name", MONITORS)
def test_a_schema_that_suffices_lacks_nothing(name: str) -> None:
    kind = "numerical" if "Regression" in name else "categorical"
    described = schema(field("a"), field("label", "label", kind), field("score", "score", kind))
    assert MONITORS[name].lacking(described) == []


def test_a_deep_document_does_not_break_the_reader() -> None:
    document: object = RECORD
    for _ in range(sys.getrecursionlimit() * 2):
        document = [{"schemaDefinition": document}]
    with pytest.raises(MonitorError):
        read_schema(document)
