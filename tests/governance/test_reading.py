"""A policy as it is written: what is refused, where, and what is said of it."""

from datetime import timedelta
from pathlib import Path

import pytest
from policies import SMALL

from mlc.governance import PolicyError, Step, read_policy
from mlc.governance.notation import LARGEST, MOST_NODES


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read_policy(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_policy_says_what_is_written() -> None:
    policy = read_policy(SMALL.encode())
    production, high, always = policy.rules
    assert production.when.stage == ["production"]
    assert production.require == [Step.TEST, Step.TABLE, Step.REVIEW]
    assert (production.due, production.holds) == (timedelta(days=5), timedelta(weeks=52))
    assert (high.due, high.on_due, high.escalate_to) == (timedelta(hours=12), "stop", "heads")
    assert always.require == [Step.TEST]
    assert policy.people["ada"].jira == "5b10a"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("due: 5 days", "duee: 5 days", "line 15: rules[0].duee is not known here: was 'due' meant?"),
        ("bob: {account", "bob: {acount", "line 4: people.bob.acount is not known here: was 'account' meant?"),
        ("{group: heads}", "{grup: heads}", "line 22: rules[1].approvals[1] has no group"),
        ("name: production", "name: no", 'line 10: no is a boolean to some and a word to others: write "no" in quotes'),
        ("author: true", "author: On", "line 21: On is a boolean to some"),
        ("rules:", "rules: []\nrules:", "line 10: the key 'rules' is there twice, first in line 9"),
        ("due: 5 days", "due: 5", "line 15: rules[0].due: "),
        ("due: 5 days", "due: 5 dayss", "line 15: rules[0].due: it is no time such as"),
        ("due: 5 days", "due: -5 days", "line 15: rules[0].due: it is no time such as"),
        ("due: 5 days", "due: 0 days", "line 15: rules[0].due: it is no time such as"),
        ("due: 5 days", "due:", "line 15: a value is missing"),
        ("count: 2", "count: 3", "the rule 'production' wants 3 approvals of the group 'risk', which has 2 people"),
        ("count: 2", "count: 0", "line 14: rules[0].approvals[0].count: "),
        ("count: 2", 'count: "2"', "line 14: rules[0].approvals[0].count: "),
        ("count: 2", "count: true", "line 14: rules[0].approvals[0].count: "),
        ("[ada, bob]", "[ada, bobb]", "the group 'risk' names 'bobb', who is not among the people"),
        ("[ada, bob]", "[ada, ada]", "the group 'risk' names 'ada' twice"),
        (
            "group: risk, count",
            "group: rsik, count",
            "the rule 'production' names the group 'rsik', which is not among",
        ),
        ("escalate_to: heads", "escalate_to: nobody", "the rule 'high risk' names the group 'nobody'"),
        ("name: always", "name: production", "two rules have the name 'production'"),
        ("require: test\n", "{}\n", "this is no YAML"),
        ("require: test\n", "require: []\n", "rules[2].require: "),
        ("require: test\n", "require: tset\n", "rules[2].require: it is none of test, table, review, monitors"),
        ("[test, table, review]", "[test, table]", "it has approvals but does not require a review"),
        ("due: 12 hours\n", "\n", "it says what happens when a review is due, but not when"),
        ("account: bob", "email: ADA@example.com", "two people have the email 'ada@example.com'"),
        ("{account: bob}", "{name: Bob}", "it has none of email, account, jira, servicenow"),
        ('"6282"', "6282", "line 5: people.eve.servicenow: this is no text: a number, a date or a boolean"),
        ("version: 1", "version: 2", "line 1: version: this software reads version 1"),
        ("version: 1", "version: true", "line 1: version: this software reads version 1"),
        ("version: 1\n", "", "the policy has no version"),
        ("{stage: production}", "{stage: []}", "rules[0].when.stage: "),
        ("{stage: production}", "{stage: }", "a value is missing"),
        ("{stage: production}", "{stages: production}", "rules[0].when.stages is not known here: was 'stage' meant?"),
        ("stage: production", "stage: 7", "rules[0].when.stage: "),
        ("when: {stage: production}", "when: &a {stage: production}\n    holds: *a", "an alias (*) is not allowed"),
        ("when: {stage: production}", "when: {<<: {stage: production}}", "a merge key (<<) is not allowed"),
        ("when: {stage: production}", "? [a]\n    : b", "a key is a list or a mapping"),
        ("holds: 52 weeks", "holds: 2026-02-30", "line 16: this is a fraction, a date or a time"),
        ("holds: 52 weeks", "holds: !!python/object/apply:os.system [id]", "line 16: a tag (!) is not allowed"),
        ("count: 2", 'count: !!int "2"', "line 14: a tag (!) is not allowed"),
        ("count: 2", "count: 02", "line 14: this is a number that is read in different ways"),
        ("count: 2", "count: 1_0", "line 14: this is a number that is read in different ways"),
        ("count: 2", "count: 1:30", "line 14: this is a number that is read in different ways"),
        ("count: 2", f"count: {'1' * 5_000}", "line 14: this is a number that is read in different ways"),
        ("version: 1", "version: 1.0", "line 1: this is a fraction, a date or a time"),
        ("  bob:", '  "ada ": {account: ad}\n  bob:', "the key 'ada ' is too like 'ada' in line 3"),
        ("  bob:", "  Ada: {account: ad}\n  bob:", "line 4: the key 'Ada' is too like 'ada' in line 3"),
        ("name: always", "name: PRODUCTION", "two rules have the name 'production'"),
        ("name: always", 'name: "always\\nfalse"', "rules[2].name: it has characters that can't be seen"),
        ("name: always", 'name: "al\\u200bways"', "rules[2].name: it has characters that can't be seen"),
        ("due: 5 days", "due: 5\u0663 days", "line 15: rules[0].due: it is no time such as"),
        ("[eve]", "[]", "line 8: groups.heads: "),
        ("require: test", "changed_after_rejection: false", "it asks for nothing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, said: str) -> None:
    assert old in SMALL
    found = problems(SMALL.replace(old, new, 1))
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the policy is empty"),
        ("# nothing", "the policy is empty"),
        ("null", "a value is missing"),
        ("- 1", "no mapping"),
        ("7", "no mapping"),
        ("a: [", "this is no YAML"),
        ("version: 1\n---\nversion: 1", "this is no YAML"),
        (b"\xff\xfe\x00", "the policy is not UTF-8"),
        ("#" * LARGEST + "#", "of which at most"),
        ("[" * 5_000, "nested too deeply"),
        ("- " * 5_000, "nested too deeply"),
        ("a: &a [x]\nb: [*a, *a]", "an alias (*) is not allowed"),
        ("{a: 1, a: 2, a: 3}", "the key 'a' is there twice"),
        ("x: [" + "a," * MOST_NODES + "]", "more than 30,000 keys and values"),
        ("#" + "é" * (LARGEST // 2), "of which at most"),
        ("a: \ud800", "this is no YAML"),
        ("a: \0", "this is no YAML"),
    ],
)
def test_what_is_no_policy_at_all_is_said(text: str | bytes, said: str) -> None:
    assert any(said in problem for problem in problems(text)), problems(text)


def test_a_thousand_problems_are_few_lines() -> None:
    text = SMALL + "\n".join(f"wrong{number}: 1" for number in range(1_000))
    with pytest.raises(PolicyError) as caught:
        read_policy(text)
    assert len(caught.value.problems) == 1_000
    assert len(str(caught.value).splitlines()) == 21


def test_what_is_said_of_a_hostile_policy_neither_steers_a_terminal_nor_fills_it() -> None:
    said = problems(f'{SMALL}? "\\e[31m{"k" * 50_000}"\n: 1\n')
    assert said
    assert all(problem.isprintable() and len(problem) < 600 for problem in said)


def test_a_mark_of_the_byte_order_is_no_part_of_a_policy() -> None:
    assert read_policy(f"\ufeff{SMALL}".encode()) == read_policy(SMALL)


def test_a_value_that_might_be_a_secret_is_not_repeated() -> None:
    assert "hunter2" not in "".join(problems(SMALL.replace("count: 2", "count: hunter2")))


@pytest.mark.parametrize("name", ["policy.example.yaml"])
def test_the_example_is_a_policy(name: str) -> None:
    policy = read_policy((Path(__file__).parents[2] / "examples" / name).read_bytes())
    assert [rule.name for rule in policy.rules]
