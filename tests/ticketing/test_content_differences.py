"""What differs between two versions of a model's files, and how an earlier verdict is told with it."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import EarlierVerdict
from mlc.standalone.desk.board.markup import to_html
from mlc.ticketing import TicketRequest, Wording
from mlc.ticketing.content import plain
from mlc.ticketing.content.differences import (
    MOST_COMPARED,
    NO_END,
    FileText,
    How,
    Since,
    difference,
    differences,
    lines_of,
    unified,
    visible,
)
from mlc.ticketing.content.evidence import Evidence
from mlc.ticketing.content.writer import ticket_request
from mlc.ticketing.jira import wiki

EARLIER = EarlierVerdict(
    times=2,
    at=datetime(2026, 11, 29, 9, 30, tzinfo=UTC),
    ticket="MLR-3",
    rules=["AUC under 0.9 (1.dmn, rule 1)"],
    job_id="job-7",
)


def file(name: str = "model.py", role: str = "MODEL_SOURCE", **more: Any) -> FileText:
    return FileText(name=name, role=role, **more)


def source(text: str, sha256: str) -> FileText:
    return file(sha256=sha256, lines=lines_of(text.encode()), size=len(text))


def ticket(since: Since | None, *, room: int = 30_000, earlier: EarlierVerdict = EARLIER) -> TicketRequest:
    wording = Wording(yes="Done", no="Rejected", how="Move it.", room=room)
    question = TicketQuestion(
        kind=TicketKind.REVIEW, step="review", snapshot_id="s2", workflow_id="w", run_id="r", earlier=earlier
    )
    return ticket_request(question, evidence=Evidence(since=since), wording=wording)


def test_changed_lines_of_a_source_are_shown_with_their_places_and_what_is_around() -> None:
    before = "".join(f"line {n}\n" for n in range(100))
    found = difference(source(before, "1"), source(before.replace("line 50\n", "line fifty\n"), "2"))
    assert found is not None
    assert found.lines == [
        "@@ -49,5 +49,5 @@",
        " line 48",
        " line 49",
        "-line 50",
        "+line fifty",
        " line 51",
        " line 52",
    ]


def test_files_come_and_go_and_those_that_decide_about_a_verdict_are_told_first() -> None:
    table = file("a.dmn", "TEST_RESULT_COMPARATOR", sha256="1", lines=['decision "T"'])
    data = file("a.csv", "TEST_DATA", sha256="1", size=3)
    new = [file("z.dmn", "TEST_RESULT_COMPARATOR", sha256="9", lines=["x"]), file("a.csv", "TEST_DATA", sha256="2")]
    found = differences([table, data], new)
    assert [(each.title, each.how) for each in found] == [
        ("a.dmn (decision table)", How.REMOVED),
        ("z.dmn (decision table)", How.ADDED),
        ("a.csv (TEST_DATA)", How.CHANGED),
    ]
    assert (found[0].lines, found[1].lines) == (['-decision "T"'], ["+x"])
    assert found[2].note == ("It can't be shown as text. Before: 3 bytes, SHA-256 1. Now: of unknown size, SHA-256 2.")


def test_the_same_hash_is_no_difference_and_no_hash_is_none_that_can_be_ruled_out() -> None:
    assert difference(file(sha256="1", lines=["a"]), file(sha256="1", lines=["b"])) is None
    assert difference(None, None) is None
    unknown = difference(file(), file(sha256="1"))
    assert unknown is not None
    assert unknown.how is How.UNKNOWN


def test_a_table_whose_rules_are_the_same_while_its_file_is_not_shows_the_file() -> None:
    before = file("a.dmn", sha256="1", lines=["rule"], text=["<bkm>0.9</bkm>"])
    found = difference(before, before.model_copy(update={"sha256": "2", "text": ["<bkm>0.1</bkm>"]}))
    assert found is not None
    assert found.note == "None of its columns, rules and fields changed, but the file did."
    assert found.lines == ["@@ -1 +1 @@", "-<bkm>0.9</bkm>", "+<bkm>0.1</bkm>"]


def test_another_hash_is_never_passed_over_although_all_lines_are_the_same() -> None:
    found = difference(file(sha256="1", lines=["a"]), file(sha256="2", lines=["a"]))
    assert found is not None
    assert found.note == "Its bytes changed, and nothing that can be read."


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a\n", ["a"]),
        (b"a\nb", ["a", "b", NO_END]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"a\r\n", ["a\r"]),
        (b"\n\n", ["", ""]),
        (b"\x80\x04\x95", None),
        (b"import os\0", None),
    ],
)
def test_a_text_has_lines_and_what_only_is_called_a_source_has_none(content: bytes, lines: list[str] | None) -> None:
    assert lines_of(content) == lines


def test_line_ends_and_what_turns_the_order_of_reading_are_seen() -> None:
    assert unified(["a"], ["a", NO_END])[0] == ["@@ -1 +1,2 @@", " a", f"+{NO_END}"]
    lines, _ = unified(["a\r", "access\u202e", "\tx"], ["a", "access", "    x"])
    assert lines[1:] == ["-a\\u000d", "-access\\u202e", "-⇥   x", "+a", "+access", "+    x"]
    assert visible("ü 漢 😀") == "ü 漢 😀"


def test_what_is_too_much_to_compare_is_said_and_takes_no_time() -> None:
    many = [str(n % 7) for n in range(200_000)]
    began = time.monotonic()
    lines, note = unified(many, many[::-1])
    assert (lines, note.startswith("Too many lines changed to be compared: ")) == ([], True)
    lines, note = unified(many, [*many[:100_000], "new", *many[100_000:]])
    assert (len(lines), note) == (6, "")
    unified([str(n % 3) for n in range(MOST_COMPARED)], [str(n % 5) for n in range(MOST_COMPARED)])
    assert time.monotonic() - began < 10


@given(st.lists(st.sampled_from("abc\t\r")), st.lists(st.sampled_from("abc\t\r")))
def test_any_two_texts_differ_by_lines_exactly_if_they_do(before: list[str], now: list[str]) -> None:
    lines, note = unified(before, now)
    assert note == ""
    assert bool(lines) == (before != now)


def test_an_earlier_verdict_is_told_with_its_rules_ticket_time_and_what_changed() -> None:
    changed = differences([source("a\n", "1")], [source("b\n", "2")])
    (section,) = [each for each in ticket(Since(files=changed)).body if each.heading == "Judged before"]
    assert section.paragraphs == [
        "This run's test results did not pass 2 times before. The last such verdict was given on 2026-11-29 at 09:30 "
        "UTC (ticket MLR-3): AUC under 0.9 (1.dmn, rule 1). It judged the result of the job job-7.",
        "Changed since then: model.py (source).",
    ]
    assert section.lines == ["--- model.py (source), before", "+++ model.py (source), now", "@@ -1 +1 @@", "-a", "+b"]


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (None, "What changed since could not be looked for."),
        (Since(), "Since then no file of the snapshot changed, nor a schema: neither a decision table nor the source."),
        (Since(unknown="it is gone"), "What changed since can't be shown: it is gone."),
    ],
)
def test_nothing_known_is_told_apart_from_nothing_changed(since: Since | None, said: str) -> None:
    text = plain.render(ticket(since).body)
    assert said in text
    assert ("no file of the snapshot changed" in text) == (since == Since())


def test_a_verdict_of_an_earlier_run_is_told_as_one() -> None:
    earlier = EarlierVerdict(in_this_run=False, rules=["AUC under 0.9"])
    assert (
        "Test results of this snapshot in earlier runs did not pass once before. This verdict was given: AUC under 0.9."
        in plain.render(ticket(Since(), earlier=earlier).body)
    )


def test_a_long_difference_is_shown_in_part_and_attached_whole() -> None:
    before = "".join(f"old {n}\n" for n in range(300))
    since = Since(files=differences([source(before, "1")], [source(before.replace("old", "new"), "2")]))
    for room, most in ((30_000, 40), (4_000, 12)):
        request = ticket(since, room=room)
        (section,) = [each for each in request.body if each.heading == "Judged before"]
        assert len(section.lines) == most
        (whole,) = [each for each in request.attachments if each.name.startswith("changed-")]
        assert (
            f"The first {most} of 603 lines are shown; all of them are attached as {whole.name}." in section.paragraphs
        )
        assert b"\n+new 299" in whole.content


def test_no_line_of_a_source_becomes_markup_in_any_system() -> None:
    evil = ["{noformat}h1. x{noformat}", "{NoFormat}", "[x|javascript:alert(1)]", "<script>alert(1)</script>", "a\\{b"]
    since = Since(files=differences([source("", "1")], [source("\n".join(evil) + "\n", "2")]))
    text = wiki.render(ticket(since).body)
    assert text.lower().count("{noformat}") == 2
    shown = to_html(text)
    assert "<script" not in shown
    assert "<h2>x" not in shown
    assert "+a\\{b" in shown  # a backslash of a source is one
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "| +<script>" in plain.render(ticket(since).body)  # a plain text is no markup


def test_a_description_that_is_cut_within_lines_closes_their_block() -> None:
    lines = [f"+{'x' * 150}{n}" for n in range(400)]
    body = ticket(Since()).body
    body[1] = body[1].model_copy(update={"lines": lines})
    text = wiki.render(body)
    assert len(text) <= wiki.LONGEST_DESCRIPTION
    assert text.count(wiki.FENCE) == 2
    assert "For the machines" in text.rpartition(wiki.FENCE)[2]
