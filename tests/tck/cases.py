"""The kit's test-case files (`*-test-*.xml`, schema testCases.xsd)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import parse

from .values import NAMESPACE, value_of

_LEVEL = re.compile(r"compliance-level-(\d+)")
#: A function that is implemented in Java, boxed or as text: `external {java: {class: ...}}`.
_JAVA = re.compile(r"""kind\s*=\s*["']java["']|\bjava\s*:\s*\{""", re.IGNORECASE)


@dataclass(frozen=True)
class Expected:
    """One result of a case: its name, its value, and whether the kit expects an error, for which null stands."""

    name: str
    value: Any
    is_error: bool


@dataclass(frozen=True)
class Case:
    """A test case: it passes when all of its results are right.

    `kind` is decision, decisionService or bkm; `invocable` is what the latter two call. `id` is unique in the kit:
    folder, number of the file, id in the file. `needs_java`: the model has functions that are implemented in Java.
    """

    model: Path
    id: str
    level: str
    kind: str
    invocable: str | None
    inputs: dict[str, Any]
    expected: list[Expected]
    needs_java: bool = False

    @property
    def is_value_test(self) -> bool:
        """Whether some result is not null, so that an engine which answers only null fails."""
        return any(not result.is_error and result.value is not None for result in self.expected)


def cases(folder: Path) -> Iterator[Case]:
    """Every case below a folder, in the order of paths. Raises ValueError for a file that is no set of test cases."""
    for file in sorted(folder.rglob("*-test-*.xml")):
        root = parse(file).getroot()
        model = file.parent / (root.findtext(f"{NAMESPACE}modelName") or "").strip()
        level = next((match[1] for part in reversed(file.parts) if (match := _LEVEL.fullmatch(part))), "other")
        java = _needs_java(model)
        found = list(root.iter(f"{NAMESPACE}testCase"))
        if not found:
            raise ValueError(f"{file} has no test case")
        for element in found:
            id_ = f"{file.parent.name}/{file.stem.rpartition('-test-')[2]}/{element.get('id')}"
            results = []
            for node in element.iterfind(f"{NAMESPACE}resultNode"):
                value = node.find(f"{NAMESPACE}expected")
                is_error = node.get("errorResult") in ("true", "1")
                results.append(Expected(node.attrib["name"], None if value is None else value_of(value), is_error))
            if not results:
                raise ValueError(f"{file}: the case {element.get('id')} expects nothing")
            nodes = element.findall(f"{NAMESPACE}inputNode")
            inputs = {node.attrib["name"]: value_of(node) for node in nodes}
            if len(inputs) < len(nodes):
                raise ValueError(f"{file}: the case {element.get('id')} has two inputs of one name")
            kind = element.get("type", "decision")
            yield Case(model, id_, level, kind, element.get("invocableName"), inputs, results, java)


def _needs_java(model: Path) -> bool:
    return model.is_file() and _JAVA.search(model.read_text(encoding="utf-8", errors="replace")) is not None
