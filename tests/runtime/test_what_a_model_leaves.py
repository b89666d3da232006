"""What models leave in place of their outputs and artefacts: it is never waited for, followed or half taken."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from job_runs import InThisProcess
from small_models import embedded, python_model

from mlc.center.modelop import wire
from mlc.model.job import JobKind
from mlc.runtime.execution import JobExecution
from mlc.settings import FileSettings

Run = Callable[..., Any]
CSV = embedded("data.csv", "a\n1\n", file_format="CSV")
SECRET = "what only the runtime may read"
OUTPUT = "__moc_runtime/outputs/0"


def scoring(body: str) -> wire.DeployableModel:
    """A model that does this once its output is open; ``out`` is the output's path."""
    return python_model(_source("# modelop.score\ndef s(r):", f"out = {OUTPUT!r}\n{body}\nyield 1"))


def training(body: str) -> wire.DeployableModel:
    return python_model(_source("# modelop.train\ndef train(df):", body))


def _source(function: str, body: str) -> str:
    imports = "import ctypes, os, shutil, socket, stat, unicodedata"
    return "\n".join([imports, *function.splitlines(), *(f"    {line}" for line in body.strip().splitlines())])


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "0").write_text(SECRET)
    return folder


IN_PLACE_OF_AN_OUTPUT = {
    "nothing": ("os.remove(out)", "it is not there"),
    "link_to_zeros": ("os.remove(out); os.symlink('/dev/zero', out)", "it is a link and no regular file"),
    "link_to_a_file": ("os.remove(out); os.symlink('{outside}/0', out)", "it is a link and no regular file"),
    "link_to_itself": ("os.remove(out); os.symlink('0', out)", "it is a link and no regular file"),
    "pipe": ("os.remove(out); os.mkfifo(out)", "it is a pipe and no regular file"),
    "socket": (
        "os.remove(out); socket.socket(socket.AF_UNIX).bind(out)",
        "it is a socket and no regular file",
    ),
    "folder": ("os.remove(out); os.mkdir(out)", "it is a folder and no regular file"),
    "device": (
        "os.remove(out); os.mknod(out, stat.S_IFCHR | 0o666, os.makedev(1, 5))",
        "it is a device and no regular file",
    ),
    "hard_link": ("os.remove(out); os.link('{outside}/0', out)", "it has another name elsewhere (a hard link)"),
    "link_above": (
        "shutil.rmtree(os.path.dirname(out)); os.symlink('{outside}', os.path.dirname(out))",
        "a link, or something else that is no folder, is in the place of its folder",
    ),
    "pipe_above": (
        "shutil.rmtree(os.path.dirname(out)); os.mkfifo(os.path.dirname(out))",
        "a link, or something else that is no folder, is in the place of its folder",
    ),
    "link_two_above": (
        "os.mkdir('{outside}/outputs'); os.rename('{outside}/0', '{outside}/outputs/0')\n"
        "os.rename('__moc_runtime', 'moved'); os.symlink('{outside}', '__moc_runtime')",
        "a link, or something else that is no folder, is in the place of its folder",
    ),
    "other_working_directory": (
        "here = os.getcwd(); os.rename(here, '{outside}/moved')\n"
        "os.makedirs(os.path.dirname(os.path.join(here, out))); open(os.path.join(here, out), 'w').close()",
        "another folder was put in the place of the working directory",
    ),
    "link_for_the_working_directory": (
        "here = os.getcwd(); os.rename(here, '{outside}/moved'); os.symlink('{outside}/moved', here)",
        "a link, or something else that is no folder, is in the place of its folder",
    ),
}


@pytest.mark.parametrize("kind", IN_PLACE_OF_AN_OUTPUT)
async def test_an_output_that_is_no_file_of_its_own_is_the_models_failure(call: Run, outside: Path, kind: str) -> None:
    body, why = IN_PLACE_OF_AN_OUTPUT[kind]
    if kind == "device" and os.geteuid():
        pytest.skip("only root makes devices")
    outcome = await asyncio.wait_for(call(JobKind.SCORING, scoring(body.format(outside=outside)), CSV), 60)
    assert outcome.problem.startswith(f"The output output.json can't be read: {why}"), outcome.problem
    assert outcome.outputs == []
    assert SECRET not in repr(outcome)


@pytest.mark.parametrize("kind", ["pipe", "link_to_zeros"])
async def test_nothing_is_written_to_an_address_if_another_output_is_no_file(
    call: Run, outside: Path, kind: str, tmp_path: Path
) -> None:
    body, _ = IN_PLACE_OF_AN_OUTPUT[kind]
    outputs = [
        wire.Asset(
            name=n, filename=n, asset_type="EXTERNAL_FILE", file_url=f"file://{tmp_path}/{n}", file_format="JSON"
        )
        for n in ("first.jsonl", "second.jsonl")
    ]
    body = body.replace("out", "second").format(outside=outside)
    model = scoring(f"second = {OUTPUT[:-1]!r} + '1'\nif os.path.exists(second):\n    {body}")
    files = FileSettings(root=tmp_path)
    outcome = await call(JobKind.SCORING, model, CSV, embedded("b.csv", "a\n1\n"), outputs=outputs, files=files)
    assert outcome.problem.startswith("The output second.jsonl can't be read")
    assert not list(tmp_path.glob("*.jsonl"))


async def test_an_address_gets_the_file_and_never_what_a_link_leads_to(
    call: Run, outside: Path, tmp_path: Path
) -> None:
    output = wire.Asset(
        name="o.jsonl", filename="o.jsonl", asset_type="EXTERNAL_FILE", file_url=f"file://{tmp_path}/o.jsonl"
    )
    for body, is_there in (("pass", True), (f"os.remove(out); os.symlink('{outside}/0', out)", False)):
        (tmp_path / "o.jsonl").unlink(missing_ok=True)
        files = FileSettings(root=tmp_path)
        outcome = await call(JobKind.SCORING, scoring(body), CSV, outputs=[output], files=files)
        assert (outcome.problem is None) is is_there
        assert (tmp_path / "o.jsonl").exists() is is_there


@pytest.mark.parametrize("address", [False, True])
async def test_a_file_of_a_terabyte_without_content_is_too_large_before_it_is_read(
    call: Run, tmp_path: Path, address: bool
) -> None:
    outputs = []
    if address:
        url = f"file://{tmp_path}/o.jsonl"
        outputs = [wire.Asset(name="o.jsonl", filename="o.jsonl", asset_type="EXTERNAL_FILE", file_url=url)]
    began = time.monotonic()
    model, files = scoring("os.truncate(out, 2**40)"), FileSettings(root=tmp_path, limit_mb=1024)
    outcome = await call(JobKind.SCORING, model, CSV, outputs=outputs, files=files)
    setting = "MLC_FILE_LIMIT_MB" if address else "MLC_RUNTIME_OUTPUT_LIMIT_MB"
    assert setting in outcome.problem
    assert time.monotonic() - began < 60
    assert not (tmp_path / "o.jsonl").exists()


async def test_holes_in_a_file_are_read_as_zeros(call: Run) -> None:
    outcome = await call(JobKind.TRAINING, training("open('outputDir/w', 'wb').truncate(100_000)"), CSV)
    assert outcome.problem is None
    assert outcome.outputs[0].content() == bytes(100_000)


IN_OUTPUT_DIR = {
    "pipe": (
        "os.mkfifo('outputDir/w')",
        "Training left w in outputDir/, which is a pipe: leave files and folders only.",
    ),
    "socket": (
        "socket.socket(socket.AF_UNIX).bind('outputDir/w')",
        "Training left w in outputDir/, which is a socket: leave files and folders only.",
    ),
    "pipe_below": (
        "os.makedirs('outputDir/a/b'); os.mkfifo('outputDir/a/b/w')",
        "Training left a/b/w in outputDir/, which is a pipe: leave files and folders only.",
    ),
    "hard_link": (
        "os.link('{outside}/0', 'outputDir/w')",
        "Training left w in outputDir/, which has another name elsewhere (a hard link): copy it instead.",
    ),
    "only_a_link": ("os.symlink('{outside}/0', 'outputDir/w')", "Training left nothing in outputDir/"),
    "only_a_link_to_a_folder": ("os.symlink('{outside}', 'outputDir/w')", "Training left nothing in outputDir/"),
    "only_empty_folders": ("os.makedirs('outputDir/a/b/c')", "Training left nothing in outputDir/"),
    "link_for_the_folder": (
        "os.rmdir('outputDir'); os.symlink('{outside}', 'outputDir')",
        "The folder outputDir can't be read: a link, or something else that is no folder",
    ),
    "pipe_for_the_folder": (
        "os.rmdir('outputDir'); os.mkfifo('outputDir')",
        "The folder outputDir can't be read: a link, or something else that is no folder",
    ),
    "no_folder": ("os.rmdir('outputDir')", "The folder outputDir can't be read: it is not there."),
    "another_encoding": (
        "open(b'outputDir/caf\\xe9', 'w').close()",
        "Training left caf\\udce9 in outputDir/: such a name can't be kept.",
    ),
    "a_line_break": (
        "open('outputDir/a\\nb', 'w').close()",
        "Training left a\\nb in outputDir/: such a name can't be kept.",
    ),
    "text_backwards": (
        "open('outputDir/a\\u202eb', 'w').close()",
        "Training left a\\u202eb in outputDir/: such a name can't be kept.",
    ),
    "a_backslash": ("open('outputDir/a\\\\b', 'w').close()", "Training left a\\b in outputDir/: such a name can't be"),
    "a_long_name": ("open('outputDir/' + 'x' * 240, 'w').close()", "Training left xxx"),
    "long_folders": (
        "path = 'outputDir/' + '/'.join(['x' * 190] * 6); os.makedirs(path); open(path + '/w', 'w').close()",
        "Training left xxx",
    ),
    "the_runtimes_own_name": (
        "os.mkdir('outputDir/__moc_runtime'); open('outputDir/__moc_runtime/w', 'w').close()",
        "Training left __moc_runtime/w in outputDir/: such a name can't be kept.",
    ),
    "names_that_differ_by_case": (
        "open('outputDir/Model.bin', 'w').close(); open('outputDir/model.bin', 'w').close()",
        "Training left model.bin in outputDir/, and Model.bin: some systems take these names for the same.",
    ),
    "names_that_look_alike": (
        "[open('outputDir/' + unicodedata.normalize(f, 'caf\\u00e9'), 'w').close() for f in ('NFC', 'NFD')]",
        "Training left caf\u00e9 in outputDir/, and cafe\u0301: some systems take these names for the same.",
    ),
    "a_folder_and_a_file": (
        "os.mkdir('outputDir/A'); open('outputDir/A/w', 'w').close(); open('outputDir/a', 'w').close()",
        "Training left A/w and a in outputDir/: some systems take the folder and the file for the same name.",
    ),
    "deep_folders": (
        "os.makedirs('outputDir/' + 'd/' * 300)",
        "Training left " + "/".join("d" * 32) + " in outputDir/: that is more than 31 folders deep.",
    ),
    "many_files": (
        "[open(f'outputDir/{{n}}', 'w').close() for n in range(1_001)]",
        "Training left more than 1,000 files in outputDir/: put them into one file, or raise "
        "MLC_RUNTIME_OUTPUT_FILE_LIMIT.",
    ),
    "many_folders": (
        "[os.mkdir(f'outputDir/{{n}}') for n in range(1_001)]",
        "Training left more than 1,000 folders in",
    ),
    "many_links": (
        "[os.symlink('/', f'outputDir/{{n}}') for n in range(1_001)]",
        "Training left more than 1,000 links",
    ),
    "too_large_together": (
        "[open(f'outputDir/{{n}}', 'wb').truncate(600_000) for n in range(2)]",
        "The job's outputs have 1,200,000 bytes, more than the 1 MB that go into the model centre",
    ),
    "a_terabyte": (
        "open('outputDir/w', 'wb').truncate(2**40)",
        "The job's outputs have 1,099,511,627,776 bytes, more than the 1 MB that go into the model centre",
    ),
}


@pytest.mark.parametrize("kind", IN_OUTPUT_DIR)
async def test_artefacts_that_cannot_be_kept_are_the_models_failure(call: Run, outside: Path, kind: str) -> None:
    body, said = IN_OUTPUT_DIR[kind]
    model = training(body.replace("{outside}", str(outside)).replace("{{", "{").replace("}}", "}"))
    outcome = await asyncio.wait_for(call(JobKind.TRAINING, model, CSV), 60)
    assert outcome.problem.startswith(said), outcome.problem
    assert outcome.outputs == []
    assert SECRET not in repr(outcome)
    json.dumps(outcome.messages).encode()
    assert all(line.isprintable() and len(line) < 2000 for line in outcome.messages), outcome.messages


async def test_links_in_output_dir_are_left_out_and_named(call: Run, outside: Path) -> None:
    body = f"""
open('outputDir/w', 'w').write('x')
os.symlink('w', 'outputDir/last')
os.symlink('{outside}', 'outputDir/d')
"""
    outcome = await call(JobKind.TRAINING, training(body), CSV)
    assert outcome.problem is None
    assert [a.filename for a in outcome.outputs] == ["w"]
    assert "Links in outputDir/ are neither followed nor kept (2): d, last." in outcome.messages


async def test_several_names_of_one_file_within_output_dir_are_each_kept(call: Run) -> None:
    body = "open('outputDir/a', 'w').write('x'); os.link('outputDir/a', 'outputDir/b')"
    outcome = await call(JobKind.TRAINING, training(body), CSV)
    assert {a.filename: a.content() for a in outcome.outputs} == {"a": b"x", "b": b"x"}


async def test_an_output_dir_that_the_model_made_anew_is_collected(call: Run) -> None:
    body = "shutil.rmtree('outputDir'); os.mkdir('outputDir'); open('outputDir/w', 'w').write('x')"
    outcome = await call(JobKind.TRAINING, training(body), CSV)
    assert [a.content() for a in outcome.outputs] == [b"x"]


async def test_a_thousand_artefacts_are_collected_at_once(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    took = []
    collect = JobExecution._collect

    async def timed(self: JobExecution, *given: Any) -> None:
        began = time.process_time()
        await collect(self, *given)
        took.append(time.process_time() - began)

    monkeypatch.setattr(InThisProcess, "_collect", timed)
    body = "[open(f'outputDir/{n}', 'w').write('x' * 100) for n in range(1_000)]"
    outcome = await call(JobKind.TRAINING, training(body), CSV)
    assert len(outcome.outputs) == 1_000
    assert len(outcome.runtime_info["sha256"]["trained"]) == 1_000
    assert took[0] < 10, took  # seconds of a processor; usually 0.3


async def test_what_takes_too_long_to_collect_is_the_models_failure(call: Run) -> None:
    body = "[open(f'outputDir/{n}', 'w').close() for n in range(900)]"
    outcome = await call(JobKind.TRAINING, training(body), CSV, collect=0.001)
    assert outcome.problem == (
        "Collecting what the model left took longer than 0.001 seconds: let it leave less, or raise "
        "MLC_RUNTIME_COLLECT_TIME_LIMIT."
    )


async def test_collecting_has_a_time_of_its_own(call: Run) -> None:
    outcome = await call(
        JobKind.SCORING, scoring("os.truncate(out, 200_000_000)"), CSV, output_limit=10**9, collect=0.02
    )
    assert "MLC_RUNTIME_COLLECT_TIME_LIMIT" in outcome.problem


async def test_a_job_of_more_outputs_than_allowed_is_not_begun(call: Run) -> None:
    inputs = [embedded(f"{n}.csv", "a\n1\n", file_format="CSV") for n in range(3)]
    outputs = [wire.Asset(name=f"{n}.jsonl", filename=f"{n}.jsonl", file_format="JSON") for n in range(3)]
    outcome = await call(JobKind.SCORING, scoring("print('begun')"), *inputs, outputs=outputs, output_files=2)
    assert outcome.problem == (
        "The job has 3 outputs, more than the 2 that the runtime allows: raise MLC_RUNTIME_OUTPUT_FILE_LIMIT."
    )
    assert "begun" not in outcome.told


async def test_a_job_that_is_cancelled_while_it_is_collected_ends_at_once(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlc.runtime import collection

    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    hashed = collection.Collection._hashed

    def telling(self: collection.Collection, *given: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        return hashed(self, *given)

    monkeypatch.setattr(collection.Collection, "_hashed", telling)
    model = training("open('outputDir/w', 'w').close(); os.truncate('outputDir/w', 30 * 2**30)")
    job = asyncio.create_task(call(JobKind.TRAINING, model, CSV, output_limit=2**50))
    await asyncio.wait_for(begun.wait(), 30)
    began = time.monotonic()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert time.monotonic() - began < 30
    assert not (tmp_path / "job.collected").exists()


async def test_a_model_in_a_process_of_its_own_can_put_nothing_in_place_of_its_output(run: Run) -> None:
    outcome = await asyncio.wait_for(run(JobKind.SCORING, scoring("os.remove(out); os.mkfifo(out)"), CSV, time=30), 60)
    assert outcome.problem == "The output output.json can't be read: it is a pipe and no regular file."
    assert outcome.result.value == "failure"
    good = await run(JobKind.SCORING, scoring("pass"), CSV)
    assert good.outputs[0].content() == b"1\n"
