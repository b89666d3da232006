"""Which of several assets a job reads: the named ones, else as many as the function takes; else it is refused."""

import uuid
from typing import Any

import pytest
from backroom import Backroom, asset, metrics

from activities.arity import Arity, NotClear, arity
from mlc.center.modelop import wire
from mlc.model.file import InputFile
from mlc.model.job import Job, JobFiles, JobKind, JobRequest

ONE = "# modelop.metrics\ndef measure(df):\n    yield {}\n"
TWO = ONE.replace("(df)", "(baseline, sample)")
DATA = ("a.csv", "b.csv", "c.csv")


def source(text: str | bytes | None = ONE, **more: Any) -> wire.Asset:
    return asset("model.py", "MODEL_SOURCE", text).model_copy(update=more)


def data(*names: str, role: str = "TEST_DATA", **more: Any) -> list[wire.Asset]:
    return [asset(name, role).model_copy(update=more) for name in names]


def needs(*names: str, role: str = "TEST_DATA", **more: str) -> list[dict[str, Any]]:
    return [{"usage": "INPUT_ASSET", "assetRole": role, "filename": name, **more} for name in names]


async def snapshot(room: Backroom, *assets: wire.Asset, required: Any = (), **about: Any) -> str:
    meta = wire.ModelMetaData(**({"name": f"m-{uuid.uuid4().hex[:6]}", "model_stage": "PROD"} | about))
    model = wire.StoredModel(model_meta_data=meta, model_assets=list(assets), required_assets=list(required))
    return await room.snapshot(model=await room.center.create_stored_model(model))


def request(id_: str, kind: JobKind = JobKind.METRICS, **more: Any) -> JobRequest:
    return JobRequest(snapshot_id=id_, kind=kind, key=uuid.uuid4().hex, workflow_id="w", **more)


async def read_by(room: Backroom, job: Job) -> list[str | None]:
    return [a.filename or a.name for a in (await room.center.get_job(job.id)).input_data]


@pytest.mark.parametrize(
    ("assets", "required", "read", "says"),
    {
        "as many as the function takes": ([source(), *data(*DATA)], [], ["a.csv"], "left out: b.csv, c.csv"),
        "two": ([source(TWO), *data(*DATA)], [], ["a.csv", "b.csv"], "left out: c.csv"),
        "the role's own name": (
            [source(), *data("parameters.json", "Test_Data.json")],
            [],
            ["Test_Data.json"],
            "takes, by the role's own name; left out: parameters.json.",
        ),
        "the role's own name, and too few of it": (
            [source(TWO), *data("parameters.json", "a.csv", "test_data.json")],
            [],
            ["parameters.json", "a.csv"],
            "function takes; left out: test_data.json.",
        ),
        "just as many": ([source(TWO), *data("a.csv", "b.csv")], [], ["a.csv", "b.csv"], "the job read a.csv, b.csv"),
        "any number": ([source(ONE.replace("df", "*all")), *data(*DATA)], [], list(DATA), "the job read a.csv, b.csv"),
        "named": ([source(), *data(*DATA)], needs("b.csv"), ["b.csv"], "read b.csv, which the model names; left out"),
        "named in another order": ([source(TWO), *data(*DATA)], needs("c.csv", "a.csv"), ["c.csv", "a.csv"], "b.csv"),
        "named for another role": ([source(), *data(*DATA)], needs("b.csv", role="BASELINE_DATA"), ["a.csv"], "left"),
        "by usage": (
            [source(), *data("a.csv"), *data("b.csv", usage="INPUT_ASSET")],
            [],
            ["b.csv"],
            "read b.csv, which the model names",
        ),
        "named, of a source that tells nothing": (
            [source("R code <- {"), *data(*DATA)],
            needs("b.csv"),
            ["b.csv"],
            "left out: a.csv, c.csv",
        ),
        "beside the model": (
            [source("R code <- {"), *data("a.csv"), *data("b.csv", usage="ADDITIONAL_ASSET")],
            [],
            ["a.csv"],
            "left out: b.csv",
        ),
        "a function that the centre knows": (
            [source("def f(x, y):\n    pass\n", metrics_function="f"), *data(*DATA)],
            [],
            ["a.csv", "b.csv"],
            "left out: c.csv",
        ),
        "the primary source": (
            [source(), source(TWO, filename="main.py", primary_model_source=True), *data(*DATA)],
            [],
            ["a.csv", "b.csv"],
            "left out: c.csv",
        ),
        "a far file": (
            [
                source(),
                *data("a.csv"),
                wire.Asset(name="b", asset_type="EXTERNAL_FILE", asset_role="TEST_DATA", file_url="https://h/b.csv"),
            ],
            needs("b"),
            ["b"],
            "left out: a.csv",
        ),
    }.values(),
)
async def test_of_several_assets_a_job_reads_those_that_are_meant_and_says_so(
    room: Backroom, assets: list[wire.Asset], required: Any, read: list[str], says: str
) -> None:
    asked = request(await snapshot(room, *assets, required=required))
    job = await room.run(room.jobs.create_job, asked)
    assert await read_by(room, job) == read
    assert says in job.remarks[0]
    assert (await room.run(room.jobs.find_job, asked)).remarks == job.remarks
    await room.end_job(job.id, metrics(auc=1))
    result = await room.run(room.jobs.finish_test, job)
    assert result.inputs == read
    kept = await room.port.get_test_result(result.id)
    assert (kept.provenance.read, kept.provenance.choice) == (read, job.remarks[0])


@pytest.mark.parametrize(
    ("assets", "required", "says"),
    {
        "more than there are": ([source(ONE.replace("df", "a, b, c, d"))], [], "its metrics function takes 4"),
        "optional ones": ([source(ONE.replace("df", "df, more=None"))], [], "its metrics function takes 1 to 2"),
        "none": ([source(ONE.replace("df", ""))], [], "its metrics function takes 0"),
        "no source": ([], [], "has no Python source whose functions are called"),
        "two sources": ([source(), source(TWO, filename="main.py")], [], "Python source whose functions are called"),
        "a source without content": ([source(None)], [], "Python source whose functions are called"),
        "another language": ([asset("model.R", "MODEL_SOURCE", "f <- 1")], [], "no Python source"),
        "no Python": ([source("R code <- {")], [], "can't be read as Python"),
        "too large": ([source(ONE.ljust(20_001))], [], "'model.py' can't be read"),
        "decorated": ([source(ONE.replace("def", "@checked\ndef"))], [], "'measure' is decorated"),
        "no marker": ([source("def measure(df): pass")], [], "no functions are marked # modelop.metrics"),
        "named and not there": ([source()], needs("A.csv"), "the model names 'A.csv', which is none of them"),
        "named and does not fit": (
            [source(TWO)],
            needs("a.csv"),
            "the model names a.csv, and its metrics function tak",
        ),
        "the same name twice": ([source(), *data("a.csv")], [], "several have the name 'a.csv'"),
        "named and there twice": ([source(), *data("a.csv")], needs("a.csv"), "and several have that name"),
    }.values(),
)
async def test_what_is_not_clear_is_refused_and_names_all(
    room: Backroom, assets: list[wire.Asset], required: Any, says: str
) -> None:
    id_ = await snapshot(room, *assets, *data("a.csv", "b.csv"), required=required)
    error = await room.failure(room.jobs.create_job, request(id_))
    assert (error.type, error.non_retryable) == ("MissingAsset", True)
    assert says in str(error)
    assert "a.csv, b.csv" in str(error)


async def test_training_data_is_chosen_in_the_same_way(room: Backroom) -> None:
    text = "# modelop.train\ndef train(df):\n    pass\n"
    id_ = await snapshot(room, source(text), *data(*DATA, role="TRAINING_DATA"))
    job = await room.run(room.jobs.create_job, request(id_, JobKind.TRAINING))
    assert await read_by(room, job) == ["a.csv"]
    assert "3 assets with the role TRAINING_DATA the job read a.csv" in job.remarks[0]


async def test_a_single_asset_needs_no_choice(room: Backroom) -> None:
    id_ = await snapshot(room, source("R code <- {"), *data("a.csv"))
    job = await room.run(room.jobs.create_job, request(id_))
    assert (await read_by(room, job), job.remarks) == (["a.csv"], [])


async def test_a_single_asset_that_is_not_the_one_that_the_model_names_is_told(room: Backroom) -> None:
    id_ = await snapshot(room, source(), *data("a.csv"), required=needs("b.csv"))
    job = await room.run(room.jobs.create_job, request(id_))
    assert job.remarks == ["The model names 'b.csv', which the snapshot lacks: the job read a.csv."]


async def test_spark_functions_take_all_inputs_in_one_list(room: Backroom) -> None:
    id_ = await snapshot(room, source(ONE.replace("df", "inputs, outputs, assets")), *data("a.csv", "b.csv"))
    assert "takes 3" in str(await room.failure(room.jobs.create_job, request(id_)))
    spark = await snapshot(
        room, source(ONE.replace("df", "inputs, outputs, assets")), *data("a.csv", "b.csv"), type="PYSPARK"
    )
    assert await read_by(room, await room.run(room.jobs.create_job, request(spark))) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("role", ["test_data", "Test Data", "TESTDATA", "TEST_DATTA"])
async def test_a_role_that_is_misspelt_is_read_by_nobody_and_told(room: Backroom, role: str) -> None:
    alone = await snapshot(room, source(), *data("b.csv", role=role))
    error = str(await room.failure(room.jobs.create_job, request(alone)))
    assert f"(b.csv: {role!r}) are not TEST_DATA" in error
    beside = await snapshot(room, source(), *data("a.csv"), *data("b.csv", role=role))
    job = await room.run(room.jobs.create_job, request(beside))
    assert await read_by(room, job) == ["a.csv"]
    assert f"(b.csv: {role!r})" in job.remarks[0]


async def test_files_that_a_job_is_given_are_read_as_they_are_given(room: Backroom) -> None:
    id_ = await snapshot(room, source(), *data(*DATA))
    files = JobFiles(inputs=[InputFile(url="file:///lake/a.csv"), InputFile(url="file:///lake/x.csv")])
    job = await room.run(room.jobs.create_job, request(id_, files=files))
    assert (await read_by(room, job), job.remarks) == (["a.csv", "x.csv"], [])


async def test_of_a_thousand_assets_a_history_names_a_few(room: Backroom) -> None:
    id_ = await snapshot(room, source(), *data(*(f"{n}-{'x' * 200}.csv" for n in range(1000))))
    job = await room.run(room.jobs.create_job, request(id_))
    assert len(await read_by(room, job)) == 1
    assert "994 more" in job.remarks[0]
    assert len(job.model_dump_json()) < 1200


@pytest.mark.parametrize(
    ("parameters", "takes"),
    {
        "df": Arity(1, 1),
        "a, /, b": Arity(2, 2),
        "a, b=1": Arity(1, 2),
        "*all": Arity(0, None),
        "a, *more": Arity(1, None),
        "a, *, b=1": Arity(1, 1),
        "a, **options": Arity(1, 1),
        "": Arity(0, 0),
    }.items(),
)
def test_a_function_says_how_many_it_takes(parameters: str, takes: Arity) -> None:
    assert arity(ONE.replace("df", parameters).encode(), "metrics") == takes
    assert arity(ONE.replace("df", parameters).encode(), "metrics", "measure") == takes


@pytest.mark.parametrize(
    ("text", "says"),
    {
        "marked twice": (ONE + ONE.replace("measure", "other"), "2 functions are marked"),
        "defined twice": (ONE + "def measure(a, b): pass\n", "is given more than once"),
        "defined again in a branch": (ONE + "if x:\n    def measure(a, b): pass\n", "is given more than once"),
        "wrapped": (ONE + "measure = wrapped(measure)\n", "is given more than once"),
        "taken away": (ONE + "del measure\n", "is given more than once"),
        "imported over": (ONE + "from other import f as measure\n", "is given more than once"),
        "changed from within": (ONE + "def g():\n    global measure\n    measure = 1\n", "is given more than once"),
        "by name only": (ONE.replace("df", "df, *, limit"), "takes arguments by name only"),
        "marker without a function": ("# modelop.metrics\nx = 1\n", "no function stands below"),
        "asynchronous": (ONE.replace("def", "async def"), "no function stands below"),
        "null bytes": (ONE + "\0", "can't be read as Python"),
        "too deep": (ONE + "(" * 5000, "can't be read as Python"),
        "a huge number": (ONE + "x = " + "9" * 10_000, "can't be read as Python"),
    }.values(),
)
def test_a_source_that_does_not_tell_is_not_guessed_at(text: str, says: str) -> None:
    with pytest.raises(NotClear, match=says):
        arity(text.encode(), "metrics")


def test_a_source_is_never_executed(tmp_path: Any) -> None:
    text = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{ONE}"
    assert arity(text.encode(), "metrics") == Arity(1, 1)
    assert not (tmp_path / "ran").exists()


def test_the_same_name_elsewhere_is_another_function() -> None:
    text = ONE + "class A:\n    def measure(self): pass\n\ndef other(measure):\n    measure = 1\n"
    assert arity(text.encode(), "metrics") == Arity(1, 1)
