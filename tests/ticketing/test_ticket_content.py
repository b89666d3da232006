"""What tickets say, and that no text of a model's can say anything in their markup."""

import html
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.model.monitor_plan import MonitorPlan, OnMissingMonitor
from mlc.model.result import TestResult
from mlc.model.ticket import TicketKind, TicketQuestion
from mlc.model.verdict import RuleOutcome, TableOutcome, Verdict
from mlc.standalone.desk.board.markup import to_html
from mlc.ticketing import Section, Table, TicketRequest, Wording
from mlc.ticketing.content.evidence import AssetFact, Evidence, ModelCard, ResultFact
from mlc.ticketing.content.writer import ticket_request as written
from mlc.ticketing.jira import wiki
from mlc.ticketing.text import one_line

LABEL = "gov-0123456789abcdef01234567"


WORDING = Wording(
    yes="Done",
    no="Rejected",
    how="Move this ticket to Done to approve it, to Rejected to reject it.",
    expiration_field="Expiration Date",
)


def ticket_request(question: TicketQuestion, *, wording: Wording = WORDING, **evidence: Any) -> TicketRequest:
    return written(question, wording=wording, evidence=Evidence(**evidence))


def asked(kind: TicketKind = TicketKind.REVIEW, **values: Any) -> TicketQuestion:
    fields = {"label": LABEL, "step": "review", "attempt": 1, "snapshot_id": "s2", "model_name": "fraud-xgb"}
    return TicketQuestion(kind=kind, workflow_id="deploy-s2", run_id="r", **(fields | values))


def card(**values: Any) -> ModelCard:
    fields = {
        "snapshot_id": "s2",
        "snapshot_name": "v12",
        "model_name": "fraud-xgb",
        "owner": "ada",
        "stage": "PROD",
        "methodology": "Binary classification",
        "risk": "high",
        "git_commit": "b" * 40,
        "assets": [AssetFact(name="model.py", role="MODEL_SOURCE", sha256="3" * 64)],
        "metadata": {"Organization": "Payments"},
    }
    return ModelCard(**(fields | values))


def section(request: TicketRequest, heading: str) -> Section:
    return next(part for part in request.body if part.heading == heading)


def said(request: TicketRequest) -> str:
    return wiki.render(request.body).replace("\\", "")


def test_an_approval_says_what_is_asked_which_status_means_what_and_until_when() -> None:
    request = ticket_request(asked(), snapshot=card(), wording=WORDING)
    assert request.summary == "[Model approval] fraud-xgb snapshot v12 → PROD (risk: high)"
    text = " ".join(section(request, "What is asked").paragraphs)
    for part in ("Done to approve", "to Rejected to reject", "Expiration Date may be set", "one year"):
        assert part in text
    facts = dict(section(request, "Model").facts)
    assert facts["Owner"] == "ada"
    assert facts["Organization"] == "Payments"
    assert request.labels == ["model-fraud-xgb"]
    assert LABEL in said(request)


def test_the_expiration_date_is_not_mentioned_where_there_is_no_such_field() -> None:
    request = ticket_request(asked(), snapshot=card(), wording=WORDING.model_copy(update={"expiration_field": None}))
    assert "Expiration" not in said(request)


def test_a_first_deployment_and_an_unknown_one_are_told_apart() -> None:
    heading = "Changes since the last deployed snapshot"
    first = ticket_request(asked(), snapshot=card())
    unknown = ticket_request(asked(), snapshot=card(), previous_known=False)
    assert "no deployed snapshot of this model to compare with" in section(first, heading).paragraphs[0]
    assert "could not be read" in section(unknown, heading).paragraphs[0]


def test_changes_name_added_removed_and_changed_assets_metadata_and_the_commit() -> None:
    before = card(
        snapshot_id="s1",
        snapshot_name="v11",
        git_commit="a" * 40,
        risk="low",
        metadata={"Organization": "Cards", "Ticket": "T-1"},
        assets=[
            AssetFact(name="model.py", role="MODEL_SOURCE", sha256="1" * 64),
            AssetFact(name="old.csv", role="TRAINING_DATA", sha256="2" * 64),
            AssetFact(name="same.csv", role="TEST_DATA", sha256="5" * 64),
            AssetFact(name="unhashed.bin", role="UNKNOWN"),
        ],
    )
    now = card(
        assets=[
            AssetFact(name="model.py", role="MODEL_SOURCE", sha256="3" * 64),
            AssetFact(name="new.csv", role="TRAINING_DATA", sha256="4" * 64),
            AssetFact(name="same.csv", role="TEST_DATA", sha256="5" * 64),
            AssetFact(name="unhashed.bin", role="UNKNOWN"),
        ]
    )
    request = ticket_request(asked(), snapshot=now, previous=before)
    table = section(request, "Changes since the last deployed snapshot").table
    assert table is not None
    rows = {row[0]: (row[1], row[2]) for row in table.rows}
    assert rows == {
        "Git commit": ("a" * 40, "b" * 40),
        "Risk": ("low", "high"),
        "Organization": ("Cards", "Payments"),
        "Ticket": ("T-1", "-"),
        "Asset model.py (MODEL_SOURCE)": ("SHA-256 " + "1" * 12 + "…", "SHA-256 " + "3" * 12 + "…"),
        "Asset new.csv (TRAINING_DATA)": ("-", "SHA-256 " + "4" * 12 + "…"),
        "Asset old.csv (TRAINING_DATA)": ("SHA-256 " + "2" * 12 + "…", "-"),
        "Asset unhashed.bin (UNKNOWN)": ("no hash known", "no hash known"),
    }


def test_the_same_snapshot_again_has_no_changes() -> None:
    request = ticket_request(asked(), snapshot=card(), previous=card(snapshot_id="s1"))
    assert "no asset, no metadata" in section(request, "Changes since the last deployed snapshot").paragraphs[0]


def test_results_are_a_table_of_at_most_thirty_values_and_a_whole_attachment() -> None:
    result = {f"m{n}": n / 3 for n in range(40)} | {"matrix": [[1, 2], [3, 4]]}
    question = asked(test_result=TestResult(id="tr-7", metrics={"m0": 0.0}))
    request = ticket_request(question, snapshot=card(), result=ResultFact(id="tr-7", values=result))
    shown = section(request, "Test results")
    assert shown.table is not None
    assert len(shown.table.rows) == 30
    assert shown.table.rows[:2] == [["m0", "0"], ["m1", "0.333333"]]
    assert shown.paragraphs[0].startswith("Now: test result tr-7, attached whole as")
    whole, metrics = request.attachments
    assert whole.name in shown.paragraphs[0]
    assert b'"m39": 13.0' in whole.content
    assert f"30 of 41 metrics are shown; all of them are attached as {metrics.name}." in shown.paragraphs
    assert {"Metric": "matrix", "Value": "2 values"} in json.loads(metrics.content)


def test_without_the_whole_result_the_questions_own_metrics_are_shown() -> None:
    question = asked(test_result=TestResult(id="tr-7", metrics={"auc": 0.912345678}))
    table = section(ticket_request(question, snapshot=None), "Test results").table
    assert table is not None
    assert table.rows == [["auc", "0.912346"]]


def test_the_verdict_is_told_rule_by_rule_and_an_override_needs_a_comment() -> None:
    rules = [RuleOutcome(table="thresholds.dmn", rule=3, passes=False, reason="AUC below 0.9")]
    verdict = Verdict(judged=True, passed=False, rules=rules, problems=["The result lacks f2."])
    request = ticket_request(asked(verdict=verdict), snapshot=card())
    shown = section(request, "Verdict")
    assert shown.paragraphs == ["Not passed.", "Problem: The result lacks f2."]
    assert shown.table is not None
    assert shown.table.rows == [["thresholds.dmn", "3", "no", "AUC below 0.9", ""]]
    assert "only with a comment" in said(request)
    unjudged = ticket_request(asked(verdict=Verdict(judged=False, passed=True)), snapshot=card())
    assert "no decision table" in section(unjudged, "Verdict").paragraphs[0]


@pytest.mark.parametrize(
    ("kind", "summary", "parts"),
    [
        (TicketKind.REJECTION, "[Did not succeed: testing] fraud-xgb", ["tried again", "Rejected: the process stops."]),
        (
            TicketKind.ERROR,
            "[Error: testing] fraud-xgb",
            ["tried again", "everything that this run deployed is undone"],
        ),
        (TicketKind.RECORD, "[For the record: testing] fraud-xgb", ["Nobody waits"]),
    ],
)
def test_failure_tickets_say_what_went_wrong_and_what_each_answer_does(
    kind: TicketKind, summary: str, parts: list[str]
) -> None:
    request = ticket_request(asked(kind, step="testing", message="There is no TEST_DATA asset."), snapshot=card())
    assert request.summary.startswith(summary)
    heading = "What was decided" if kind is TicketKind.RECORD else "What went wrong"
    assert section(request, heading).paragraphs == ["There is no TEST_DATA asset."]
    for part in parts:
        assert part in said(request)


def test_a_traceback_is_cut_on_the_ticket_and_attached_whole() -> None:
    message = "Traceback (most recent call last):\n" + "  File x\n" * 2000 + "ValueError: the end"
    request = ticket_request(asked(TicketKind.ERROR, message=message), snapshot=card())
    (attachment,) = request.attachments
    assert attachment.content.decode() == message
    assert len(section(request, "What went wrong").paragraphs[0]) < 4200


def test_without_the_centre_the_ticket_is_made_from_the_question_alone() -> None:
    request = ticket_request(asked(), snapshot=None)
    assert request.summary == "[Model approval] fraud-xgb snapshot s2"
    assert "could not be read" in said(request)
    assert LABEL in said(request)


def test_the_same_question_is_written_the_same_way_twice() -> None:
    question, result = asked(test_result=TestResult(id="t")), ResultFact(id="t", values={"auc": 0.9})
    assert ticket_request(question, snapshot=card(), result=result) == ticket_request(
        question, snapshot=card(), result=result
    )


HOSTILE = [
    "*bold* _em_ -strike- +under+ ^sup^ ~sub~ ??cite??",
    "[click|http://evil.example] [~admin] !http://evil.example/x.png! [^file]",
    "{code}x{code} {html}<b>{html} {color:red}x{color} {quote}",
    "|a|b| ||head||",
    "h1. Title\nbq. quote\n* item\n# item\n- item\n----",
    "<script>alert(1)</script> &lt;b&gt; &#91;x&#93;",
    "\\*not bold\\* \\\\ C:\\temp\\[x]",
    "(/) (x) (!) :) :P :D ;)",
    "\u202eevil\u202c \u200f",
    "{noformat}",
    "\x00\x07\x1b[31m",
    "javascript:alert(1) [x|javascript:alert(1)]",
    "{{mono}} http://a.example/x_y|z]",
]
"""Texts that would be markup, and one of everything that an escape could get wrong."""


def visible(text: str) -> str:
    """What a browser shows of some HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", text))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    body = [Section(heading=text, paragraphs=[text], facts=[(text, text)], table=Table(header=[text], rows=[[text]]))]
    shown = str(to_html(wiki.render(body)))
    tags = set(re.findall(r"<(\w+)", shown))
    assert tags <= {"h3", "p", "br", "table", "tr", "th", "td", "a"}
    assert shown.count("<tr>") == 3
    assert set(re.findall(r'href="([^"]*)"', shown)) <= set(re.findall(r"https?://[^\s]*", html.escape(text)))
    printable = "".join(c for c in " ".join(text.split()) if c.isprintable())
    assert visible(shown.split("</h3>", maxsplit=1)[0]).strip() == printable.strip()


@given(st.text(max_size=300))
def test_any_text_survives_markup_and_back(text: str) -> None:
    line = one_line(text, 500)
    shown = str(to_html(wiki.escape(line)))
    assert not set(re.findall(r"<(\w+)", shown)) - {"p", "a"}
    # Private-use characters are the converter's own, and are replaced.
    assert visible(shown) == re.sub("[\ue000-\ue0ff]", "\ufffd", line)


def test_links_lead_to_the_web_only() -> None:
    assert wiki.link("run", "javascript:alert(1)") == "run: javascript:alert\\(1\\)"
    assert wiki.link("a|b]", "http://h/x y|z]") == "[a\\|b\\]|http://h/x%20y%7Cz%5D]"
    assert wiki.link("bad", "http://[::1") == "bad: http://\\[::1"


def test_a_summary_is_one_line_of_at_most_255_characters() -> None:
    request = ticket_request(asked(), snapshot=card(model_name="x\ny\t" * 200))
    line = one_line(request.summary)
    assert len(line) == 255
    assert "\n" not in line


@pytest.mark.parametrize(
    "unit", ["[", "{", "*", "_a ", "||", "\n|", "[a|", "http://", "{{", "{code}\n", "&#", "\\", "*a b"]
)
def test_the_board_renders_whatever_fits_on_a_ticket_in_under_two_seconds(unit: str) -> None:
    began = time.process_time()
    to_html(unit * (32_767 // len(unit)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("room", [30_000, 4_000])
def test_ids_that_people_copy_are_never_cut(room: int) -> None:
    long_id, commit = "s" * 200, "c" * 64
    snapshot = card(snapshot_id=long_id, snapshot_name="n" * 300, git_commit=commit)
    before = card(snapshot_id="s1", git_commit="d" * 64)
    wording = WORDING.model_copy(update={"room": room})
    request = ticket_request(asked(snapshot_id=long_id), snapshot=snapshot, previous=before, wording=wording)
    facts = dict(section(request, "Model").facts)
    assert (facts["Snapshot id"], facts["Git commit"]) == (long_id, commit)
    assert facts["Snapshot"].endswith("…")
    assert dict(section(request, "For the machines").facts)["Key"] == LABEL


def test_a_hash_that_is_shown_in_part_says_so_and_is_attached_whole() -> None:
    before = card(assets=[AssetFact(name="model.py", role="MODEL_SOURCE", sha256="1" * 64)])
    request = ticket_request(asked(), snapshot=card(), previous=before)
    table = section(request, "Changes since the last deployed snapshot").table
    assert table is not None
    assert table.rows == [["Asset model.py (MODEL_SOURCE)", f"SHA-256 {'1' * 12}…", f"SHA-256 {'3' * 12}…"]]
    (whole,) = [each for each in request.attachments if each.name.startswith("changes-")]
    assert b"1" * 64 in whole.content


def test_a_passed_verdict_names_its_tables_their_rules_and_the_values() -> None:
    rule = RuleOutcome(
        table="a.dmn", rule=2, passes=True, reason="high", conditions=["auc >= 0.8 (it is 0.93)", "f1 > 0 (it is 1)"]
    )
    tables = [
        TableOutcome(table="a.dmn", decision="A", matched=1, rules=3),
        TableOutcome(
            table="b.dmn", decision="B", rules=9, conditions=[f"psi > {n}" for n in range(9)], values={"psi": "0"}
        ),
        TableOutcome(table="c.dmn"),
    ]
    request = ticket_request(
        asked(verdict=Verdict(judged=True, passed=True, rules=[rule], tables=tables)), snapshot=card()
    )
    told = section(request, "Verdict")
    assert told.paragraphs[:4] == [
        "Passed.",
        "a.dmn, A: 1 of 3 rules matched.",
        "b.dmn, B: none of 9 rules matched. They ask for psi > 0; psi > 1; psi > 2; psi > 3; psi > 4; psi > 5; and "
        "3 more. The values were psi 0.",
        "c.dmn: none of its rules matched.",
    ]
    assert told.table is not None
    assert told.table.header[2] == "Condition"
    assert told.table.rows == [["a.dmn", "2", "auc >= 0.8 (it is 0.93) and f1 > 0 (it is 1)", "yes", "high", ""]]
    assert [each.name for each in request.attachments if each.name.startswith("verdict-")]


def test_what_will_become_of_the_monitors_is_unknown_where_the_centre_cant_be_asked() -> None:
    said_ = " ".join(section(ticket_request(asked(), snapshot=card()), "Monitors").paragraphs)
    assert said_ == "The model centre could not be asked which monitors will be added, and which can't be."
    told = ticket_request(asked(without_monitors=["Drift"]), snapshot=card())
    assert "An approval also says that the model is deployed without Drift." in " ".join(
        section(told, "Monitors").paragraphs
    )


@pytest.mark.parametrize(
    ("rule", "meaning"),
    [
        ("warn", "An approval deploys the model without those that can't be added"),
        ("ask", "Once this is approved, a ticket will ask whether to go on without"),
        ("fail", "As long as one can't be added, the process does not go on after an approval"),
        ("something new", "As long as one can't be added, the process does not go on after an approval"),
    ],
)
def test_what_an_approval_means_for_monitors_that_cant_be_added(rule: str, meaning: str) -> None:
    plan = MonitorPlan(add=["Performance"], there=["Drift"], lacking={"Stability": "it lacks x"}, warnings=["Look."])
    told = section(
        ticket_request(asked(on_missing_monitor=OnMissingMonitor(rule)), snapshot=card(), monitors=plan), "Monitors"
    )
    assert told.facts == [
        ("Performance", "Will be added."),
        ("Drift", "Is there already."),
        ("Stability", "Can't be added: it lacks x."),
    ]
    assert told.paragraphs[0] == "Look."
    assert meaning in told.paragraphs[1]
