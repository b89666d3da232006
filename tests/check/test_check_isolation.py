"""What `mlc check` says of the isolation of models on this machine."""

import pytest

from mlc.check.isolation import check_isolation
from mlc.model.finding import Finding, Mark
from mlc.runtime.isolation import levels


class Level(levels.Process):
    """A level that can, or can't, be had."""

    def __init__(self, name: str, problem: str | None = None) -> None:
        self.name = name
        self._problem = problem

    def problem(self) -> str | None:
        return self._problem


async def found(monkeypatch: pytest.MonkeyPatch, *known: Level, named: str = "auto") -> list[Finding]:
    monkeypatch.setenv("MLC_RUNTIME_ISOLATION", named)
    monkeypatch.setattr(levels, "levels", lambda _: {level.name: level for level in known})
    return [finding async for finding in check_isolation()]


async def test_the_level_is_told_and_why_no_stronger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Level("bubblewrap", "there is no bwrap on the PATH: install bubblewrap")
    assert await found(monkeypatch, absent, Level("landlock"), Level("process")) == [
        Finding(
            Mark.UNCHECKED,
            "Models can't be isolated by bubblewrap here",
            "there is no bwrap on the PATH: install bubblewrap.",
        ),
        Finding(Mark.GOOD, "Models are isolated by landlock"),
    ]


async def test_processes_only_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = await found(monkeypatch, Level("landlock"), Level("process"), named="process")
    assert finding.mark is Mark.WARNING
    assert "reach the network" in finding.remedy


@pytest.mark.parametrize("known", [[Level("landlock", "it is a test")], []])
async def test_a_named_level_that_can_not_be_had_is_wrong(monkeypatch: pytest.MonkeyPatch, known: list[Level]) -> None:
    [finding] = await found(monkeypatch, *known, Level("process"), named="landlock")
    assert (finding.mark, finding.what) == (Mark.WRONG, "A runtime doesn't start here")
    assert "MLC_RUNTIME_ISOLATION=landlock can't be had here" in finding.remedy


async def test_this_machine_has_one() -> None:
    findings = [finding async for finding in check_isolation()]
    assert findings[-1].mark in {Mark.GOOD, Mark.WARNING}
