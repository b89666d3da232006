"""Makes the kit's runner importable by the name that `python -m tests.tck` gives it, and loads tables from text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import mlc.dmn  # noqa: E402 - after the path

MODELER = "https://www.omg.org/spec/DMN/20191111/MODEL/"
DEFINITIONS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<definitions xmlns="{namespace}" xmlns:camunda="http://camunda.org/schema/1.0/dmn" id="d" name="DRD" '
    'namespace="http://camunda.org/schema/1.0/dmn">{body}</definitions>'
)


@pytest.fixture
def definitions() -> Callable[..., bytes]:
    """The bytes of a file with a body, as Camunda Modeler writes it around one."""
    return lambda body, namespace=MODELER: DEFINITIONS.format(body=body, namespace=namespace).encode()


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


@pytest.fixture
def table(definitions: Callable[..., bytes]) -> Callable[..., bytes]:
    """A file with one table: rows of cells, inputs first. An input is a name or (name, typeRef); so is an output."""

    def make(
        inputs: list[str | tuple[str, str]],
        outputs: list[str | tuple[str, str]],
        rows: list[list[str]],
        policy: str | None = "COLLECT",
        extra: str = "",
    ) -> bytes:
        pairs = [entry if isinstance(entry, tuple) else (entry, "") for entry in inputs]
        results = [entry if isinstance(entry, tuple) else (entry, "") for entry in outputs]

        def typed(kind: str) -> str:
            return f' typeRef="{kind}"' if kind else ""

        columns = "".join(
            f'<input id="i{n}" label="{escaped(name)}"><inputExpression id="e{n}"{typed(kind)}>'
            f"<text>{escaped(name)}</text></inputExpression></input>"
            for n, (name, kind) in enumerate(pairs)
        ) + "".join(f'<output id="o{n}" name="{name}"{typed(kind)}/>' for n, (name, kind) in enumerate(results))
        rules = ""
        for number, row in enumerate(rows, 1):
            cells = [f"<inputEntry><text>{escaped(cell)}</text></inputEntry>" for cell in row[: len(pairs)]]
            cells += [f"<outputEntry><text>{escaped(cell)}</text></outputEntry>" for cell in row[len(pairs) :]]
            rules += f'<rule id="r{number}">{"".join(cells)}</rule>'
        hit = f' hitPolicy="{policy}"' if policy else ""
        return definitions(
            f'<decision id="verdict" name="Verdict"><decisionTable id="t"{hit}{extra}>{columns}{rules}'
            "</decisionTable></decision>"
        )

    return make


@pytest.fixture
def feel(definitions: Callable[..., bytes]) -> Callable[..., mlc.dmn.Evaluation]:
    """The evaluation of one expression with the given inputs."""

    def evaluate(text: str, **inputs: object) -> mlc.dmn.Evaluation:
        body = (
            f'<decision id="x" name="x"><literalExpression><text>{escaped(text)}</text></literalExpression></decision>'
        )
        return mlc.dmn.load(definitions(body)).evaluate(inputs)

    return evaluate
