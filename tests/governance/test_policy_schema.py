"""docs/policy.md and docs/policy.schema.json: what they say of a policy is what the code reads."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from policies import SMALL

from mlc.governance import GovernancePolicy, PolicyError, Rule, read_policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/policy.md").read_text()
EXAMPLE = (ROOT / "examples/policy.example.yaml").read_text()
SCHEMA = json.loads((ROOT / "docs/policy.schema.json").read_text())


def fits(text: str) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text)))


def test_the_schema_is_current() -> None:
    document = runpy.run_path(str(ROOT / "docs/policy_schema.py"))["document"]
    assert (ROOT / "docs/policy.schema.json").read_text() == document() + "\n", "run: python docs/policy_schema.py"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", [SMALL, EXAMPLE, "{version: 1, rules: [{name: a, holds: 1 week}]}"])
def test_a_policy_fits_its_schema(text: str) -> None:
    assert read_policy(text)
    assert fits(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("due: 5 days", "due: 5"),
        ("due: 5 days", "due: PT5S"),
        ("due: 5 days", "duee: 5 days"),
        ("count: 2", "count: 0"),
        ("count: 2", "count: two"),
        ("[test, table, review]", "[test, tabel]"),
        ("version: 1", "version: 2"),
        ("[eve]", "[]"),
        ("stage: production", "stage: 7"),
    ],
)
def test_what_has_not_the_form_of_a_policy_does_not_fit(old: str, new: str) -> None:
    assert old in SMALL
    with pytest.raises(PolicyError):
        read_policy(SMALL.replace(old, new, 1))
    assert not fits(SMALL.replace(old, new, 1))


def test_the_page_shows_the_example() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert shown == EXAMPLE


def _described(header: str) -> set[str]:
    rows = PAGE.split(f"| {header} |", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE))


@pytest.mark.parametrize(("header", "part"), [("key", GovernancePolicy), ("key of a rule", Rule)])
def test_every_key_is_on_the_page(header: str, part: Any) -> None:
    assert _described(header) == set(part.model_fields)
