"""The centre's API for truth: what is kept, and what is refused with which row and why."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from center_harness import settings_for

from mlc.center import Capability, Unsupported
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.asset import AssetRole
from mlc.model.failure import NotFound, Refused
from mlc.model.truth import KeptTruth, Truth, identifier_of, label_of, time_of

NOTHING = "5b0b2ad4-0000-4000-8000-000000000001"
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture
def model(raw: httpx.Client) -> str:
    answer = raw.post("storedModels", json={"modelMetaData": {"name": "m"}})
    return str(answer.raise_for_status().json()["id"])


def row(**changes: Any) -> dict[str, Any]:
    return {"id": 7, "label": "yes", "time": LONG_AGO} | changes


def kept(raw: httpx.Client, model: str, *rows: Any) -> httpx.Response:
    return raw.post(f"truth/{model}", json={"truth": list(rows)})


def content(raw: httpx.Client, model: str) -> str | None:
    made = raw.post(f"truth/{model}/file").raise_for_status().json()
    if not made:
        return None
    read = raw.get(f"contents/{made['sha256']}").raise_for_status().content
    assert (len(read), hashlib.sha256(read).hexdigest()) == (made["size"], made["sha256"])
    return read.decode()


def test_what_is_sent_is_kept_and_what_became_of_it_is_told(raw: httpx.Client, model: str) -> None:
    rows = [row(), row(id="7.0", label=True, time="2026-01-01T02:00:00+01:00"), row(id="007", label=1.5)]
    assert kept(raw, model, *rows).json() == {"new": 2, "replaced": 0, "older": 1, "same": 0}
    assert kept(raw, model, *rows).json() == {"new": 0, "replaced": 0, "older": 1, "same": 2}
    assert kept(raw, model).json() == {"new": 0, "replaced": 0, "older": 0, "same": 0}
    assert content(raw, model) == (
        "id,label,time\n007,1.5,2026-01-01T00:00:00.000000Z\n7,true,2026-01-01T01:00:00.000000Z\n"
    )


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"label": 1, "time": LONG_AGO}, "Row 2: id is missing, or null."),
        (row(id=None), "Row 2: id is missing, or null."),
        (row(id=""), "Row 2: id is missing, or null."),
        (row(id=1.5), "Row 2: id is a number that is not whole"),
        (row(id=[1]), "Row 2: id must be a text or a whole number."),
        (row(id="x" * 501), "Row 2: id has more than 500 characters."),
        (row(id="a\0b"), "Row 2: id holds a character that is none."),
        ({"id": 1, "time": LONG_AGO}, "Row 2: label is missing, or null"),
        (row(label=None), "Row 2: label is missing, or null"),
        (row(label=["yes"]), "Row 2: label must be a text, a number, or true or false."),
        ({"id": 1, "label": 1}, "Row 2: time is missing, or null."),
        (row(time="soon"), "Row 2: time is no time"),
        (row(time=1.5e9), "Row 2: time is no time"),
        (row(time="2026-01-01T00:00:00"), "Row 2: time has no zone"),
        (row(time="9000-01-01T00:00:00Z"), "Row 2: time is in the future."),
        (row(lable="no"), "Row 2 has the unknown field 'lable'"),
        ("7", "Row 2 is no object"),
        (None, "Row 2 is no object"),
    ],
)
def test_a_bad_row_is_named_and_nothing_of_the_request_is_kept(
    raw: httpx.Client, model: str, bad: Any, why: str
) -> None:
    answer = kept(raw, model, row(), bad, row(id=8))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(why)
    assert answer.json()["message"].endswith("Nothing of the request was kept.")
    assert content(raw, model) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"truth": {}}', b'{"truth": [], "model": "m"}', b"\xff"])
def test_what_is_no_list_of_rows_is_refused(raw: httpx.Client, model: str, body: bytes) -> None:
    answer = raw.post(f"truth/{model}", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_no_number_is_no_label(raw: httpx.Client, model: str) -> None:
    answer = raw.post(f"truth/{model}", content=b'{"truth": [{"id": 1, "label": NaN, "time": "2026-01-01T00:00:00Z"}]}')
    assert (answer.status_code, answer.json()["message"]) == (400, "NaN is not JSON; send null, or leave it out.")


def test_too_much_at_once_is_refused_with_the_limit(raw: httpx.Client, model: str) -> None:
    many = raw.post(f"truth/{model}", json={"truth": [0] * 10_001})
    assert many.status_code == 400
    assert many.json()["message"].startswith("There are 10,001 rows: send at most 10,000 rows at once")
    for rows in ([row(id="x" * 10_000_000)], [row(id=number) for number in range(50_000)]):
        large = kept(raw, model, *rows)
        assert large.status_code == 413
        assert "send at most 10,000 rows at once" in large.json()["message"]
    assert content(raw, model) is None


@pytest.mark.parametrize("no_model", [NOTHING, "a%20b", "x" * 3_000])
def test_of_an_unknown_model_there_is_no_truth(raw: httpx.Client, no_model: str) -> None:
    asked = (
        kept(raw, no_model, row()),
        raw.post(f"truth/{no_model}/file"),
        raw.delete(f"truth/{no_model}", params={"id": "7"}),
    )
    assert [answer.status_code for answer in asked] == [404] * 3
    assert all(answer.json()["message"].startswith("There is nothing in storedModels") for answer in asked)


def test_the_truth_of_a_record_is_forgotten(raw: httpx.Client, model: str) -> None:
    kept(raw, model, row(id="a/b?c&d"), row())
    assert raw.delete(f"truth/{model}", params={"id": "7.0"}).json() == {"forgotten": 1}
    assert raw.delete(f"truth/{model}", params={"id": "7.0"}).json() == {"forgotten": 0}
    assert raw.delete(f"truth/{model}", params={"id": "a/b?c&d"}).json() == {"forgotten": 1}
    assert raw.delete(f"truth/{model}").status_code == 400
    assert raw.delete(f"truth/{model}", params={"id": ""}).json() == {"message": "id is missing, or null."}
    assert content(raw, model) is None


async def test_the_adapter_keeps_opens_and_forgets_truth(address: str, raw: httpx.Client, model: str) -> None:
    center = ModelOpCenter(settings_for(address, standalone=True, contents="reference"))
    rows = [Truth(identifier_of(name), label_of(1), time_of(LONG_AGO, now=datetime.now(UTC))) for name in ("a", "ä")]
    async with center.open_truth(model) as none:
        assert none is None
    assert await center.keep_truth(model, rows) == KeptTruth(new=2)
    async with center.open_truth(model) as truth:
        assert truth is not None
        assert (truth.name, truth.role, truth.format) == ("truth.csv", AssetRole.TRUTH_DATA, "CSV")
        read = await center.read(truth, limit=1_000)
        assert (len(read), hashlib.sha256(read).hexdigest()) == (truth.size, truth.sha256)
    assert [await center.forget_truth(model, "ä"), await center.forget_truth(model, "ä")] == [True, False]
    for ask in (center.keep_truth(NOTHING, rows), center.forget_truth(NOTHING, "a")):
        with pytest.raises(NotFound):
            await ask
    with pytest.raises(Refused, match="send at most 10,000 rows at once"):
        await center.keep_truth(model, rows * 5_001)
    await center.aclose()


async def test_a_centre_that_cannot_keep_truth_says_what_to_do_instead(address: str) -> None:
    center = ModelOpCenter(settings_for(address))
    assert Capability.KEEPS_TRUTH not in center.capabilities
    for ask in (center.keep_truth("m", []), center.forget_truth("m", "a"), center.open_truth("m").__aenter__()):
        with pytest.raises(Unsupported, match=r"can't keep what scored records turned out to be.*COMPARATOR_DATA"):
            await ask
    await center.aclose()
