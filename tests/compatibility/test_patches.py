"""Patches: what the check accepts, what it refuses, and that it looks for what Temporal really writes."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from mlc.worker import MlcPlugin
from tests.compatibility.histories import History, course, histories
from tests.compatibility.patches import Call, calls, calls_in, outgrown, problems
from tests.compatibility.releases import ROOT, Release, Version, releases
from tests.compatibility.replays import patches_asked
from tests.compatibility.small import After, Before, Deprecated

OLD, NEW, NEXT, LATER = (Version(0, minor, 0) for minor in (1, 2, 3, 4))


def patched(patch: str = "ask-twice", kind: str = "patched") -> Call:
    return Call(kind, patch, "workflows/some.py, line 7")


def released(*versions: Version) -> list[Release]:
    return [Release(version, "0" * 40) for version in versions]


async def ran(server: WorkflowEnvironment, small: type, file: Path, version: Version) -> History:
    queue = str(uuid4())
    async with Worker(server.client, task_queue=queue, workflows=[small]):
        handle = await server.client.start_workflow("Small", id=queue, task_queue=queue)
        await handle.result()
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps((await handle.fetch_history()).to_json_dict()))
    return History(file, version)


@pytest.fixture
async def small_runs(dev_server: WorkflowEnvironment, tmp_path: Path) -> tuple[History, History]:
    """A run from before a patch and one with it, of Temporal's own making."""
    before = await ran(dev_server, Before, tmp_path / "0.1.0" / "small-1.json", OLD)
    return before, await ran(dev_server, After, tmp_path / "0.2.0" / "small-1.json", NEW)


async def replayed(small: type, history: History) -> None:
    await Replayer(workflows=[small]).replay_workflow(WorkflowHistory.from_json(history.file.stem, history.document))


async def test_temporal_marks_a_patch_as_the_check_reads_it(small_runs: tuple[History, History]) -> None:
    before, after = small_runs
    assert (before.patches, after.patches) == (set(), {"ask-twice"})
    assert (before.workflow, after.workflow) == ("Small", "Small")
    assert "patch ask-twice" in course(after.document)


async def test_a_patch_with_a_history_of_either_kind_is_right(small_runs: tuple[History, History]) -> None:
    assert list(problems([patched()], small_runs, released(OLD))) == []
    for history in small_runs:
        await replayed(After, history)


async def test_a_deprecated_patch_leaves_a_marker_too_and_outgrows_what_is_from_before_it(
    dev_server: WorkflowEnvironment, small_runs: tuple[History, History], tmp_path: Path
) -> None:
    before, after = small_runs
    last = await ran(dev_server, Deprecated, tmp_path / "0.4.0" / "small-1.json", LATER)
    saved, deprecation = [before, after, last], [patched(kind="deprecate_patch")]
    assert last.patches == {"ask-twice"}
    assert [outgrown(history, deprecation, saved) for history in saved] == ["ask-twice", None, None]
    assert [outgrown(history, [patched()], saved) for history in saved] == [None, None, None]
    await replayed(Deprecated, after)
    with pytest.raises(workflow.NondeterminismError):
        await replayed(Deprecated, before)


async def test_a_patch_without_a_history_that_holds_its_marker_is_refused(small_runs: tuple[History, History]) -> None:
    (said,) = problems([patched("another")], small_runs, released(OLD))
    assert "no saved history holds the marker of the patch 'another'" in said


async def test_a_patch_without_a_history_from_before_it_is_refused(small_runs: tuple[History, History]) -> None:
    before, after = small_runs
    (said,) = problems([patched()], [after], released(OLD))
    assert "no saved history of Small is from before the patch 'ask-twice'" in said
    later = History(before.file, NEXT)
    assert list(problems([patched()], [later, after], released(OLD))) == [said]


async def test_a_history_of_another_workflow_from_before_the_patch_proves_nothing(
    small_runs: tuple[History, History],
) -> None:
    before, after = small_runs
    before.document["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"] = "Another"
    assert "is from before the patch" in next(problems([patched()], [before, after], released(OLD)))


@pytest.mark.parametrize(
    ("out", "early"), [([OLD], True), ([OLD, NEW], True), ([OLD, NEW, NEXT], False), ([OLD, NEW, NEXT, LATER], False)]
)
async def test_a_patch_is_deprecated_only_after_two_releases(
    small_runs: tuple[History, History], out: list[Version], early: bool
) -> None:
    said = list(problems([patched(kind="deprecate_patch")], small_runs, released(*out)))
    assert len(said) == early
    assert all("came with 0.2.0 and is deprecated after" in each for each in said)


def test_a_patch_that_is_in_use_and_deprecated_at_once_is_refused() -> None:
    (said,) = problems([patched(), patched(kind="deprecate_patch")], [], released(OLD))
    assert "both in use and deprecated" in said


@pytest.mark.parametrize(
    "source",
    [
        "if workflow.patched('a'): pass",
        "if wf.patched('a'): pass",
        "if patched('a'): pass",
        "if temporalio.workflow.patched(id='a'): pass",
        "if since('a'): pass",
    ],
)
def test_a_patch_is_found_however_it_is_called(source: str) -> None:
    assert list(calls_in(source, "some.py")) == [Call("patched", "a", "some.py, line 1")]


@pytest.mark.parametrize(
    "source",
    [
        "workflow.patched(NAME)",
        "workflow.patched(f'a-{version}')",
        "workflow.patched('a' + 'b')",
        "workflow.patched('')",
        "workflow.patched()",
        "workflow.patched(*names)",
        "workflow.deprecate_patch(7)",
        "is_new = workflow.patched",
        "once(workflow.patched, 'a')",
        "from temporalio.workflow import patched as is_new",
        "since(NAME)",
        "is_new = since",
        "from workflows.steps.patches import since as is_new",
        "def before(patch): return workflow.patched(patch)",
    ],
)
def test_a_patch_whose_id_is_not_written_out_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"some\.py, line 1: "):
        list(calls_in(source, "some.py"))


def test_the_way_of_asking_asks_by_the_ids_of_its_calls() -> None:
    source = "def since(patch): return workflow.patched(patch)\nif since('a'): pass"
    assert list(calls_in(source, "some.py")) == [Call("patched", "a", "some.py, line 2")]


def test_patches_are_looked_for_in_every_file_below_workflows(tmp_path: Path) -> None:
    (tmp_path / "workflows" / "steps").mkdir(parents=True)
    (tmp_path / "workflows" / "one.py").write_text("workflow.patched('a')")
    (tmp_path / "workflows" / "steps" / "two.py").write_text("\nworkflow.deprecate_patch('b')")
    assert calls(tmp_path) == [
        Call("patched", "a", "workflows/one.py, line 1"),
        Call("deprecate_patch", "b", "workflows/steps/two.py, line 2"),
    ]


def test_the_projects_own_patches_are_proven() -> None:
    assert list(problems(calls(ROOT), histories(), releases())) == []


async def test_a_replay_tells_on_which_side_of_a_patch_a_run_is(small_runs: tuple[History, History]) -> None:
    before, after = small_runs
    assert await patches_asked(before.document, Replayer(workflows=[After])) == {"ask-twice": False}
    assert await patches_asked(after.document, Replayer(workflows=[After])) == {"ask-twice": True}
    assert await patches_asked(before.document, Replayer(workflows=[Before])) == {}


async def test_a_saved_run_from_before_each_patch_comes_by_it() -> None:
    """One that ends before the place where the patch is asked for would prove nothing."""
    wanted = {call.patch for call in calls(ROOT) if call.kind == "patched"}
    for history in histories():
        if not wanted:
            break
        asked = await patches_asked(history.document, Replayer(workflows=[], plugins=[MlcPlugin()]))
        wanted -= {patch for patch, is_new in asked.items() if not is_new}
    assert wanted == set()


async def test_a_saved_run_of_each_process_can_be_asked_for_its_patches() -> None:
    """Also while there is no patch at all, so that the first one finds this working."""
    asked = set()
    for history in histories():
        started = history.document["events"][0]["workflowExecutionStartedEventAttributes"]
        if (process := started["workflowType"]["name"]) not in asked:
            await patches_asked(history.document, Replayer(workflows=[], plugins=[MlcPlugin()]))
            asked.add(process)
    assert asked >= {"DeployModel", "RunBackTest", "RunBatchModelJob"}
