"""Tags that look like a control tag: a step that somebody asked for and that nobody would do."""

import pytest

from mlc.governance import near_control_tags

CONTROL = ["train", "run_test", "jira", "servicenow"]


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("run-test", "run_test"),
        ("Run Test", "run_test"),
        ("runtest", "run_test"),
        ("RUN_TEST", "run_test"),
        ("run_tests", "run_test"),
        ("run_tset", "run_test"),
        ("rn_test", "run_test"),
        ("run_text", "run_test"),
        ("Jira", "jira"),
        ("ji-ra", "jira"),
        ("Train", "train"),
        ("trian", "train"),
        ("service-now", "servicenow"),
        ("servcenow", "servicenow"),
        ("run\u00a0test", "run_test"),
        ("ji\u200bra", "jira"),
        ("\uff4aira", "jira"),
    ],
)
def test_a_tag_that_was_meant_for_a_control_tag_is_found(tag: str, meant: str) -> None:
    assert near_control_tags([tag], CONTROL) == {tag: meant}


@pytest.mark.parametrize(
    "tag", ["jirra", "jir", "fraud", "emea", "", " ", "terrain", "training", "run", "test", "ttrain1"]
)
def test_any_other_tag_is_a_service_tag(tag: str) -> None:
    assert near_control_tags([tag], CONTROL) == {}


def test_a_control_tag_is_itself() -> None:
    assert near_control_tags(CONTROL, CONTROL) == {}


def test_a_control_tag_without_letters_is_like_nothing() -> None:
    assert near_control_tags(["", " ", "-"], ["_", *CONTROL]) == {}


def test_what_is_said_to_be_meant_as_it_is_is_left_alone() -> None:
    assert near_control_tags(["brain", "trains"], CONTROL, not_control=["brain"]) == {"trains": "train"}
