"""The entries of MlcTickets: written, read back and looked for in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.model.open_tickets import LONGEST, decode, encode, is_key, is_label, mint, waiting_for, waiting_for_labels
from mlc.model.ticket import TicketRef

LABEL, OTHER = "gov-0123456789abcdef01234567", "gov-89abcdef0123456789abcdef"
labels = st.text("0123456789abcdef", min_size=24, max_size=24).map("gov-{}".format)
keys = st.from_regex(r"[A-Z]{1,10}-[0-9]{1,6}", fullmatch=True)
versions = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=60)


def ref(key: str, label: str, provider: str = "jira") -> TicketRef:
    return TicketRef(provider=provider, id="1", key=key, url="", label=label)


def read(entries: list[str]) -> list[tuple[str, str, str | None]]:
    return [(t.key, t.label, t.seen) for t in decode(entries, workflow_id="w", run_id="r")]


@given(st.lists(st.tuples(keys, labels, st.none() | versions), unique_by=lambda each: each[1], max_size=6))
def test_what_is_written_is_read_back(tickets: list[tuple[str, str, str | None]]) -> None:
    seen = {label: version for _, label, version in tickets if version}
    assert read(encode([ref(key, label) for key, label, _ in tickets], seen)) == tickets


def test_the_entries_are_those_that_earlier_releases_read() -> None:
    entries = encode([ref("MLR-7", LABEL), ref("CHG1", OTHER, "servicenow")], {LABEL: "2026-01-01@3"})
    assert entries == ["jira:MLR-7", LABEL, f"seen:{LABEL}@2026-01-01@3", "servicenow:CHG1", OTHER]
    assert read(entries) == [("MLR-7", LABEL, "2026-01-01@3"), ("CHG1", OTHER, None)]


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([], []),
        (["jira:MLR-1"], []),
        ([LABEL], []),
        (["jira:MLR-1", "jira:MLR-2", OTHER], [("MLR-2", OTHER, None)]),
        ([LABEL, "jira:MLR-2", OTHER], [("MLR-2", OTHER, None)]),
        (["jira:MLR-1", LABEL, f"seen:{LABEL}"], [("MLR-1", LABEL, None)]),
        (["jira:", LABEL, "nonsense", "jira:MLR-2", OTHER], [("MLR-2", OTHER, None)]),
        (["jira:MLR-1", LABEL, f"seen:{OTHER}@5"], [("MLR-1", LABEL, None)]),
    ],
)
def test_a_lost_half_moves_no_other_ticket(entries: list[str], left: list[tuple[str, str, str | None]]) -> None:
    assert read(entries) == left


def test_an_entry_is_never_so_long_that_the_server_ends_the_run() -> None:
    assert max(map(len, encode([ref("MLR-7", LABEL)], {LABEL: "v" * 5_000}))) == LONGEST


def test_a_key_is_the_same_for_the_same_question_alone() -> None:
    first = mint("gov", "deploy-1", "run", "review|review", 1)
    assert is_label(first)
    assert first == mint("gov", "deploy-1", "run", "review|review", 1)
    others = {
        mint("gov", "deploy-2", "run", "review|review", 1),
        mint("gov", "deploy-1", "later", "review|review", 1),
        mint("gov", "deploy-1", "run", "error|review", 1),
        mint("gov", "deploy-1", "run", "review|review", 2),
    }
    assert len(others | {first}) == 5


@pytest.mark.parametrize("key", ["", "MLR", "7", "MLR-7'", "MLR-7 OR 1", "M" * 200 + "1", "MLR-7\n", "\u041cLR-7"])
def test_what_is_no_key_never_gets_into_a_query(key: str) -> None:
    assert not is_key(key)
    with pytest.raises(ValueError, match="key"):
        waiting_for("jira", key)


@pytest.mark.parametrize("provider", ["", "JIRA'", "a b", "x" * 50])
def test_what_is_no_provider_never_gets_into_a_query(provider: str) -> None:
    with pytest.raises(ValueError, match="key"):
        waiting_for(provider, "MLR-7")


@pytest.mark.parametrize("label", ["", "gov-", "gov-xyz", LABEL + "'", LABEL.upper()])
def test_what_is_no_label_of_ours_never_gets_into_a_query(label: str) -> None:
    assert label not in waiting_for("jira", "MLR-7", [label]).replace("'jira:MLR-7'", "?") or not label
    with pytest.raises(ValueError, match="label"):
        waiting_for_labels([label])
