"""Where contents go by reference: which files go to the centre by themselves, and what its documents say of them."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from center_harness import settings_for
from contents_double import ContentsDouble

from mlc.center import NewFile
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.spool import SMALL, SMALL_TOGETHER
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import Refused
from mlc.model.job import JobEnding, JobStatus
from mlc.model.snapshot import Model

LARGE = os.urandom(SMALL + 1)
FILE_ID = "7a8d7d0f-61bd-4c19-a3e1-5b2a4d7f9e10"


@pytest.fixture
async def center(double: ContentsDouble) -> AsyncIterator[ModelOpCenter]:
    center = ModelOpCenter(settings_for(double.address, contents="reference"))
    yield center
    await center.aclose()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def new(folder: Path, name: str, content: bytes, **more: Any) -> NewFile:
    path = folder / name
    path.write_bytes(content)
    return NewFile(Asset(name=name, **more), path)


def by_name(assets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {asset["filename"]: asset for asset in assets}


async def test_a_large_file_goes_by_itself_and_the_document_names_its_hash(
    double: ContentsDouble, center: ModelOpCenter, tmp_path: Path
) -> None:
    source = b"def score(d): ...\n" * 10_000
    files = [
        new(tmp_path, "weights.bin", LARGE, role="WEIGHTS_FILE"),
        new(tmp_path, "model.py", source, kind=AssetKind.SOURCE, primary=True, functions={"score": "score"}),
        new(tmp_path, "helper.py", b"x = '\xc3\xbc'\n", kind=AssetKind.SOURCE),
        new(tmp_path, "test.csv", b"a,b\n", role="TEST_DATA"),
        NewFile(Asset(name="far.csv", kind=AssetKind.EXTERNAL, address="https://example.com/far.csv"), None),
    ]
    await center.save_model(Model(name="m"), files)
    assert double.files == {sha256(LARGE): LARGE, sha256(source): source}
    assets = by_name(double.documents[0]["modelAssets"])
    for name, content in (("weights.bin", LARGE), ("model.py", source)):
        assert not {"fileContent", "sourceCode"} & assets[name].keys()
        assert assets[name]["contentHash"] == {"hashType": "SHA-256", "hexString": sha256(content)}
        assert assets[name]["fileSize"] == len(content)
    assert (assets["model.py"]["scoreFunction"], assets["weights.bin"]["assetRole"]) == ("score", "WEIGHTS_FILE")
    assert assets["helper.py"]["sourceCode"] == "x = 'ü'\n"
    assert base64.b64decode(assets["test.csv"]["fileContent"]) == b"a,b\n"
    assert assets["far.csv"]["fileUrl"] == "https://example.com/far.csv"
    assert "contentHash" not in assets["far.csv"]


async def test_a_small_model_costs_one_request(double: ContentsDouble, center: ModelOpCenter, tmp_path: Path) -> None:
    files = [new(tmp_path, f"{number}.bin", bytes(SMALL)) for number in range(SMALL_TOGETHER // SMALL)]
    await center.save_model(Model(name="m"), [*files, new(tmp_path, "empty.bin", b"")])
    assert double.requests == ["POST /storedModels"]


async def test_what_is_small_alone_and_much_together_goes_by_itself_from_there_on(
    double: ContentsDouble, center: ModelOpCenter, tmp_path: Path
) -> None:
    most = SMALL_TOGETHER // SMALL
    files = [new(tmp_path, f"{number}.bin", number.to_bytes(2, "big") * (SMALL // 2)) for number in range(most + 2)]
    for _ in range(2):  # each document has its own room
        await center.save_model(Model(name="m"), files)
        assets = by_name(double.documents.pop()["modelAssets"])
        assert ["fileContent" in assets[f"{number}.bin"] for number in range(most + 2)] == [True] * most + [False] * 2
    assert len(double.files) == 2
    assert sum(request.startswith("PATCH") for request in double.requests) == 2


async def test_embedded_contents_stay_as_modelop_has_them(double: ContentsDouble, tmp_path: Path) -> None:
    center = ModelOpCenter(settings_for(double.address))
    await center.save_model(Model(name="m"), [new(tmp_path, "weights.bin", LARGE)])
    await center.aclose()
    assert double.requests == ["POST /storedModels"]
    (asset,) = double.documents[0]["modelAssets"]
    assert base64.b64decode(asset["fileContent"]) == LARGE
    assert "contentHash" not in asset


async def test_a_jobs_outputs_go_the_same_way_and_are_not_hashed_again(
    double: ContentsDouble, center: ModelOpCenter, tmp_path: Path
) -> None:
    outputs = [
        new(tmp_path, "scores.csv", LARGE, sha256=sha256(LARGE), size=len(LARGE)),
        new(tmp_path, "result.json", b"{}", sha256=sha256(b"{}"), size=2),
        Asset(name="far.csv", kind=AssetKind.EXTERNAL, address="https://example.com/far.csv", sha256="ab" * 32),
    ]
    await center.end_job("j", JobEnding(status=JobStatus.COMPLETE), outputs)
    assert double.files == {sha256(LARGE): LARGE}
    assets = by_name(double.documents[0]["outputData"])
    assert assets["scores.csv"]["contentHash"]["hexString"] == sha256(LARGE)
    assert "fileContent" not in assets["scores.csv"]
    assert base64.b64decode(assets["result.json"]["fileContent"]) == b"{}"


async def test_an_output_that_is_not_what_its_hash_says_is_never_stored(
    double: ContentsDouble, center: ModelOpCenter, tmp_path: Path
) -> None:
    output = new(tmp_path, "scores.csv", LARGE, sha256=sha256(b"another"), size=len(LARGE))
    with pytest.raises(Refused, match=r"'scores\.csv' was changed"):
        await center.end_job("j", JobEnding(status=JobStatus.COMPLETE), [output])
    assert (double.files, double.documents) == ({}, [])


@pytest.mark.parametrize("content", [LARGE, LARGE[:SMALL], b""])
async def test_a_file_of_no_model_goes_by_itself_if_it_is_large(
    double: ContentsDouble, center: ModelOpCenter, content: bytes
) -> None:
    await center.keep_file(FILE_ID, Asset(name="in.csv", size=len(content), sha256=sha256(content)), content)
    (document,) = double.documents
    assert document["contentHash"]["hexString"] == sha256(content)
    if len(content) > SMALL:
        assert (double.files, "fileContent" in document) == ({sha256(content): content}, False)
    else:
        assert base64.b64decode(document["fileContent"]) == content
        assert double.requests == ["POST /assets"]


async def test_nothing_is_made_of_a_model_one_of_whose_files_did_not_arrive(
    double: ContentsDouble, center: ModelOpCenter, tmp_path: Path
) -> None:
    double.answer("PATCH", 413)
    files = [new(tmp_path, "weights.bin", LARGE), new(tmp_path, "m.py", b"", kind=AssetKind.SOURCE)]
    with pytest.raises(Refused, match=r"'weights\.bin'"):
        await center.save_model(Model(name="m"), files)
    assert double.documents == []


async def test_a_large_source_that_is_no_text_is_refused_as_a_small_one_is(
    double: ContentsDouble, center: ModelOpCenter, tmp_path: Path
) -> None:
    for content in (b"\xff" * 10, b"\xff" * (SMALL + 1), b"a" * SMALL + b"\xc3"):
        with pytest.raises(Refused, match=r"The file 'm\.py' is not UTF-8"):
            await center.save_model(Model(name="m"), [new(tmp_path, "m.py", content, kind=AssetKind.SOURCE)])
    assert double.requests == []
