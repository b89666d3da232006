"""What is noticed in a policy that can be read: each warning with what makes it, and none where nothing is wrong."""

import pytest
from policies import SMALL

from mlc.governance import read_policy
from mlc.governance.advice import Around, warnings

AROUND = Around(
    stages={"prod": "prod", "production": "prod", "dev": "dev"},
    systems=["jira", "servicenow"],
    ticketing="jira",
    control_tags=["train", "run_test", "jira"],
)
GOOD = SMALL.replace("{account: bob}", "{account: bob, email: b@x}").replace('"6282"', '"6282", jira: e')


def said(text: str, around: Around = AROUND) -> list[str]:
    return warnings(read_policy(text), around)


def test_of_a_policy_that_is_meant_as_it_is_nothing_is_said() -> None:
    assert said(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("  bob:", "  zoe: {email: z@x}\n  bob:", "'zoe' is in no group: this person approves nothing."),
        ("  heads:", "  idle: ada\n  heads:", "No rule names the group 'idle'."),
        ("{stage: production}", "{stage: produktion}", "The rule 'production' names the stage 'produktion', which"),
        ("{risk: low}", "{risk: low, stage: staging}", "values names the stage 'staging', which MLC_STAGE_ALIASES"),
        (
            "    holds:",
            "    ticketing: Jira\n    holds:",
            "names the ticket system 'Jira', and set up is jira, service",
        ),
        (", jira: e", "", "The rule 'high risk' wants 1 of the group 'heads', of whom 0 can be known in jira"),
        ("values:", "not_control: [train]\nvalues:", "not_control names 'train', which is a control tag"),
        ("require: test\n", "require: review\n", "The rule 'always' requires a review without approvals: whoever"),
        (
            "values:",
            "  - {name: dear, when: {stage: Production, risk: low}, require: test, due: 6 days}\nvalues:",
            "The rule 'dear' adds nothing: 'production' applies wherever it does, and asks for as much.",
        ),
        (
            "values:",
            "  - {name: a, ticketing: jira}\n  - {name: b, ticketing: servicenow}\nvalues:",
            "The rules 'a' and 'b' always apply together, and name two ticket systems: nobody can be asked then.",
        ),
        (
            "values:",
            "  - {name: a, ticketing: jira}\n  - {name: b, when: {risk: low}, ticketing: servicenow}\nvalues:",
            "The rules 'a' and 'b' can apply together, and name two ticket systems",
        ),
    ],
)
def test_what_was_most_likely_not_meant_is_said(old: str, new: str, warning: str) -> None:
    assert old in GOOD
    found = said(GOOD.replace(old, new, 1))
    assert [each for each in found if warning in each], found
    assert len(found) == 1, found


def test_of_two_rules_that_ask_for_the_same_one_is_superfluous() -> None:
    (one,) = said("{version: 1, rules: [{name: a, require: test}, {name: b, require: test}]}")
    assert one.startswith("The rule 'a' adds nothing: 'b'")


def test_two_systems_that_no_snapshot_asks_at_once_are_no_matter() -> None:
    text = """{version: 1, rules: [{name: a, when: {risk: low}, ticketing: jira},
              {name: b, when: {risk: high}, ticketing: servicenow}]}"""
    assert said(text) == []


def test_a_group_of_too_few_in_the_system_where_they_are_asked_is_noticed() -> None:
    (one,) = said(GOOD.replace(", email: b@x", ""))
    assert one == (
        "The rule 'production' wants 2 of the group 'risk', of whom 1 can be known in jira, by jira or email."
    )
