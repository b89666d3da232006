"""The kit's test-case files (`*-test-*.xml`, schema testCases.xsd): inputs and expected results as Python values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import parse

from mlc.dmn.errors import FeelError
from mlc.dmn.feel import temporal

NAMESPACE = "{http://www.omg.org/spec/DMN/20160719/testcase}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
#: Numbers are compared as the kit's own runner compares them.
TOLERANCE = Decimal("1e-8")


@dataclass(frozen=True)
class Expected:
    """One result of a case: what decision, what value, and whether the kit expects an error."""

    decision: str
    value: Any
    is_error: bool


@dataclass(frozen=True)
class Case:
    """A test case: it passes when all of its results are right."""

    model: Path
    id: str
    kind: str
    invocable: str | None
    inputs: dict[str, Any]
    expected: list[Expected]

    @property
    def is_value_test(self) -> bool:
        """Whether some result is not null, so that an engine which answers only null fails."""
        return any(not result.is_error and result.value is not None for result in self.expected)


def cases(folder: Path) -> Iterator[Case]:
    """Every case below a folder, in the order of paths."""
    for file in sorted(folder.rglob("*-test-*.xml")):
        root = parse(file).getroot()
        model = file.parent / (root.findtext(f"{NAMESPACE}modelName") or "").strip()
        for element in root.iter(f"{NAMESPACE}testCase"):
            yield Case(
                model,
                f"{file.parent.name}/{file.stem.rpartition('-test-')[2]}/{element.get('id')}",
                element.get("type", "decision"),
                element.get("invocableName"),
                {node.get("name", ""): value_of(node) for node in element.iter(f"{NAMESPACE}inputNode")},
                [expected(node) for node in element.iter(f"{NAMESPACE}resultNode")],
            )


def expected(node: Element) -> Expected:
    """A `resultNode`."""
    value = node.find(f"{NAMESPACE}expected")
    return Expected(
        node.get("name", ""), None if value is None else value_of(value), node.get("errorResult", "false") == "true"
    )


def value_of(element: Element) -> Any:
    """The value in an element of type valueType."""
    items = element.find(f"{NAMESPACE}list")
    if items is not None:
        return None if is_nil(items) else [value_of(item) for item in items.findall(f"{NAMESPACE}item")]
    components = element.findall(f"{NAMESPACE}component")
    if components:
        return {part.get("name", ""): None if is_nil(part) else value_of(part) for part in components}
    value = element.find(f"{NAMESPACE}value")
    if value is None or is_nil(value):
        return None
    text = value.text or ""
    try:
        return scalar(value.get(f"{XSI}type", "xsd:string").rpartition(":")[2], text)
    except FeelError:  # a value that the engine cannot hold, like the year -2017: its text equals no result
        return text


def is_nil(element: Element) -> bool:
    """Whether an element stands for null."""
    return element.get(f"{XSI}nil") in ("true", "1")


def scalar(kind: str, text: str) -> Any:
    """A value of an XML Schema type."""
    match kind:
        case "string":
            return text
        case "boolean":
            return text.strip() in ("true", "1")
        case "decimal" | "double" | "integer" | "int" | "long" | "float":
            return Decimal(text.strip())
        case "date":
            return temporal.parse_date(text.strip())
        case "time":
            return temporal.parse_time(text.strip())
        case "dateTime":
            return temporal.parse_datetime(text.strip())
        case "duration" | "dayTimeDuration" | "yearMonthDuration":
            return temporal.parse_duration(text.strip())
    raise ValueError(f"the case has a value of the unknown type {kind}")


def same(actual: Any, wanted: Any) -> bool:
    """Whether a result is the expected one: of the same type, numbers within the tolerance."""
    if isinstance(wanted, Decimal):
        return isinstance(actual, Decimal) and abs(actual - wanted) <= TOLERANCE
    if isinstance(wanted, list):
        return isinstance(actual, list) and len(actual) == len(wanted) and all(map(same, actual, wanted))
    if isinstance(wanted, dict):
        return (
            isinstance(actual, dict)
            and actual.keys() == wanted.keys()
            and all(same(actual[key], value) for key, value in wanted.items())
        )
    if isinstance(wanted, (date, time, datetime, timedelta)):
        return type(actual) is type(wanted) and bool(actual == wanted)
    return type(actual) is type(wanted) and bool(actual == wanted)
