"""docs/compatibility.md says what is so."""

import json
import re
from datetime import timedelta
from typing import Any

from temporalio.contrib.pydantic import pydantic_data_converter

from tests.compatibility.record import frozen
from tests.compatibility.releases import ROOT, releases
from tests.compatibility.saving import LARGEST, OPTION

PAGE = (ROOT / "docs" / "compatibility.md").read_text()
CONVERTER = pydantic_data_converter.payload_converter


def test_the_pages_renamed_field_does_what_the_page_says() -> None:
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "class Policy" in block)
    names: dict[str, Any] = {"__name__": "page"}
    exec(block, names)
    policy = names["Policy"]
    for given in ("patience", "outage_budget"):
        assert policy.model_validate({given: "PT1H"}).outage_budget == timedelta(hours=1)
    assert policy(outage_budget=timedelta(hours=1)).outage_budget == timedelta(hours=1)
    assert json.loads(CONVERTER.to_payload(policy(outage_budget=timedelta(hours=1))).data) == {"patience": "PT1H"}


def test_every_name_on_the_page_is_in_the_record() -> None:
    record = json.dumps([frozen(f"{releases()[0].version}.json"), frozen("next.json")])
    table = PAGE[PAGE.index("## What is frozen") : PAGE.index("Names in Python are free")]
    rows = [row for row in table.splitlines() if row.startswith("| ")][1:]
    examples = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[1])]
    assert len(examples) > 25
    for name in examples:
        for part in re.split(r"<[^>]*>", name.rpartition(".")[2]):
            assert part in record, name


def test_every_file_and_command_on_the_page_is_there() -> None:
    for path in re.findall(r"tests/[\w./]+\.(?:py|json)", PAGE):
        assert (ROOT / path).is_file(), path
    assert {"check", "freeze"} == set(re.findall(r"python -m tests\.compatibility (\w+)", PAGE))
    assert f"pytest tests/processes {OPTION} " in PAGE
    assert f"{LARGEST:,} characters" in PAGE
