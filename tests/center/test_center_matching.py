"""Which runtime gets a job."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlc.standalone.center.matching import choose

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMEOUT = timedelta(seconds=30)


def an_engine(name: str, *, age: float = 1, online: bool = False, **more: Any) -> dict[str, Any]:
    heard = (NOW - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    endpoints = [{"endpointType": "REST"}] if online else []
    platform = {"python": "3.11"}
    return {"id": f"id-{name}", "name": name, "lastModifiedDate": heard, "platform": platform} | {
        "inputEndpoints": endpoints,
        **more,
    }


def a_job(model_type: str = "PYTHON", stage: str = "prod", **more: Any) -> dict[str, Any]:
    meta = {"type": model_type, "modelStage": stage}
    return {"id": "j", "model": {"storedModel": {"modelMetaData": meta}}, **more}


def chosen(job: dict[str, Any], *engines: dict[str, Any]) -> str | None:
    engine = choose(job, engines, TIMEOUT, NOW)
    return None if engine is None else str(engine["name"])


def test_batch_comes_before_online_whatever_the_stage() -> None:
    online, batch = an_engine("online", online=True, environmentName="prod"), an_engine("batch", environmentName="dev")
    assert chosen(a_job(), online, batch) == "batch"
    assert chosen(a_job(), online) == "online"


def test_the_stage_of_the_model_comes_before_the_latest_heartbeat() -> None:
    prod, dev = an_engine("prod", age=9, environmentName="PROD"), an_engine("dev", age=1, environmentName="dev")
    assert chosen(a_job(), dev, prod) == "prod"


def test_among_equals_the_one_heard_of_last_is_taken() -> None:
    assert chosen(a_job(), an_engine("a", age=3), an_engine("b", age=1), an_engine("c", age=2)) == "b"


def test_a_runtime_not_heard_of_for_long_gets_a_job_only_by_name() -> None:
    silent = an_engine("silent", age=31)
    assert chosen(a_job(), silent) is None
    assert chosen(a_job(targetEngine={"name": "silent"}), silent, an_engine("other")) == "silent"
    assert chosen(a_job(targetEngine={"id": "id-silent"}), silent, an_engine("other")) == "silent"


@pytest.mark.parametrize(
    ("model_type", "platform", "covered"),
    [
        ("PYTHON", {"python": "3.11"}, True),
        ("PYTHON3", {"python": "3.11"}, True),
        ("R", {"python": "3.11"}, False),
        ("R", {"python": "3.11", "r": "4"}, True),
        ("R", {"python": "3.11", "r": None}, False),
        ("PYTHON", {"r": "4"}, False),
        ("PYSPARK", {"python": "3.11"}, False),
        ("PYTHON", {}, True),
    ],
)
def test_the_platform_must_cover_the_type_of_the_model(
    model_type: str, platform: dict[str, str | None], covered: bool
) -> None:
    assert (chosen(a_job(model_type), an_engine("r", platform=platform)) == "r") == covered


def test_a_job_that_names_a_runtime_or_its_type_waits_for_it() -> None:
    there = an_engine("there", engineType="MODEL_OP_ENGINE")
    assert chosen(a_job(targetEngine={"name": "missing"}), there) is None
    assert chosen(a_job(targetEngine={"engineType": "SPARK_RUNTIME"}), there) is None
    assert chosen(a_job(targetEngine={"engineType": "MODEL_OP_ENGINE"}), there) == "there"


def test_a_model_that_does_not_say_its_type_is_python() -> None:
    assert chosen({"id": "j"}, an_engine("r", platform={"r": "4"})) is None
    assert chosen({"id": "j"}, an_engine("python")) == "python"
