"""What a signal's variables say is to be started; nothing is started, stored or fetched here."""

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from mlc.center.modelop.signals import PREFIX, ModelOpSignals
from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.process import Processes
from mlc.model.processes import RunBackTestInput, RunBatchModelJobInput
from mlc.model.signal import BadVariable, ProcessStart, UnknownSignal
from workflows.registry import PROCESSES

SIGNALS = ModelOpSignals(PROCESSES)
RUN_BACK_TEST_JIRA = PREFIX + "Signals_Run_Back_Test_Jira"
RUN_BACK_TEST_SERVICENOW = PREFIX + "Signals_Run_Back_Test_ServiceNow"
MODEL_BACK_TEST = PREFIX + "Signals_MODEL_BACK_TEST"
DEPLOYED_BATCH_JOB = PREFIX + "Signals_DEPLOYED_BATCH_JOB"

MODEL = "5a31b3c6-f033-4948-b433-bae6656baa26"
CSV = b"a,b\r\n1,2\r\n"
RULES = FileRules(hosts=["files.example.org"])
SECRET = "kept-to-yourself"


def read_signal(name: str, variables: dict[str, Any], rules: FileRules) -> ProcessStart:
    return SIGNALS.read(name, variables, rules)


def embedded(**more: Any) -> dict[str, Any]:
    content = base64.b64encode(CSV).decode()
    return {"assetType": "FILE", "filename": "in.csv", "fileFormat": "CSV", "fileContent": content} | more


def external(**more: Any) -> dict[str, Any]:
    return {"assetType": "EXTERNAL_FILE", "fileUrl": "https://files.example.org/a/in.csv"} | more


@pytest.mark.parametrize(
    ("name", "ticketing"),
    [(RUN_BACK_TEST_JIRA, "jira"), (RUN_BACK_TEST_SERVICENOW, "servicenow"), (MODEL_BACK_TEST, None)],
)
def test_a_back_test_is_read_from_camundas_form_and_from_a_schedules(name: str, ticketing: str) -> None:
    for variables in (
        {"MODEL_ID": {"value": MODEL, "type": "String"}, "OUTPUT_FILE": {"value": None}},
        {"MODEL_ID": MODEL},
    ):
        start = read_signal(name, variables, RULES)
        assert start.input([]) == RunBackTestInput(model_id=MODEL, ticketing=ticketing)  # type: ignore[arg-type]
        assert (start.workflow, start.snapshot_id, start.embedded) == ("RunBackTest", MODEL, ())
        assert start.workflow_id("k-1") == f"back-test-{MODEL}-k-1"


def test_embedded_files_are_held_apart_and_only_their_ids_go_into_the_input() -> None:
    text = {"assetType": "FILE", "name": "more.json", "fileContentString": '[{"a": "é"}]'}
    variables = {"TAG": "cc", "INPUT_FILE": [embedded(), external(), text], "MODEL_STAGE": "PROD"}
    start = read_signal(DEPLOYED_BATCH_JOB, variables, RULES)
    assert [file.content for file in start.embedded] == [CSV, '[{"a": "é"}]'.encode()]
    assert (start.workflow, start.snapshot_id, start.workflow_id("7")) == ("RunBatchModelJob", None, "batch-cc-7")
    assert start.input(["id-1", "id-2"]) == RunBatchModelJobInput(
        tag="cc",
        model_stage="PROD",
        input_files=[
            InputFile(asset_id="id-1", filename="in.csv", file_format="CSV"),
            InputFile(url="https://files.example.org/a/in.csv", filename="in.csv"),
            InputFile(asset_id="id-2", filename="more.json"),
        ],
    )


def test_one_asset_or_a_list_of_one_is_the_same() -> None:
    for files in (embedded(), [embedded()]):
        start = read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "INPUT_FILE": files}, RULES)
        assert start.input(["id"]).input_file == InputFile(asset_id="id", filename="in.csv", file_format="CSV")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asset", "meant"),
    [
        ({"assetType": "FILE", "filename": "out.json"}, OutputFile(filename="out.json")),
        ({}, OutputFile()),
        (embedded(filename="out.csv"), OutputFile(filename="out.csv", file_format="CSV")),
        (external(fileFormat="json"), OutputFile(url=external()["fileUrl"], filename="in.csv", file_format="JSON")),
        (external(assetType="FILE"), OutputFile(url=external()["fileUrl"], filename="in.csv")),
    ],
)
def test_an_output_goes_to_its_address_or_is_embedded_in_the_job(asset: dict[str, Any], meant: OutputFile) -> None:
    start = read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "OUTPUT_FILE": asset}, RULES)
    assert start.input([]).output_file == meant  # type: ignore[union-attr]


def test_a_file_of_the_allowed_folder_may_be_named(tmp_path: Path) -> None:
    asset = external(fileUrl=f"file://{tmp_path}/in.csv", fileFormat="UNKNOWN")
    variables = {"TAG": "cc", "INPUT_FILE": asset, "OUTPUT_FILE": external(fileUrl=f"file://{tmp_path}/out.csv")}
    given = read_signal(DEPLOYED_BATCH_JOB, variables, FileRules(root=tmp_path)).input([])
    assert isinstance(given, RunBatchModelJobInput)
    assert given.input_files == [InputFile(url=f"file://{tmp_path}/in.csv", filename="in.csv")]
    with pytest.raises(BadVariable, match=r"INPUT_FILE\.fileUrl: .*MLC_FILE_ROOT"):
        read_signal(DEPLOYED_BATCH_JOB, variables, RULES)


def test_a_query_and_objects_of_connections_may_be_named() -> None:
    repository = {"repositoryType": "SQL_REPOSITORY", "connectionUri": "sql+warehouse:"}
    query = {"assetType": "SQL", "name": "loans", "sqlStatement": "SELECT :a", "parameters": {"a": 1}}
    inputs = [
        query | {"repositoryInfo": repository},
        external(fileUrl="s3+lake://risk/in/"),
        external(fileUrl="s3+lake://risk/x.csv.gz"),
    ]
    variables = {
        "TAG": "cc",
        "INPUT_FILE": inputs,
        "OUTPUT_FILE": external(fileUrl="s3+lake://out/y", fileFormat="PARQUET"),
    }
    rules = FileRules(read=["sql+warehouse:", "s3+lake://risk"], write=["s3+lake://out"])
    given = read_signal(DEPLOYED_BATCH_JOB, variables, rules).input([])
    assert isinstance(given, RunBatchModelJobInput)
    assert given.input_files == [
        InputFile(url="sql+warehouse:", filename="loans", query="SELECT :a", parameters={"a": 1}),
        InputFile(url="s3+lake://risk/in/", file_format="PARQUET"),
        InputFile(url="s3+lake://risk/x.csv.gz", filename="x.csv.gz"),
    ]
    assert given.output_files == [OutputFile(url="s3+lake://out/y", filename="y", file_format="PARQUET")]
    for narrower, said in [
        ({"read": ["s3+lake://risk"]}, r"INPUT_FILE\[0\]\.repositoryInfo\.connectionUri: .*MLC_FILE_READ"),
        ({"read": ["sql+warehouse:"]}, r"INPUT_FILE\[1\]\.fileUrl: .*MLC_FILE_READ"),
        ({"write": ["s3+lake://risk"]}, r"OUTPUT_FILE\.fileUrl: .*MLC_FILE_WRITE"),
    ]:
        with pytest.raises(BadVariable, match=said):
            read_signal(DEPLOYED_BATCH_JOB, variables, rules.model_copy(update=narrower))


LAKE = FileRules(read=["s3+lake://risk/in"], write=["s3+lake://risk/out"])


@pytest.mark.parametrize("repository", [None, {"repositoryType": "S3_REPOSITORY"}, {"repositoryType": "s3_repository"}])
def test_an_s3_asset_is_one_of_a_named_connection_whether_or_not_its_kind_is_told_too(repository: Any) -> None:
    more = {} if repository is None else {"repositoryInfo": repository | {"host": None, "port": 0}}
    asset = external(fileUrl="s3+lake://risk/in/2026-11.csv", **more)
    output = external(fileUrl="s3+lake://risk/out/2026-11.csv", **more)
    for foreign in (False, True):
        signals = ModelOpSignals(PROCESSES, foreign=foreign)
        start = signals.read(DEPLOYED_BATCH_JOB, {"TAG": "cc", "INPUT_FILE": asset, "OUTPUT_FILE": output}, LAKE)
        given = start.input([])
        assert isinstance(given, RunBatchModelJobInput)
        assert [file.url for file in given.input_files] == ["s3+lake://risk/in/2026-11.csv"]
        assert [file.url for file in given.output_files] == ["s3+lake://risk/out/2026-11.csv"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fileUrl": "s3+lake://risk/other/x.csv"}, "INPUT_FILE.fileUrl: the place 's3+lake://risk/other/x.csv' is"),
        ({"fileUrl": "s3+lake://risk/input/x.csv"}, "INPUT_FILE.fileUrl: the place 's3+lake://risk/input/x.csv' is"),
        ({"fileUrl": "s3+lake://risk/in/../out/x.csv"}, "INPUT_FILE.fileUrl: the path of the address holds an empty"),
        ({"fileUrl": "s3+lake://risk/in/%2e%2e/x.csv"}, "INPUT_FILE.fileUrl: the path of the address holds an empty"),
        ({"fileUrl": "s3+lakes://risk/in/x.csv"}, "INPUT_FILE.fileUrl: no connection of the name 's3+lakes:' is"),
        ({"fileUrl": "s3+://risk/in/x.csv"}, "INPUT_FILE.fileUrl: the name of a connection in an address has small"),
        ({"fileUrl": "s3+lake:///x.csv"}, "INPUT_FILE.fileUrl: the address names no bucket"),
        ({"fileUrl": f"s3+lake://risk/in/x.csv?{SECRET}"}, "INPUT_FILE.fileUrl: the address holds more than a place"),
        ({"fileUrl": f"s3+lake://{SECRET}@risk/in/x.csv"}, "INPUT_FILE.fileUrl: the address holds more than a place"),
        ({"repositoryInfo": {"host": SECRET}}, "INPUT_FILE.repositoryInfo.repositoryType: a store that is told by its"),
        ({"repositoryInfo": {"secure": True}}, "INPUT_FILE.repositoryInfo.repositoryType: a store that is told by its"),
        ({"fileUrl": "s3://risk/in/x.csv"}, "INPUT_FILE.repositoryInfo.repositoryType: a store that is told by its"),
        ({"fileUrl": None}, "INPUT_FILE.repositoryInfo.repositoryType: a store that is told by its"),
    ],
)
def test_an_s3_asset_that_no_named_connection_allows_is_refused_with_what_to_write(
    changes: dict[str, Any], says: str
) -> None:
    asset = external(fileUrl="s3+lake://risk/in/x.csv") | changes
    asset["repositoryInfo"] = {"repositoryType": "S3_REPOSITORY", **asset.get("repositoryInfo", {})}
    with pytest.raises(BadVariable) as refused:
        read_signal(DEPLOYED_BATCH_JOB, {"TAG": "cc", "INPUT_FILE": asset}, LAKE)
    assert str(refused.value).startswith(says)
    assert SECRET not in str(refused.value)


def test_what_an_asset_of_a_model_carries_besides_is_no_obstacle() -> None:
    asset = embedded(
        assetRole="TEST_DATA",
        contentHash={"hashType": "SHA-256"},
        fileContent="YSxi\nDQo=\n",  # in lines, as MIME has it
        repositoryInfo={"repositoryType": "GIT_REPO", "repositoryRemote": "https://git.example.org/m"},
    )
    [file] = read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "INPUT_FILE": asset}, RULES).embedded
    assert file.content == b"a,b\r\n"


@pytest.mark.parametrize(
    ("asset", "says"),
    [
        (SECRET, "INPUT_FILE: an asset object is expected"),
        ([embedded(), SECRET], "INPUT_FILE[1]: an asset object is expected"),
        ([external()] * 51, "INPUT_FILE: at most 50 files"),
        ([], "Variable INPUT_FILE is missing"),
        (None, "Variable INPUT_FILE is missing"),
        ({"assetType": "FILE", "filename": "in.csv"}, "INPUT_FILE: the asset holds no content and no address"),
        ({"assetType": "EXTERNAL_FILE"}, "INPUT_FILE.fileUrl: an external file needs the address"),
        (embedded(assetType="EXTERNAL_FILE"), "INPUT_FILE.fileUrl: an external file needs the address"),
        ({"assetType": "SQL", "sqlStatement": SECRET}, "INPUT_FILE.assetType: a database that is told by"),
        ({"assetType": "REST"}, "INPUT_FILE.assetType: REST calls are not supported: embed"),
        (embedded(assetType=SECRET), "INPUT_FILE.assetType: only FILE and EXTERNAL_FILE are supported: embed"),
        (embedded(assetType=7), "INPUT_FILE.assetType: Input should be a valid string"),
        (
            external(repositoryInfo={"repositoryType": "S3_REPOSITORY", "host": SECRET}),
            "INPUT_FILE.repositoryInfo.repositoryType: a store that is told by its host is not known here: write "
            "fileUrl as s3+NAME://bucket/key",
        ),
        (
            external(repositoryInfo={"repositoryType": "HDFS_REPOSITORY"}),
            "INPUT_FILE.repositoryInfo.repositoryType: files in HDFS are not supported: embed",
        ),
        (
            external(repositoryInfo={"repositoryType": SECRET}),
            "INPUT_FILE.repositoryInfo.repositoryType: files in such a repository are not supported: embed",
        ),
        (external(fileUrl=f"s3://{SECRET}/in.csv"), "INPUT_FILE.fileUrl: 's3' addresses are not supported: embed"),
        (external(fileUrl="hdfs:///in.csv"), "INPUT_FILE.fileUrl: 'hdfs' addresses are not supported: embed"),
        (external(fileUrl=f"https://u:{SECRET}@files.example.org/in.csv"), "INPUT_FILE.fileUrl: the address holds"),
        (external(fileUrl=f"https://files.example.org/in.csv?{SECRET}"), "INPUT_FILE.fileUrl: the address holds"),
        (external(fileUrl="http://169.254.169.254/latest"), "INPUT_FILE.fileUrl: the host '169.254.169.254' is not"),
        (external(fileUrl="file:///etc/passwd"), "INPUT_FILE.fileUrl: no folder is allowed"),
        (external(fileUrl="https://files.example.org/" + "x" * 1000), "INPUT_FILE.fileUrl: String should have at most"),
        (external(fileUrl="https://files.example.org/\x00.csv"), "INPUT_FILE.fileUrl: it holds characters"),
        (
            external(fileUrl="https://files.example.org/in"),
            "INPUT_FILE.fileFormat: CSV, JSON, PARQUET or ARROW is needed",
        ),
        (embedded(fileFormat="AVRO"), "INPUT_FILE.fileFormat: CSV, JSON, PARQUET or ARROW is expected"),
        (
            embedded(fileFormat="UNKNOWN", filename="in.data"),
            "INPUT_FILE.fileFormat: CSV, JSON, PARQUET or ARROW is needed",
        ),
        (embedded(filename="x" * 256), "INPUT_FILE.filename: String should have at most 255"),
        (embedded(filename="a\nb.csv"), "INPUT_FILE.filename: it holds characters"),
        (embedded(fileContent=f"{SECRET}=?"), "INPUT_FILE.fileContent: it is not base64"),
        (embedded(fileContent="YQ"), "INPUT_FILE.fileContent: it is not base64"),
        (embedded(fileContent="é" * 4), "INPUT_FILE.fileContent: it is not base64"),
        (embedded(fileContent=None, fileContentString="\ud800"), "INPUT_FILE.fileContentString: it holds half"),
        ([embedded(), embedded(fileContent="!")], "INPUT_FILE[1].fileContent: it is not base64"),
    ],
)
def test_a_file_that_can_not_be_used_is_named_with_an_example_and_without_its_value(asset: Any, says: str) -> None:
    with pytest.raises(BadVariable) as refused:
        read_signal(DEPLOYED_BATCH_JOB, {"TAG": {"value": "cc"}, "INPUT_FILE": {"value": asset}}, RULES)
    text = str(refused.value)
    assert text.startswith(says), text
    assert 'Example: "INPUT_FILE": {"value": {' in text
    assert SECRET not in text


def test_an_output_is_judged_as_strictly_as_an_input() -> None:
    for asset, says in (
        (external(fileUrl="s3://b/o.csv"), r"OUTPUT_FILE\.fileUrl: 's3'"),
        (external(fileUrl="https://elsewhere.example/o.csv"), r"OUTPUT_FILE\.fileUrl: the host"),
        (embedded(fileFormat="WORD"), r"OUTPUT_FILE\.fileFormat: CSV, JSON, PARQUET or ARROW"),
        ({"assetType": "EXTERNAL_FILE"}, r"OUTPUT_FILE\.fileUrl: an external file"),
        ([], "OUTPUT_FILE: exactly one file is taken"),
        ([{}, {}], "OUTPUT_FILE: exactly one file is taken"),
    ):
        with pytest.raises(BadVariable, match=says):
            read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "OUTPUT_FILE": asset}, RULES)


def test_a_back_test_reads_exactly_one_file() -> None:
    for files in ([], [embedded(), embedded()]):
        with pytest.raises(BadVariable, match="INPUT_FILE: exactly one file is taken"):
            read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "INPUT_FILE": files}, RULES)


@pytest.mark.parametrize(
    ("name", "variables", "says"),
    [
        (RUN_BACK_TEST_JIRA, {}, "Variable MODEL_ID is missing"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": ""}, "MODEL_ID: String should have at least 1 character"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": "x" * 201}, "MODEL_ID: String should have at most 200 characters"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": "\ud800"}, "MODEL_ID: Input should be a valid string"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": "/" * 67}, "MODEL_ID: the id takes 201 characters here, where any but le"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": {"id": MODEL}}, "MODEL_ID: Input should be a valid string"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "INPUT_FLIE": 1}, "Variable 'INPUT_FLIE' is unknown to this signal"),
        (RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "TAG": "x"}, "Variable 'TAG' is unknown to this signal"),
        (DEPLOYED_BATCH_JOB, {"INPUT_FILE": external()}, "Variable TAG is missing"),
        (DEPLOYED_BATCH_JOB, {"TAG": "x" * 201, "INPUT_FILE": external()}, "TAG: String should have at most 200"),
        (DEPLOYED_BATCH_JOB, {"TAG": "a\nb", "INPUT_FILE": external()}, "TAG: only characters that can be printed"),
        (DEPLOYED_BATCH_JOB, {"TAG": " ", "INPUT_FILE": external()}, "TAG: only characters that can be printed"),
        (DEPLOYED_BATCH_JOB, {"TAG": "\ud800", "INPUT_FILE": external()}, "TAG: "),
        (DEPLOYED_BATCH_JOB, {"TAG": "", "INPUT_FILE": external()}, "TAG: String should have at least 1"),
        (DEPLOYED_BATCH_JOB, {"TAG": "x", "MODEL_STAGE": 1, "INPUT_FILE": external()}, "MODEL_STAGE: Input should"),
        (DEPLOYED_BATCH_JOB, {"TAG": "x", "MODEL_STAGE": "", "INPUT_FILE": external()}, "MODEL_STAGE: String should"),
    ],
)
def test_other_variables_that_can_not_be_used_are_named(name: str, variables: dict[str, Any], says: str) -> None:
    with pytest.raises(BadVariable) as refused:
        read_signal(name, variables, RULES)
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize(
    ("raw", "id_"), [(MODEL, MODEL), ("a/b", "a~2Fb"), ("a~2Fb", "a~7E2Fb"), ("..", "~2E~2E"), ("/" * 66, "~2F" * 66)]
)
def test_an_id_of_the_centre_is_made_ours_in_a_signal_as_in_a_schedule(raw: str, id_: str) -> None:
    for variables in ({"MODEL_ID": {"value": raw}}, {"MODEL_ID": raw}):
        start = read_signal(RUN_BACK_TEST_JIRA, variables, RULES)
        assert (start.snapshot_id, start.workflow_id("k")) == (id_, f"back-test-{id_}-k")
        assert start.input([]) == RunBackTestInput(model_id=id_, ticketing="jira")
    changed = SIGNALS.read_announcement(PREFIX + "Signals_deployable_model_changed", {"DEPLOYABLE_MODEL": {"id": raw}})
    assert (changed.snapshot_id, changed.workflow_id("")) == (id_, f"deploy-{id_}")


def test_an_id_that_names_no_snapshot_is_made_ours_too() -> None:
    back_test = next(entry for entry in PROCESSES if entry.name == "RunBackTest")
    signal = back_test.signals[0]
    unnamed = dataclasses.replace(signal.variables[0], names_snapshot=False)
    entry = dataclasses.replace(back_test, signals=[dataclasses.replace(signal, variables=[unnamed])])
    start = ModelOpSignals(Processes(entry)).read(RUN_BACK_TEST_JIRA, {"MODEL_ID": "a/b"}, RULES)
    assert (start.snapshot_id, start.workflow_id("k")) == (None, "back-test-a~2Fb-k")


def test_the_longest_tag_and_key_still_make_an_id_that_temporal_takes() -> None:
    start = read_signal(DEPLOYED_BATCH_JOB, {"TAG": "🏦" * 200, "INPUT_FILE": external()}, RULES)
    assert len(start.workflow_id("k" * 128).encode()) <= 1000


def test_other_signals_start_no_process() -> None:
    with pytest.raises(UnknownSignal, match="Signals_Run_Back_Test_Jira, "):
        read_signal("com.modelop.mlc.definitions.Signals_model_changed", {}, RULES)


@pytest.mark.parametrize("name", SIGNALS.asked)
def test_the_examples_are_right(name: str) -> None:
    variables = SIGNALS.envelope(name)["variables"]
    assert variables.keys() == {variable.name for variable in SIGNALS.variables(name)}
    read_signal(name, variables, RULES)


FOREIGN: dict[str, dict[str, Any]] = {
    "S3": external(repositoryInfo={"repositoryType": "S3_REPOSITORY", "host": "s3.example.com", "secure": True}),
    "S3 by its address": external(fileUrl="s3://bucket/in.csv"),
    "HDFS": external(fileUrl="hdfs:///in.csv", repositoryInfo={"repositoryType": "HDFS_REPOSITORY", "port": 0}),
    "SQL": {"assetType": "SQL", "sqlStatement": "SELECT 1", "repositoryInfo": {"repositoryType": "SQL_REPOSITORY"}},
    "another host": external(fileUrl="https://elsewhere.example/in.csv"),
    "an account": external(fileUrl=f"https://u:{SECRET}@files.example.org/in.csv"),
    "a signature": external(fileUrl=f"https://files.example.org/in.csv?X-Amz-Signature={SECRET * 200}"),
    "another format": external(fileFormat="AVRO"),
    "something new": {"assetType": "REST", "fileUrl": "https://api.example.com/", "requestBody": {"a": [1]}},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_only_the_centres_runtimes_can_read_is_passed_on_whole_where_the_centre_has_such(kind: str) -> None:
    asset = FOREIGN[kind]
    variables = {"MODEL_ID": MODEL, "INPUT_FILE": asset, "OUTPUT_FILE": {**asset, "id": "x", "assetId": "y"}}
    start = ModelOpSignals(PROCESSES, foreign=True).read(RUN_BACK_TEST_JIRA, variables, RULES)
    assert [json.loads(file.content) for file in start.embedded] == [asset, asset]
    given = start.input(["in", "out"])
    assert isinstance(given, RunBackTestInput)
    assert given.input_file is not None
    assert given.output_file is not None
    assert (given.input_file.asset_id, given.output_file.asset_id) == ("in", "out")
    assert SECRET not in given.model_dump_json()
    with pytest.raises(BadVariable) as refused:
        read_signal(RUN_BACK_TEST_JIRA, variables, RULES)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("asset", "says"),
    [
        ("s3://bucket/in.csv", "INPUT_FILE: an asset object is expected"),
        ({}, "INPUT_FILE: the asset holds no content and no address"),
        ({"assetType": "EXTERNAL_FILE"}, r"INPUT_FILE\.fileUrl: an external file needs the address"),
        ({"assetType": "SQL"}, r"INPUT_FILE\.assetType: a database that is told"),
        (embedded(fileContent="!"), r"INPUT_FILE\.fileContent: it is not base64"),
        (external(fileUrl="s3://b/\x00"), r"INPUT_FILE\.fileUrl: it holds characters"),
        (external(fileUrl="s3://b/x", fileSize="large"), r"INPUT_FILE\.fileSize: "),
        (external(fileUrl="s3://b/x", more="x" * 20_000), "INPUT_FILE: the asset object is longer"),
    ],
)
def test_an_asset_that_no_runtime_could_read_is_refused_all_the_same(asset: Any, says: str) -> None:
    with pytest.raises(BadVariable, match=says):
        ModelOpSignals(PROCESSES, foreign=True).read(
            RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "INPUT_FILE": asset}, RULES
        )


def test_a_file_that_we_may_read_is_read_here_all_the_same() -> None:
    start = ModelOpSignals(PROCESSES, foreign=True).read(
        RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "INPUT_FILE": external()}, RULES
    )
    assert start.embedded == ()


def test_a_batch_job_without_files_is_one_whose_model_reads_its_own_where_it_can() -> None:
    start = ModelOpSignals(PROCESSES, foreign=True).read(DEPLOYED_BATCH_JOB, {"TAG": "cc"}, RULES)
    assert start.input([]) == RunBatchModelJobInput(tag="cc")
    with pytest.raises(BadVariable, match="Variable INPUT_FILE is missing: there is nothing to score"):
        read_signal(DEPLOYED_BATCH_JOB, {"TAG": "cc"}, RULES)


@pytest.mark.parametrize("value", [{"a": 1}, {"value": {"a": 1}}, {"value": '{"a": 1}', "type": "Object"}])
def test_a_jobs_parameters_are_an_object(value: Any) -> None:
    back_test = read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "JOB_PARAMETERS": value}, RULES).input([])
    batch = read_signal(
        DEPLOYED_BATCH_JOB, {"TAG": "cc", "INPUT_FILE": external(), "JOB_PARAMETERS": value}, RULES
    ).input([])
    assert isinstance(back_test, RunBackTestInput)
    assert isinstance(batch, RunBatchModelJobInput)
    assert back_test.job_parameters == batch.job_parameters == {"a": 1}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("a=1", "JOB_PARAMETERS: Input should be a valid dictionary"),
        ([1], "JOB_PARAMETERS: Input should be a valid dictionary"),
        ({"a": "x" * 5000}, "JOB_PARAMETERS: the parameters take more than 4096 characters"),
        ({"db_password": SECRET}, "JOB_PARAMETERS: the parameter 'db_password' looks like a secret"),
        ({"a": {"apiKey": SECRET}}, "JOB_PARAMETERS: the parameter 'apiKey' looks like a secret"),
    ],
)
def test_parameters_that_can_not_be_used_are_named(value: Any, says: str) -> None:
    with pytest.raises(BadVariable) as refused:
        read_signal(RUN_BACK_TEST_JIRA, {"MODEL_ID": MODEL, "JOB_PARAMETERS": value}, RULES)
    assert str(refused.value).startswith(says)
    assert SECRET not in str(refused.value)
