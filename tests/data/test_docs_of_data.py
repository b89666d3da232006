"""The examples of docs/data.md are taken as they stand."""

import json
import re
from pathlib import Path

from mlc.connections import ConnectionSettings
from mlc.model.file import FileRules, InputFile
from mlc.model.places import check_place
from mlc.model.processes import RunBatchModelJobInput

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
PLACES = {name: json.loads(value) for name, value in re.findall(r"^(MLC_FILE_\w+)=(\[.*\])$", PAGE, re.MULTILINE)}


def test_the_connections_can_be_read() -> None:
    (block,) = (each for each in BLOCKS if '"kind"' in each)
    found = ConnectionSettings(connections=block).by_name()
    assert {each.kind for each in found.values()} == {"s3", "gcs", "azure", "sql", "http"}
    fields = {field for each in found.values() for field in type(each).model_fields}
    assert [field for field in fields if f"`{field}`" not in PAGE and field != "kind"] == []


def test_the_places_are_places_and_allow_what_the_examples_name() -> None:
    assert PLACES.keys() == {"MLC_FILE_READ", "MLC_FILE_WRITE"}
    for name, places in PLACES.items():
        for place in places:
            check_place(place, write=name.endswith("WRITE"))
    rules = FileRules(read=PLACES["MLC_FILE_READ"], write=PLACES["MLC_FILE_WRITE"])
    job = RunBatchModelJobInput.model_validate_json(next(each for each in BLOCKS if '"tag"' in each))
    assert [rules.problem(file.url or "") for file in job.input_files] == [None]
    assert [rules.problem(file.url or "", write=True) for file in job.output_files] == [None]
    query = InputFile.model_validate_json(next(each for each in BLOCKS if '"query"' in each))
    assert rules.problem(query.url or "") is None
