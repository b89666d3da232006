"""A snapshot asks for steps by the tags that the settings name, and by no others."""

from typing import Any

import pytest
from other_words import OTHER_TAGS

from activities import snapshots
from mlc.model.snapshot import Snapshot
from mlc.settings import ProcessSettings
from mlc.ticketing import registry
from mlc.ticketing.registry import SYSTEMS
from mlc.ticketing.system import TicketSystem

FIELDS = {"train_tag": "train", "run_test_tag": "run_test", "review_tag": "review"}
PROCESS = ProcessSettings(**OTHER_TAGS)


@pytest.mark.parametrize("setting", OTHER_TAGS)
@pytest.mark.parametrize("how", ["tag", "metadata"])
def test_a_tag_of_the_settings_asks_for_its_step(setting: str, how: str) -> None:
    tag = OTHER_TAGS[setting]
    snapshot = Snapshot(id="s", tags=[tag]) if how == "tag" else Snapshot(id="s", custom={tag: "True"})
    summary = snapshots.summary(snapshot, PROCESS, {})
    asked = {name for name, field in FIELDS.items() if getattr(summary, field)}
    assert asked == {setting}


def test_the_usual_tags_ask_for_nothing_where_there_are_others() -> None:
    usual = [str(ProcessSettings.model_fields[name].default) for name in OTHER_TAGS]
    summary = snapshots.summary(Snapshot(id="s", tags=usual), PROCESS, {})
    assert (summary.train, summary.run_test, summary.review) == (False, False, False)


def test_a_ticket_systems_own_tag_asks_for_a_review_there() -> None:
    summary = snapshots.summary(Snapshot(id="s", tags=["there"]), PROCESS, {"there": "servicenow"})
    assert (summary.review, summary.ticketing) == (True, "servicenow")


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.provider)
def test_every_ticket_systems_tag_is_the_one_that_is_set(system: TicketSystem[Any]) -> None:
    tags = registry.review_tags(registry.with_settings(system.settings(review_tag="ask-there")))
    summary = snapshots.summary(Snapshot(id="s", tags=["ask-there"]), PROCESS, tags)
    assert (summary.review, summary.ticketing) == (True, system.provider)
    usual = str(system.settings.model_fields["review_tag"].default)
    assert not snapshots.summary(Snapshot(id="s", tags=[usual]), PROCESS, tags).review
