"""What rules ask for, joined: facts add requirements, and none takes any away."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policies import SMALL

from mlc.governance import Facts, OnDue, Requirements, Step, read_policy, required
from mlc.governance.requirements import explained

POLICY = read_policy(SMALL).in_stages({"prod": "prod", "production": "prod", "dev": "dev"})


def asked(**facts: list[str | None]) -> Requirements:
    return required(POLICY, Facts(**facts))


def test_all_rules_that_fit_are_joined() -> None:
    found = asked(stage=["prod"], risk=["High"])
    assert found.rules == ["production", "high risk", "always"]
    assert found.steps == [Step.TEST, Step.TABLE, Step.REVIEW, Step.MONITORS]
    assert [(each.group, each.count, each.author) for each in found.approvals] == [
        ("risk", 2, False),
        ("heads", 1, False),
    ]
    assert (found.due, found.on_due, found.holds) == (timedelta(hours=12), OnDue.STOP, timedelta(weeks=52))
    assert (found.escalate_to, found.doubts) == (["heads"], [])


def test_a_rule_whose_facts_do_not_hold_asks_for_nothing() -> None:
    found = asked(stage=["dev"], risk=["low"])
    assert (found.rules, found.steps, found.approvals) == (["always"], [Step.TEST], [])
    assert (found.due, found.holds, found.on_due) == (None, None, OnDue.WAIT)


@pytest.mark.parametrize("risk", [[], [None], [""], ["  "], ["hihg"], ["low", None], ["low", "unheard of"]])
def test_a_missing_or_unknown_value_counts_as_the_strictest(risk: list[str | None]) -> None:
    found = asked(stage=["dev"], risk=risk)
    assert found.rules == ["high risk", "always"]
    assert found.doubts == ["risk"]


def test_the_strictest_of_several_stages_counts() -> None:
    assert asked(stage=["dev", "prod"], risk=["low"]).rules == ["production", "always"]


def test_a_lowered_risk_evades_nothing_where_the_one_before_is_a_fact_too() -> None:
    assert "high risk" in asked(stage=["dev"], risk=["low", "high"]).rules


def test_a_fact_that_no_rule_goes_by_is_no_doubt() -> None:
    assert asked(stage=["dev"], risk=["low"], methodology=["anything"], group=[None]).doubts == []
    one = read_policy("{version: 1, rules: [{name: all, require: test}], values: {group: a}}")
    assert required(one.in_stages({"prod": "prod"}), Facts()).doubts == []


def test_two_rules_can_ask_for_two_ticket_systems_and_both_are_named() -> None:
    text = SMALL.replace("    holds:", "    ticketing: jira\n    holds:").replace(
        "require: test", "ticketing: servicenow"
    )
    assert required(read_policy(text), Facts(stage=["production"], risk=["low"])).ticketing == ["jira", "servicenow"]


def test_it_is_explained_why_each_rule_applies_or_does_not() -> None:
    said = explained(POLICY, Facts(stage=["dev"], risk=[None]))
    assert said == {
        "production": "does not apply: stage is dev, not prod",
        "high risk": "applies: risk is missing: what is missing or unknown counts as each",
        "always": "applies: always",
    }


def _at_least(one: Requirements, other: Requirements) -> bool:
    """Whether ``one`` asks for everything that ``other`` asks for."""
    counts = {each.group: each for each in one.approvals}
    return (
        set(other.steps) <= set(one.steps)
        and all(
            each.group in counts
            and counts[each.group].count >= each.count
            and (each.author or not counts[each.group].author)
            for each in other.approvals
        )
        and (other.due is None or (one.due is not None and one.due <= other.due))
        and (other.holds is None or (one.holds is not None and one.holds <= other.holds))
        and (other.on_due is OnDue.WAIT or one.on_due is OnDue.STOP)
    )


VALUES = st.lists(st.sampled_from(["prod", "dev", "high", "low", "Very High", "", "x", None]), max_size=3)


@settings(deadline=None)
@given(stage=VALUES, risk=VALUES, more=VALUES)
def test_more_facts_never_ask_for_less(stage: list[str | None], risk: list[str | None], more: list[str | None]) -> None:
    if not stage or not risk:
        return  # nothing at all is missing, which is the strictest: the next test
    before = asked(stage=stage, risk=risk)
    assert _at_least(asked(stage=[*stage, *more], risk=risk), before)
    assert _at_least(asked(stage=stage, risk=[*risk, *more]), before)


def test_what_is_missing_asks_for_everything_that_any_value_asks_for() -> None:
    nothing = asked()
    for stage, risk in product(["prod", "dev"], ["high", "very high", "low"]):
        assert _at_least(nothing, asked(stage=[stage], risk=[risk]))
