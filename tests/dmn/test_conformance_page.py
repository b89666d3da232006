"""docs/dmn-conformance.md claims nothing that is not so: its examples are run, its other claims name tests."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
from dmn_text import decision, dmn, input_data, literal
from feel_rows import answer, check

import mlc.dmn
from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.builtins import BUILTINS
from mlc.dmn.feel.parser import parse_expression, parse_unary_tests
from mlc.dmn.feel.run import Run
from mlc.dmn.feel.vocabulary import Vocabulary
from mlc.dmn.tables import HIT_POLICIES

TESTS = Path(__file__).parent
ENGINE = TESTS.parents[1] / "mlc" / "dmn"
PAGE = (TESTS.parents[1] / "docs" / "dmn-conformance.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^##+ (.*?)$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = re.findall(r"`([^`]+) => ([^`]+)`", PAGE.replace("`x => y`", "").replace("`x => refused`", ""))
MODULES = {path.stem for path in TESTS.glob("test_*.py")}
#: Sections of which every row is an example, a function or a cell, or names its tests.
HELD = (
    "Models",
    "The grammar of FEEL (10.3.1)",
    "Types and semantics (10.3.2)",
    "Built-in functions (10.3.4)",
    "Where engines differ",
)


def rows_of(section: str) -> list[list[str]]:
    """The cells of a section's tables, without those of their heads."""
    lines = re.findall(r"^\|(.*)\|$", SECTIONS[section], re.MULTILINE)
    return [
        [cell.strip() for cell in line.split("|")]
        for index, line in enumerate(lines)
        if "---" not in line and "---" not in "".join(lines[index + 1 : index + 2])
    ]


@pytest.mark.parametrize(("expression", "wanted"), EXAMPLES)
def test_an_example_is_so(expression, wanted) -> None:
    if wanted == "refused":
        with pytest.raises(FeelSyntaxError):
            answer(expression)
    else:
        check(expression, wanted)


CELLS = [row for row in rows_of("The grammar of FEEL (10.3.1)") if len(row) == 3]


@pytest.mark.parametrize(("cell", "passed", "failed"), CELLS)
def test_a_cell_lets_pass_what_it_is_said_to(cell, passed, failed) -> None:
    test = parse_unary_tests(cell.strip("`"), Vocabulary(), Place())
    for text, outcome in ((passed, True), (failed, False)):
        if text:
            value = parse_expression(text.strip("`"), Vocabulary(), Place()).code({}, Run())
            assert test(value, {}, Run()) is outcome, text


def test_there_are_as_many_examples_as_were_meant() -> None:
    assert len(EXAMPLES) > 120
    assert len(CELLS) > 9


@pytest.mark.parametrize("section", HELD)
def test_every_row_has_an_example_or_names_its_tests(section) -> None:
    rows = rows_of(section)
    assert len(rows) > 6
    for row in rows:
        line = " | ".join(row)
        assert " => " in line or "`test_" in line or row in CELLS or re.search(r"`[a-z ]+\(.*\)`", line), line


def test_what_goes_beyond_the_specification_names_its_tests() -> None:
    _, *points = re.split(r"^\d\. ", SECTIONS["Beyond the specification"], flags=re.MULTILINE)
    assert len(points) > 4
    for point in points:
        assert "(`test_" in point, point


def test_the_tests_that_the_page_names_are_there() -> None:
    named = re.findall(r"`(?:tests/dmn/)?(test_\w+)(?:\.py)?`", PAGE)
    assert len(named) > 20
    assert set(named) <= MODULES


def test_nothing_is_said_to_be_whole() -> None:
    """Of what is whole, the parts are listed: `all` cannot be tested."""
    for section in HELD:
        for row in rows_of(section):
            assert not re.match(r"all\b", row[-1]), row


# -- built-in functions -----------------------------------------------------------------------------------------------

CALLS = """
abs: n = -1 => 1
abs: n = @"-PT1H" => @"PT1H"
abs: n = @"-P1M" => @"P1M"
after: point1 = 2; point2 = 1 => true
after: point = 4; range = [1..3] => true
after: range = [2..3]; point = 1 => true
after: range1 = [4..5]; range2 = [1..3] => true
all: list = [true, false] => false
any: list = [true, false] => true
append: list = [1]; item = 2 => [1, 2]
before: point1 = 1; point2 = 2 => true
before: point = 1; range = [2..3] => true
before: range = [1..2]; point = 3 => true
before: range1 = [1..2]; range2 = (2..3] => true
ceiling: n = 1.2 => 2
ceiling: n = 1.21; scale = 1 => 1.3
coincides: point1 = 1; point2 = 1 => true
coincides: range1 = [1..2]; range2 = [1..2] => true
concatenate: list = [1, 2] => [1, 2]
contains: string = "foobar"; match = "ob" => true
context: entries = [{key: "a", value: 1}] => {a: 1}
context merge: contexts = [{a: 1}, {b: 2}] => {a: 1, b: 2}
context put: context = {a: 1}; key = "b"; value = 2 => {a: 1, b: 2}
context put: context = {a: {}}; keys = ["a", "b"]; value = 2 => {a: {b: 2}}
count: list = [1, 2, 3] => 3
date: from = "2026-07-31" => @"2026-07-31"
date: year = 2026; month = 7; day = 31 => @"2026-07-31"
date and time: from = "2026-07-31T10:00:00" => @"2026-07-31T10:00:00"
date and time: date = @"2026-07-31"; time = @"10:00:00" => @"2026-07-31T10:00:00"
day of week: date = @"2026-07-31" => "Friday"
day of year: date = @"2026-01-31" => 31
decimal: n = 1.25; scale = 1 => 1.2
distinct values: list = [1, 2, 1] => [1, 2]
duration: from = "PT1H" => @"PT1H"
during: point = 1; range = [1..2] => true
during: range1 = [2..3]; range2 = [1..4] => true
ends with: string = "foobar"; match = "bar" => true
even: number = 2 => true
exp: number = 0 => 1
finished by: range = [1..3]; point = 3 => true
finished by: range1 = [1..3]; range2 = [2..3] => true
finishes: point = 3; range = [1..3] => true
finishes: range1 = [2..3]; range2 = [1..3] => true
flatten: list = [1, [2, [3]]] => [1, 2, 3]
floor: n = -1.2 => -2
floor: n = 1.29; scale = 1 => 1.2
get entries: m = {a: 1} => [{key: "a", value: 1}]
get value: m = {a: 1}; key = "a" => 1
includes: range = [1..3]; point = 2 => true
includes: range1 = [1..3]; range2 = [2..3] => true
index of: list = [1, 2, 1]; match = 1 => [1, 3]
insert before: list = [1, 3]; position = 2; newItem = 2 => [1, 2, 3]
is: value1 = 1; value2 = 1.0 => true
list contains: list = [1, 2]; element = 2 => true
list replace: list = [1, 2]; position = 2; newItem = 3 => [1, 3]
list replace: list = [1, 2]; match = function(item, newItem) item > 1; newItem = 3 => [1, 3]
log: number = 1 => 0
lower case: string = "aB" => "ab"
matches: input = "foobar"; pattern = "^fo*b" => true
matches: input = "FOO"; pattern = "foo"; flags = "i" => true
max: list = [1, 3, 2] => 3
mean: list = [1, 2, 6] => 3
median: list = [1, 2, 6] => 2
meets: range1 = [1..3]; range2 = [3..5] => true
met by: range1 = [3..5]; range2 = [1..3] => true
min: list = [3, 1] => 1
mode: list = [1, 2, 2] => [2]
modulo: dividend = -12; divisor = 5 => 3
month of year: date = @"2026-07-31" => "July"
not: negand = true => false
number: from = "12" => 12
number: from = "1.000,5"; grouping separator = "."; decimal separator = "," => 1000.5
odd: number = 3 => true
overlaps: range1 = [1..3]; range2 = [2..5] => true
overlaps after: range1 = [2..5]; range2 = [1..3] => true
overlaps before: range1 = [1..3]; range2 = [2..5] => true
product: list = [2, 3] => 6
range: from = "[1..3)" => [1..3)
remove: list = [1, 2]; position = 1 => [2]
replace: input = "abc"; pattern = "b"; replacement = "x" => "axc"
replace: input = "aBc"; pattern = "b"; replacement = "x"; flags = "i" => "axc"
reverse: list = [1, 2] => [2, 1]
round down: n = 1.29; scale = 1 => 1.2
round half down: n = 1.25; scale = 1 => 1.2
round half up: n = 1.25; scale = 1 => 1.3
round up: n = 1.21; scale = 1 => 1.3
sort: list = [2, 1] => [1, 2]
sort: list = [1, 2]; precedes = function(x, y) x > y => [2, 1]
split: string = "a;b"; delimiter = ";" => ["a", "b"]
sqrt: number = 16 => 4
started by: range = [1..3]; point = 1 => true
started by: range1 = [1..3]; range2 = [1..2] => true
starts: point = 1; range = [1..3] => true
starts: range1 = [1..2]; range2 = [1..3] => true
starts with: string = "foobar"; match = "fo" => true
stddev: list = [2, 4, 6] => 2
string: from = 1.1 => "1.1"
string join: list = ["a", "b"] => "ab"
string join: list = ["a", "b"]; delimiter = "-" => "a-b"
string length: string = "foo" => 3
sublist: list = [1, 2, 3]; start position = 2 => [2, 3]
sublist: list = [1, 2, 3]; start position = 1; length = 2 => [1, 2]
substring: string = "foobar"; start position = 3 => "obar"
substring: string = "foobar"; start position = 3; length = 2 => "ob"
substring after: string = "foobar"; match = "ob" => "ar"
substring before: string = "foobar"; match = "ob" => "fo"
sum: list = [1, 2] => 3
time: from = "10:00:00" => @"10:00:00"
time: hour = 10; minute = 0; second = 0 => @"10:00:00"
time: hour = 10; minute = 0; second = 0; offset = @"PT1H" => @"10:00:00+01:00"
trim: string = " a " => "a"
union: list = [1, 1] => [1]
upper case: string = "aB" => "AB"
week of year: date = @"2026-07-31" => 31
years and months duration: from = @"2026-01-31"; to = @"2027-03-31" => @"P1Y2M"
"""


def parsed(line: str) -> tuple[str, list[tuple[str, str]], str]:
    """The function, its arguments by name, and the answer."""
    name, _, rest = line.partition(": ")
    given, _, wanted = rest.rpartition(" => ")
    pairs = re.split(r"; (?=[a-zA-Z12 ]+ = )", given)
    arguments = [(parameter, value) for parameter, _, value in (pair.partition(" = ") for pair in pairs)]
    return name, arguments, wanted


ROWS = [parsed(line) for line in CALLS.strip().splitlines()]


@pytest.mark.parametrize(("name", "arguments", "wanted"), ROWS)
def test_a_function_is_called_by_position_and_by_the_names_of_its_parameters(name, arguments, wanted) -> None:
    check(f"{name}({', '.join(value for _, value in arguments)})", wanted)
    check(f"{name}({', '.join(f'{parameter}: {value}' for parameter, value in arguments)})", wanted)
    if {"point", "range"} != {parameter for parameter, _ in arguments} or name not in ("before", "after"):
        check(f"{name}({', '.join(f'{parameter}: {value}' for parameter, value in arguments[::-1])})", wanted)


def test_the_page_lists_the_built_in_functions_with_their_parameters_and_each_is_called() -> None:
    listed = {
        (name, tuple(part.strip("[].") for part in parameters.split(", ") if part))
        for row in rows_of("Built-in functions (10.3.4)")
        for name, parameters in re.findall(r"`([a-z ]+)\(([^)]*)\)`", row[1])
    }
    declared = {
        (name, tuple(part.name for part in signature.parameters))
        for name, function in BUILTINS.items()
        for signature in function.signatures
    }
    assert listed == declared
    optional = {
        (name, tuple(part.name for part in signature.parameters[:length]))
        for name, function in BUILTINS.items()
        for signature in function.signatures
        for length in range(signature.least, len(signature.parameters) + 1)
    }
    called = {(name, tuple(parameter for parameter, _ in arguments)) for name, arguments, _ in ROWS}
    assert {name for name, parameters in optional - called} <= {"now", "today", "number", "last day of month"}, (
        optional - called
    )
    assert called <= optional
    assert answer("now() instance of date and time and today() instance of date")[0] is True


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_the_page_lists_the_hit_policies() -> None:
    row = next(row for row in rows_of("Models") if row[0] == "8")
    listed = re.search(r"hit policies ([^;]*);", row[1])
    assert listed is not None
    assert set(listed[1].split(", ")) == {"U", "A", "P", "F", "R", "O", "C", "C+", "C<", "C>", "C#"}
    assert sorted(policy[0] for policy in HIT_POLICIES) == sorted("UAPFROC")


NAMESPACES = {
    "1.1": "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "1.2": "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "1.3": "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "1.4": "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "1.5": "https://www.omg.org/spec/DMN/20230324/MODEL/",
}
#: What a file may have beside its logic (6.3 and 13): none of it counts.
BESIDE = (
    '<knowledgeSource id="k1" name="Policy"><type>law</type><authorityRequirement id="ar"><requiredInput href="#_n"/>'
    "</authorityRequirement></knowledgeSource>"
    '<performanceIndicator id="pi" name="Losses"><impactingDecision href="#_D"/></performanceIndicator>'
    '<organizationUnit id="ou" name="Risk"><decisionMade href="#_D"/><decisionOwned href="#_D"/></organizationUnit>'
    '<textAnnotation id="ta"><text>1 +</text></textAnnotation><association id="as"><sourceRef href="#ta"/>'
    '<targetRef href="#_D"/></association><group id="g" name="Group"/>'
    '<dmndi:DMNDI xmlns:dmndi="https://www.omg.org/spec/DMN/20230324/DMNDI/"><dmndi:DMNDiagram>'
    '<dmndi:DMNShape dmnElementRef="_D"/></dmndi:DMNDiagram></dmndi:DMNDI>'
)


@pytest.mark.parametrize("version", NAMESPACES)
def test_files_of_every_version_are_read_and_what_stands_beside_the_logic_does_not_count(version) -> None:
    assert "DMN 1.1, 1.2, 1.3, 1.4 and 1.5" in SECTIONS["Models"]
    body = decision("D", literal("n + 1"), inputs=["n"])
    text = dmn(input_data("n", "number"), body, BESIDE).decode()
    current = NAMESPACES["1.5"]
    assert f'"{current}"' in text
    model = mlc.dmn.load(text.replace(f'"{current}"', f'"{NAMESPACES[version]}"').encode())
    evaluation = model.evaluate({"n": 1})
    assert (evaluation.result, evaluation.problems) == (2, [])


def test_the_engine_runs_no_text_as_python() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in ENGINE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in ("eval", "exec", "compile", "__import__")
    ]
    assert found == []


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\|[^|]+\| `([\w.]+)\.([A-Z_]+)` \| ([\d.,]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) > 10
    for module, name, value in rows:
        limit = getattr(importlib.import_module(f"mlc.dmn.{module}"), name)
        assert f"{limit:,}" == value, f"{module}.{name}"


def test_the_dialects_name_their_tests() -> None:
    assert "`test_modelop_dialect`" in SECTIONS["Dialects"]
