"""What the analysis finds in a snapshot's tables: an error is a no, the rest is told; each content is analysed once."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from backroom import TABLE, Backroom, asset
from test_verdicts import judged, result, table

import mlc.dmn.analysis
from activities import table_findings
from activities.table_findings import MOST, look_at, look_at_all
from activities.verdicts import JudgeRequest, Table, summary
from mlc.dmn.analysis import Aspect, Finding, Severity
from mlc.dmn.boxes import CompiledTable
from mlc.dmn.model import DecisionModel
from mlc.model.result import TestResult
from mlc.model.verdict import TableFindings, Verdict

FUNCTION_ONLY = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="T" namespace="urn:t">
  <businessKnowledgeModel id="f" name="f"><encapsulatedLogic><formalParameter name="n"/>
    <literalExpression><text>n</text></literalExpression></encapsulatedLogic></businessKnowledgeModel></definitions>"""

Has = Callable[..., list[int]]


@pytest.fixture
def has(monkeypatch: pytest.MonkeyPatch) -> Has:
    """Lets every table have findings, one in each rule from 1 on; the list grows with each analysis."""
    monkeypatch.setattr(table_findings, "_memory", table_findings._Memory(4))

    def every_table_has(*severities: Severity, seconds: float = 0, message: str = "it is odd") -> list[int]:
        times: list[int] = []

        def odd(table: CompiledTable, model: DecisionModel) -> Iterator[Finding]:
            times.append(threading.get_ident())
            time.sleep(seconds)
            for number, severity in enumerate(severities, 1):
                place = table.table.place.at(rule=number, line=10 + number)
                yield Finding(severity, Aspect.GAP, message, place, (), (("auc", "[0.7..0.9]"),), "add one")

        monkeypatch.setattr(mlc.dmn.analysis, "CHECKS", (odd,))
        return times

    return every_table_has


async def test_a_warning_turns_no_verdict_and_is_told_with_its_place_values_and_suggestion(
    room: Backroom, has: Has
) -> None:
    has(Severity.HINT, Severity.WARNING)
    verdict = await judged(room, table())
    assert (verdict.judged, verdict.passed, verdict.problems, verdict.warnings) == (True, True, [], [])
    id_ = await room.snapshot(assets=[table()])
    given = await result(room, id_)
    await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))
    kept = (await room.port.get_test_result(given.id)).verdict
    assert kept is not None
    assert kept.findings == TableFindings(
        warnings=1,
        hints=1,
        said=[
            'Warning: t.dmn, line 12, decision "Thresholds", rule 2: it is odd (auc: [0.7..0.9]). Suggestion: add one',
            'Hint: t.dmn, line 11, decision "Thresholds", rule 1: it is odd (auc: [0.7..0.9]). Suggestion: add one',
        ],
    )


@pytest.mark.parametrize("auc", [0.97, 0.5])
async def test_a_table_with_an_error_does_not_pass_though_the_engine_takes_it(
    room: Backroom, has: Has, auc: float
) -> None:
    has(Severity.WARNING, Severity.ERROR)
    verdict = await judged(room, table(), values={"auc": auc})
    assert (verdict.judged, verdict.passed) == (True, False)
    assert any("t.dmn can't be used. t.dmn, line 12, decision" in problem for problem in verdict.problems)
    assert verdict.findings is not None
    assert (verdict.findings.errors, verdict.findings.warnings) == (1, 1)


async def test_without_a_result_the_errors_are_said_as_well(room: Backroom, has: Has) -> None:
    has(Severity.ERROR)
    id_ = await room.snapshot(assets=[table(), table("no.dmn", "<html/>")])
    verdict = (await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_))).verdict
    assert verdict.failed
    assert [problem.split(".")[0] for problem in verdict.problems][:2] == ["There is no test result to judge", "t"]


async def test_an_error_of_loading_is_told_once(room: Backroom) -> None:
    verdict = await judged(room, table(), table("no.dmn", "<html/>"))
    assert (verdict.passed, len(verdict.problems)) == (False, 1)
    assert verdict.findings is not None
    assert (verdict.findings.errors, verdict.findings.said) == (1, [])


async def test_where_nothing_is_found_nothing_is_kept(room: Backroom) -> None:
    assert (await judged(room, table())).findings is None


async def test_a_file_in_which_nothing_can_be_asked_does_not_pass(room: Backroom) -> None:
    verdict = await judged(room, table(content=FUNCTION_ONLY))
    assert (verdict.judged, verdict.passed) == (True, False)
    assert len(verdict.problems) == 1
    assert "no decision" in verdict.problems[0]


async def test_a_decision_table_with_another_role_is_told(room: Backroom) -> None:
    for tables, is_judged in (([], False), ([table()], True)):
        verdict = await judged(room, *tables, asset("Rules.DMN", "UNKNOWN", TABLE))
        assert (verdict.judged, verdict.passed) == (is_judged, True)
        assert verdict.findings is not None
        assert verdict.findings.said == [
            "Warning: Rules.DMN was not judged: its role is UNKNOWN, and a decision table's is TEST_RESULT_COMPARATOR."
        ]


async def test_a_thousand_findings_are_counted_and_a_history_keeps_a_few_bytes_of_them(
    room: Backroom, has: Has
) -> None:
    has(*[Severity.ERROR] * 1_000, *[Severity.WARNING] * 1_000, message="x" * 5_000)
    id_ = await room.snapshot(assets=[table(f"{n}-{'x' * 100}.dmn") for n in range(10)])
    given = await result(room, id_, {"auc": 0.1})
    judgement = await room.run(room.verdicts.judge, JudgeRequest(snapshot_id=id_, test_result=given))
    assert len(judgement.model_dump_json()) < 2_048
    short = judgement.verdict.findings
    assert short is not None
    assert (short.errors, short.warnings) == (10_000, 10_000)
    whole = (await room.port.get_test_result(given.id)).verdict
    assert whole is not None
    assert whole.findings is not None
    assert len(whole.findings.said) == MOST
    assert len(whole.problems) == 10 * (MOST + 1)
    assert "980 more; `mlc dmn check" in whole.problems[MOST]


def test_warnings_come_before_findings_where_there_is_room_for_few() -> None:
    said = [f"Warning: {n} {'x' * 100}" for n in range(9)]
    for warnings in ([], ["w" * 60], ["w" * 200] * 9):
        short = summary(Verdict(judged=True, passed=True, warnings=warnings, findings=TableFindings(said=said)))
        assert short.findings is not None
        kept = [*short.warnings, *short.findings.said]
        assert sum(len(each) for each in kept) < 220
        assert len(short.warnings) == min(len(warnings), 2)


def test_the_same_content_is_analysed_once_whatever_it_is_called_and_whoever_asks_at_once(has: Has) -> None:
    times = has(Severity.WARNING, seconds=0.2)

    async def ask() -> list[Any]:
        content = TABLE.encode()
        return await asyncio.gather(*(asyncio.to_thread(look_at, content) for _ in range(8)))

    found = asyncio.run(ask())
    assert len(times) == 1
    assert len({id(each) for each in found}) == 1
    assert found[0].of("a.dmn", Severity.WARNING)[0].startswith("a.dmn, line 11")
    assert found[0].of("b.dmn", Severity.WARNING)[0].startswith("b.dmn, line 11")


def test_few_contents_are_remembered_the_last_ones(has: Has) -> None:
    times = has()
    contents = [TABLE.replace("0.9", f"0.{n}").encode() for n in range(1, 7)]
    for content in contents:
        look_at(content)
    assert len(times) == 6
    look_at(contents[-1])
    assert len(times) == 6
    look_at(contents[0])
    assert len(times) == 7
    assert len(table_findings._memory._known) == 4


def test_an_analysis_that_fails_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_findings, "_memory", table_findings._Memory(4))

    def fails(content: bytes) -> Any:
        raise MemoryError

    monkeypatch.setattr(table_findings, "analyse", fails)
    with pytest.raises(MemoryError):
        look_at(b"a")
    monkeypatch.undo()
    assert not look_at(b"a").loads


def test_when_the_time_is_up_further_tables_are_only_loaded_which_is_said(has: Has) -> None:
    times = has(Severity.WARNING)
    tables = [Table("a.dmn", TABLE.encode()), Table("b.dmn", b"<html/>"), Table("c.dmn", problem="It is gone.")]
    one, two, three = look_at_all(tables, longest=0)
    assert (times, one.whole, two.whole, three.whole) == ([], False, False, True)
    assert (one.loads, two.loads, three.loads) == (True, False, False)
    assert three.of("c.dmn", Severity.ERROR) == ["c.dmn: It is gone."]


async def test_the_worker_is_heard_of_while_a_table_is_analysed(room: Backroom, has: Has) -> None:
    has(Severity.WARNING, seconds=0.5)
    beats: list[float] = []

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.05)
            beats.append(time.monotonic())

    beating = asyncio.create_task(beat())
    id_ = await room.snapshot(assets=[table()])
    request = JudgeRequest(snapshot_id=id_, test_result=TestResult(id=(await result(room, id_)).id))
    beats.clear()
    await room.run(room.verdicts.judge, request)
    beating.cancel()
    assert len(beats) > 5
