"""Camunda's FEEL as a declared dialect: how it is declared, its functions, names in backticks, and what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from dmn_text import decision, dmn, input_data, item, literal
from feel_rows import rows

import mlc.dmn
from mlc.dmn import DmnError, Kind
from mlc.dmn.feel.dialects import ASKS_FOR_NULL, CAMUNDA_ARGUMENTS, CAMUNDA_FUNCTIONS, UNREPEATABLE, dialect

MODELER = 'xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="{}"'


def file(*elements: str, platform: str | None = None) -> bytes:
    declared = MODELER.format(platform) if platform is not None else ""
    return dmn(*elements).replace(b"<definitions ", f"<definitions {declared} ".encode(), 1)


def evaluated(text: str, dialect: str | None = "camunda", **inputs: Any) -> mlc.dmn.Evaluation:
    return mlc.dmn.load(dmn(decision("x", text)), dialect=dialect).evaluate(inputs, "x")


# -- how it is declared ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["Camunda Cloud", "Camunda Platform", "camunda cloud "])
def test_a_file_declares_it_by_the_platform_that_the_modeler_writes(platform) -> None:
    model = mlc.dmn.load(file(decision("x", "is empty([])"), platform=platform))
    assert (model.dialect, model.evaluate({}).result) == ("camunda", True)


@pytest.mark.parametrize("platform", [None, "", "Flowable", "Not Camunda"])
@pytest.mark.parametrize(
    "text", ["is empty([])", "is defined(x)", "to json(1)", "and([true])", "1 + `a b`", "{`a`: 1}"]
)
def test_without_a_declaration_it_is_refused_and_the_words_say_how_to_declare_it(platform, text) -> None:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(file(decision("x", text), platform=platform))
    (problem,) = caught.value.problems
    assert (problem.kind, problem.decision) == (Kind.SYNTAX, "x")
    for word in (
        "Camunda",
        'modeler:executionPlatform="Camunda Cloud"',
        'load(dialect="camunda")',
        "--dialect camunda",
    ):
        assert word in problem.message


@pytest.mark.parametrize("text", [f"{name}(1)" for name in sorted(CAMUNDA_FUNCTIONS - UNREPEATABLE)])
def test_every_function_of_camundas_alone_is_named_where_the_dialect_is_not_declared(text) -> None:
    with pytest.raises(DmnError, match="is Camunda's, not FEEL's"):
        mlc.dmn.load(dmn(decision("x", text)))


@pytest.mark.parametrize(("name", "counts"), CAMUNDA_ARGUMENTS.items())
def test_a_function_of_both_with_camundas_arguments_is_refused_where_the_dialect_is_not_declared(name, counts) -> None:
    for count in counts:
        with pytest.raises(DmnError, match=f"{count} arguments is Camunda's"):
            mlc.dmn.load(dmn(decision("x", f"{name}({', '.join('1' * count)})")))


def test_a_caller_declares_it_and_overrules_the_file() -> None:
    text = file(decision("x", "is empty([])"), platform="Camunda Cloud")
    assert mlc.dmn.load(dmn(decision("x", "is empty([])")), dialect="camunda").evaluate({}).result is True
    with pytest.raises(DmnError):
        mlc.dmn.load(text, dialect="feel")
    with pytest.raises(ValueError, match='there is no dialect "zeebe"; there are feel, camunda'):
        mlc.dmn.load(text, dialect="zeebe")


def test_each_imported_file_is_in_the_dialect_that_it_declares() -> None:
    other = file(decision("Far", "is empty([])"), platform="Camunda Cloud").replace(b"urn:main", b"urn:other")
    from dmn_text import imported

    main = dmn(imported("urn:other", "o"), decision("x", "o.Far", decisions=["urn:other#Far"]))
    model = mlc.dmn.load(main, imports={"urn:other": other})
    assert (model.dialect, model.evaluate({}, "x").result) == ("feel", True)
    with pytest.raises(DmnError, match="is Camunda's"):
        mlc.dmn.load(
            dmn(imported("urn:other", "o"), decision("x", "is empty(o.Far)", decisions=["urn:other#Far"])),
            imports={"urn:other": other},
        )


def test_names_of_a_model_may_be_those_of_camundas_functions_in_either_dialect() -> None:
    names = (input_data("partition", "number"), decision("x", "partition + put", ["partition"]))
    for spoken in ("feel", "camunda"):
        evaluation = mlc.dmn.load(dmn(*names), dialect=spoken).evaluate({"partition": 1, "put": 2})
        assert (evaluation.result, evaluation.problems) == (3, [])


@pytest.mark.parametrize("name", ["is empty", "put", "uuid", "get or else"])
def test_a_name_of_camundas_that_is_not_called_is_an_input_where_the_dialect_is_not_declared(name) -> None:
    model = mlc.dmn.load(dmn(decision("x", f"{name} = 1")))
    assert model.evaluate({name: 1}).result is True
    assert [problem.input for problem in model.evaluate({}).problems] == [name]


def test_cells_allowed_values_and_columns_are_in_the_dialect() -> None:
    table = (
        '<decisionTable hitPolicy="FIRST"><input><inputExpression><text>get or else(psi, 0)</text></inputExpression>'
        "</input><output name='o'/><rule><inputEntry><text>not(is empty([?]))</text></inputEntry><outputEntry><text>"
        "to json(`psi limit`)</text></outputEntry></rule></decisionTable>"
    )
    limit = item("tLimit", "<typeRef>number</typeRef><allowedValues><text>is defined(?)</text></allowedValues>")
    model = mlc.dmn.load(file(limit, input_data("psi limit", "tLimit"), decision("x", table, ["psi limit"]),
                              platform="Camunda Cloud"))  # fmt: skip
    evaluation = model.evaluate({"psi limit": 0.25})
    assert (evaluation.result, evaluation.problems) == ("0.25", [])


# -- what may be missing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("is defined(psi)", False),
        ("is defined(psi.a.b)", False),
        ("is defined(value: psi)", False),
        ("get or else(psi, 0)", 0),
        ("get or else(psi * 100, 7)", 7),
        ("get or else(value: psi.a, default: 7)", 7),
        ("get or else(default: 7, value: psi)", 7),
        ("get or else(get or else(psi, csi), 7)", 7),
        ("is defined({a: 1}.b)", False),
        ("is defined({a: null}.a)", False),
        ("is defined({a: 1}.a)", True),
        ("is defined(null)", False),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_name_that_is_asked_for_may_be_missing_and_that_is_no_problem(text, wanted, declared) -> None:
    named = [name for name in ("psi", "csi") if name in text and declared]
    model = mlc.dmn.load(dmn(*map(input_data, named), decision("x", text, named)), dialect="camunda")
    evaluation = model.evaluate({})
    assert (evaluation.result, evaluation.problems) == (wanted, [])


def test_what_is_also_needed_elsewhere_and_a_default_that_is_missing_are_problems() -> None:
    both = mlc.dmn.load(dmn(input_data("psi"), decision("x", "[get or else(psi, 0), psi]", ["psi"])), dialect="camunda")
    evaluation = both.evaluate({})
    assert [(problem.kind, problem.input) for problem in evaluation.problems] == [(Kind.MISSING_INPUT, "psi")]
    evaluation = evaluated("get or else(psi, limit)")
    assert [(problem.kind, problem.input) for problem in evaluation.problems] == [(Kind.MISSING_INPUT, "limit")]


def test_what_is_there_is_typed_and_checked_still() -> None:
    model = mlc.dmn.load(dmn(input_data("psi", "number"), decision("x", "get or else(psi, 0)", ["psi"])),
                         dialect="camunda")  # fmt: skip
    assert [given.name for given in model.inputs] == ["psi"]
    assert model.evaluate({"psi": 3}).result == 3
    assert [problem.kind for problem in model.evaluate({"psi": "many"}).problems] == [Kind.WRONG_TYPE]


def test_other_problems_in_what_is_asked_for_are_not_hidden() -> None:
    evaluation = evaluated("get or else(1 / 0, 5)")
    assert (evaluation.result, [problem.kind for problem in evaluation.problems]) == (5, [Kind.ARITHMETIC])


def test_the_functions_that_ask_for_null_are_functions_of_the_dialect() -> None:
    assert ASKS_FOR_NULL <= CAMUNDA_FUNCTIONS
    assert set(dialect("camunda").builtins) >= CAMUNDA_FUNCTIONS - UNREPEATABLE


def test_an_assertion_that_does_not_hold_is_a_problem_with_its_cause() -> None:
    evaluation = evaluated('assert(x, x > 3, "x is too small")', x=2)
    assert (evaluation.result, [problem.message for problem in evaluation.problems]) == (
        None,
        ["assert(): x is too small"],
    )
    assert evaluated("assert(value: x, condition: x > 3)", x=4).result == 4
    for text in ("assert(x, x > 5)", "assert(x, null)", "assert(null, null != null)"):
        assert [problem.kind for problem in evaluated(text, x=4).problems] == [Kind.BAD_ARGUMENT]


# -- functions -------------------------------------------------------------------------------------------------------


@rows(r"""
    is empty([]) => true
    is empty(list: [1]) => false
    is empty([null]) => false
    is blank("") => true
    is blank(string: " 	") => true
    is blank(" a ") => false
    partition([1, 2, 3, 4, 5], 2) => [[1, 2], [3, 4], [5]]
    partition(list: [], size: 2) => []
    partition([1], 1000000) => [[1]]
    partition([1], 0) => null
    partition([1], -1) => null
    partition([1, 2], 1.5) => null
    duplicate values([1, 2, 3, 4, 3, 1, 2]) => [1, 2, 3]
    duplicate values([{a: 1}, {}, {}, {a: 1}, {b: 2}]) => [{a: 1}, {}]
    duplicate values([1, null, "1", null]) => [null]
    duplicate values([]) => []
    decimal(2.5, 0, "UP") => 3
    decimal(2.5, 0, "down") => 2
    decimal(-2.5, 0, "CEILING") => -2
    decimal(-2.5, 0, "Floor") => -3
    decimal(2.5, 0, "HALF_UP") => 3
    decimal(2.5, 0, "HALF_DOWN") => 2
    decimal(2.5, 0, "HALF_EVEN") => 2
    decimal(n: 1.125, scale: 2, mode: "half_up") => 1.13
    decimal(1.0, 0, "UNNECESSARY") => 1
    decimal(1.1, 0, "UNNECESSARY") => null
    decimal(1.1, 0, "sideways") => null
    decimal(1/3, 2) => 0.33
    round up(-5.5) => -6
    round down(5.5) => 5
    round half up(n: 5.5) => 6
    round half down(5.5) => 5
    round half down(5.55, 1) => 5.5
    abs(number: -1) => 1
    abs(@"-PT5H") => @"PT5H"
    last day of month(@"2024-02-10") => @"2024-02-29"
    last day of month(@"2026-07-31T10:00:00") => @"2026-07-31"
    from json("{\"a\": [1, 2.5, null, true, \"x\"]}") => {a: [1, 2.5, null, true, "x"]}
    from json(value: "\"2023-06-14\"") => "2023-06-14"
    from json("0.1") + 0.2 => 0.3
    from json("{\"a\": 1, \"a\": 2}") => {a: 2}
    from json("nothing") => null
    from json("NaN") => null
    from json("1e9999999") => null
    from json("") => null
    from json(null) => null
    to json({a: 1, b: [true, null, "x\"y"]}) => "{\"a\":1,\"b\":[true,null,\"x\\\"y\"]}"
    to json(@"2023-06-14") => "\"2023-06-14\""
    to json(@"P3Y") => "\"P3Y\""
    to json(@"2025-11-24T10:00:00@Europe/Berlin") => "\"2025-11-24T10:00:00+01:00[Europe/Berlin]\""
    to json(1e3) => "1000"
    to json(null) => "null"
    to json(value: "é") => "\"é\""
    to json(function(a) a) => null
    from json(to json({a: [1, {b: "c"}]})) => {a: [1, {b: "c"}]}
    to base64("FEEL") => "RkVFTA=="
    from base64(value: "RkVFTA==") => "FEEL"
    from base64("!!!") => null
    from base64("/w==") => null
    extract("refs are 1234, 1256, 1378", "12[0-9]*") => ["1234", "1256"]
    extract("abc", "[a-z") => null
    trim("  a b ") => "a b"
    string join(["a", null, "b"], ", ", "[", "]") => "[a, b]"
    string join(["a"], null, null, null) => "a"
    string join(["a", "b"]) => "ab"
    substring("abc", 4, 4) => ""
    substring("abc", 2, 9) => "bc"
    substring("abc", 9) => null
    put({x: 1}, "y", 2) => {x: 1, y: 2}
    put all({x: 1, z: 3}, {x: 2}, {y: 4}) => {x: 2, z: 3, y: 4}
    put all({}, 1) => null
    context merge({x: 1, z: 3}, {x: 2}, {y: 4}) => {x: 2, z: 3, y: 4}
    context merge([{x: 1}, {y: 2}]) => {x: 1, y: 2}
    context merge(contexts: [{x: 1}, {x: null}]) => {x: null}
    context merge({x: 1}) => {x: 1}
    context merge({x: 1}, "y") => null
    context merge({x: 1}, null) => null
    string(@"-PT0S") => "P0D"
    string(@"P0M") => "P0Y"
    string([@"PT0S", "PT0S", @"-P1Y2M", @"PT90M"]) => "[P0D, \"PT0S\", -P1Y2M, PT1H30M]"
    string("PT0S") => "PT0S"
    string({a: 1, b: {c d: "e: f"}}) => "{a:1, b:{c d:\"e: f\"}}"
    string({"PT0S": [{}, []]}) => "{PT0S:[{}, []]}"
    string(null) => null
    context put({x: 1}, ["y", "z"], 2) => {x: 1, y: {z: 2}}
    context put({x: {a: 1}}, ["x", "b", "c"], 2) => {x: {a: 1, b: {c: 2}}}
    context put({x: 1}, ["x", "y"], 2) => {x: {y: 2}}
    context put({x: [], z: 3}, ["x", "y", "w"], null) => {x: {y: {w: null}}, z: 3}
    context put({x: 1}, [], 2) => null
    get value({x: 1, y: {z: 0}}, ["y", "z"]) => 0
    get value({x: {y: {z: 0}}}, ["x", "y"]) => {z: 0}
    get value({a: {b: 3}}, ["b"]) => null
    get value({a: 1}, []) => null
    get value(context: {a: 1}, key: "a") => 1
    get entries(context: {a: 1}) => [{key: "a", value: 1}]
    context([{key: "a", value: 1}, {key: "a", value: 2}]) => {a: 2}
    context([{key: "a", value: 1}, {key: "b"}]) => null
    and([true, null, false]) => false
    and(true, true) => true
    or(false, null) => null
    or([]) => false
    date and time(@"2020-07-31T14:27:30@Europe/Berlin", "Asia/Tokyo") => @"2020-07-31T21:27:30@Asia/Tokyo"
    date and time(@"2020-07-31T14:27:30", "Z") => @"2020-07-31T14:27:30Z"
    date and time(@"2020-07-31T14:27:30", "Nowhere") => null
    date and time("2018-04-29T09:30:00+02:00[Europe/Berlin]") => @"2018-04-29T09:30:00@Europe/Berlin"
    date and time(@"2020-07-31", time("T10:00:00")) => @"2020-07-31T10:00:00"
    date and time("2015-09-18T10:31+02:00") => @"2015-09-18T10:31:00+02:00"
    time("10:31") => @"10:31:00"
    time("10:31:05") => @"10:31:05"
    duration("PT-5M") => @"-PT5M"
    union(lists: [[1, 2], [2, 3], 4]) => [1, 2, 3, 4]
    union([1, 2], [2, 3]) => [1, 2, 3]
    concatenate([1], [1]) => [1, 1]
    concatenate(lists: [[1], [1]]) => [1, 1]
    duration("P-1Y-2M") => @"-P14M"
    duration("P-1DT2H") => @"-PT22H"
    fromAi(1, "the number", "number", null, {strict: true}) => 1
    fromAi(value: 1, type: "number") => 1
""")  # fmt: skip
def test_camundas_functions(expression, wanted) -> None:
    evaluation, expected = evaluated(expression), evaluated(wanted)
    assert repr(evaluation.result) == repr(expected.result)
    assert (evaluation.problems == []) is (
        wanted != "null"
        or expression in ("or(false, null)", "from json(null)", "string(null)")
        or expression.startswith("get value")
    )


@pytest.mark.parametrize("text", ["uuid()", "random number()", "string length(uuid())"])
@pytest.mark.parametrize("spoken", ["feel", "camunda"])
def test_functions_that_answer_something_else_each_time_are_refused_with_the_reason(text, spoken) -> None:
    with pytest.raises(DmnError, match="a decision must answer the same to the same inputs"):
        mlc.dmn.load(dmn(decision("x", text)), dialect=spoken)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{foo bar: 1}.`foo bar`", 1),
        ("{foo   bar: 2}.`foo   bar`", 2),
        ("{foo+bar: 3, b: `foo+bar` + 1}.b", 4),
        ("{`a-b`: 1, a: 5, b: 3, c: `a-b`, d: a-b}.d", 1),
        ("(function(`test name`) `test name` + 1)(`test name`: 1)", 2),
        ("for `x y` in [1, 2] return `x y` * 2", [2, 4]),
        ("[{a-b: 1}, {a-b: 5}][`a-b` > 2]", [{"a-b": 5}]),
        ("`not declared` * 2", 8),
        ("{if: 1}.`if`", 1),
        ("{are you happy?: true}.`are you happy?`", True),
    ],
)
def test_a_name_in_backticks_is_that_name_whatever_it_holds(text, wanted) -> None:
    evaluation = evaluated(text, **{"not declared": 4})
    assert (evaluation.result, evaluation.problems) == (wanted, [])


@pytest.mark.parametrize("text", ["`a", "a`", "``", "1 + `a\nb`"])
def test_backticks_that_do_not_end_are_refused(text) -> None:
    with pytest.raises(DmnError, match="a name in backticks does not end"):
        mlc.dmn.load(dmn(decision("x", text)), dialect="camunda")


@pytest.mark.parametrize(
    ("text", "in_camunda", "in_feel"),
    [
        (r'"a\bc"', "a\bc", r"a\bc"),
        (r'"a\fc"', "a\fc", r"a\fc"),
        (r'"a\\bc"', r"a\bc", r"a\bc"),
        (r'"\d\s\w\n"', "\\d\\s\\w\n", "\\d\\s\\w\n"),
        (r'{"a\f": 1}', {"a\f": 1}, {r"a\f": 1}),
    ],
)
def test_strings_have_two_more_escapes(text, in_camunda, in_feel) -> None:
    assert evaluated(text).result == in_camunda
    assert evaluated(text, "feel").result == in_feel


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2 + 3 * 4 instance of number", True),
        ("-x instance of number", True),
        ("(2 * 3) instance of string", False),
        ("x instance of number and x instance of number", True),
        ("true = x + 1 instance of number", True),
        ("x instance of number = true", True),
        ("{a: [x + 1]}.a[1] instance of number", True),
        ("if x ** 2 instance of number then 1 else 2", 1),
        ("for i in [x * 2 instance of number] return i", [True]),
    ],
)
def test_instance_of_binds_less_tightly_than_arithmetic(text, wanted) -> None:
    evaluation = evaluated(text, x=1)
    assert (evaluation.result, evaluation.problems) == (wanted, [])
    assert evaluated("2 + 3 instance of number", "feel").result is None


@pytest.mark.parametrize(
    ("text", "in_feel"),
    [
        ("for i in x return i * 2", [4]),
        ("for i in [1], j in x return i + j", [3]),
        ("some i in x satisfies i > 1", True),
        ("every i in x satisfies i > 1", True),
        ("x[item > 1]", [2]),
        ("x[1]", 2),
        ("{a: 1}[a = 1]", [{"a": 1}]),
    ],
)
def test_a_value_alone_is_no_list_to_go_over(text, in_feel) -> None:
    evaluation = evaluated(text, x=2)
    assert evaluation.result is None
    assert [problem.kind for problem in evaluation.problems][:1] == [Kind.WRONG_TYPE]
    assert evaluated(text, "feel", x=2).result == in_feel


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("for i in [1..3] return i", [1, 2, 3]),
        ("for i in 3..2 return i", [3, 2]),
        ("some i in x satisfies i > 1", True),
        ("x[1]", 2),
        ("x[-1]", 3),
        ("[{a: x}].a[1][2]", 3),
        ("is empty(x[item > 5])", True),
    ],
)
def test_lists_and_ranges_are_gone_over(text, wanted) -> None:
    evaluation = evaluated(text, x=[2, 3])
    assert (evaluation.result, evaluation.problems) == (wanted, [])


# -- hostile values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("from json(t)", "[" * 300_000),
        ("from json(t)", "[" * 5_000 + "]" * 5_000),
        ("from json(t)", "[" + "[]," * 700_000 + "[]]"),
        ("from json(t)", "9" * 1_000_000),
        ("from json(t)", json.dumps("x" * 5_000_000)),
        ("to json(for i in 1..25 return if i = 1 then [1, 1] else [partial[-1], partial[-1]])", ""),
        ("to json({f: function(f, n, v) if n = 0 then v else f(f, n - 1, [v, v]), r: f(f, 30, 1)}.r)", ""),
        ("partition(for i in 1..100000 return i, 1)", ""),
        ("duplicate values(for i in 1..20000 return [i])", ""),
        ("context put({}, for i in 1..20000 return string(i), 1)", ""),
        ("get value({}, for i in 1..100000 return string(i))", ""),
        ("string join(for i in 1..60000 return t, t, t, t)", "x" * 60_000),
        ("extract(t, \"\")", "x" * 300_000),
        ("extract(t, \"(a*)*b\")", "a" * 300_000),
        ("to base64(t)", "x" * 10_000_000),
    ],
)  # fmt: skip
def test_hostile_values_end_soon(text, value) -> None:
    model = mlc.dmn.load(dmn(decision("x", text)), dialect="camunda")
    began = time.thread_time()
    model.evaluate({"t": value}, "x")
    assert time.thread_time() - began < 5


def test_the_functions_of_the_dialect_are_imported_only_for_files_that_declare_it() -> None:
    import subprocess
    import sys

    code = (
        'import mlc.dmn, sys; mlc.dmn.load(b\'<definitions name="a"><decision name="x"><literalExpression><text>1'
        "</text></literalExpression></decision></definitions>'); print('mlc.dmn.feel.builtins.camunda' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


def test_a_literal_keeps_its_backticks_in_a_string() -> None:
    assert evaluated('"a `b` c"', dialect="feel").result == "a `b` c"
    assert mlc.dmn.load(dmn(decision("x", literal('"`"')))).evaluate({}).result == "`"


def test_the_documentation_names_every_function_of_the_dialect_and_every_method_of_scripts() -> None:
    from pathlib import Path

    from mlc.dmn.script import METHODS

    page = (Path(__file__).parents[2] / "docs" / "dmn-conformance.md").read_text(encoding="utf-8")
    dialect_page = page[page.index("### Camunda's FEEL") :]
    assert [name for name in sorted(CAMUNDA_FUNCTIONS) if f"`{name}" not in dialect_page] == []
    assert [name for name in METHODS if f"`{name}`" not in page] == []
