"""Whatever a runtime sends, its job changes in what it may write only, and no file of another's comes with it."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_site import MINE, SECRET, asset
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc.model.failure import MlcError
from mlc.standalone.center.entities import HANDED_TO, KINDS
from mlc.standalone.center.runtimes import RuntimesCenter
from mlc.standalone.center.service import ModelCenter
from mlc.standalone.center.store import Store

WRITTEN = {"jobStatus", "jobResult", "jobMessages", "runtimeInfo", "outputData", "jobEndTime", "jobRunTime"}
STAMPS = {"lastModifiedDate", "lastModifiedBy", "versionNumber"}
HASH = {"hashType": "SHA-256", "hexString": hashlib.sha256(SECRET).hexdigest()}

keys = st.sampled_from(
    [
        *sorted(WRITTEN),
        *("model", "inputData", "jobParameters", "targetEngine", HANDED_TO, "id", "createdBy", "_links", "custom"),
        *("assetType", "contentHash", "hexString", "fileContent", "sourceCode", "name", "a"),
    ]
)
types = st.sampled_from(["FILE", "SOURCE_CODE", "EXTERNAL_FILE", None])
hashed = st.fixed_dictionaries(
    {},
    optional={
        "contentHash": st.just(HASH),
        "assetType": types,
        "fileContent": st.sampled_from(["eA==", None]),
        "sourceCode": st.sampled_from(["x", None]),
    },
)
leaves = st.one_of(
    hashed,
    st.none(),
    st.booleans(),
    st.sampled_from(
        ["FILE", "SOURCE_CODE", "EXTERNAL_FILE", "RUNNING", "COMPLETE", "CREATED", "eA==", HASH["hexString"]]
    ),
    st.integers(0, 9),
)
values = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)), max_leaves=8
)
written = st.fixed_dictionaries(
    {},
    optional={
        "outputData": st.lists(hashed, max_size=2),
        "runtimeInfo": st.one_of(hashed, st.dictionaries(st.sampled_from("ab"), hashed, max_size=2)),
        "jobMessages": st.just(["m"]),
    },
)
"""What is likely to be taken."""
patches = st.lists(st.one_of(written, written, st.dictionaries(keys, values, max_size=4)), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelCenter]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    store = Store(folder / "fuzz.db")
    store.create(KINDS["assets"], asset(SECRET))
    yield ModelCenter(store)
    store.close()


def without(document: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


@settings(deadline=None)
@given(patches)
def test_a_job_changes_in_nothing_else_and_brings_no_file(center: ModelCenter, sent: list[dict[str, Any]]) -> None:
    store = center.store
    job = store.create(KINDS["jobs"], {"jobType": "MODEL_BATCH_JOB", "model": {"id": "x"}, "inputData": []})
    store.change(KINDS["jobs"], job["id"], lambda document: document.update({HANDED_TO: MINE}))
    before = store.get(KINDS["jobs"], job["id"])
    runtime = RuntimesCenter(center, MINE)
    for changes in sent:
        try:
            asyncio.run(runtime.patch(KINDS["jobs"], job["id"], changes))
        except MlcError:
            continue
    after = asyncio.run(runtime.get(KINDS["jobs"], job["id"]))
    assert without(after, WRITTEN | STAMPS) == without(before, WRITTEN | STAMPS)
    text = json.dumps(after)
    assert base64.b64encode(SECRET).decode() not in text
    assert SECRET.decode() not in text
