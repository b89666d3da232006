"""All checks at once, each in the end with an answer, and their findings as lines of text."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mlc.check.center import check_center
from mlc.check.connections import check_connections
from mlc.check.gateway import check_gateway
from mlc.check.isolation import check_isolation
from mlc.check.settings import check_settings
from mlc.check.temporal import check_temporal
from mlc.check.tickets import check_system, check_tickets
from mlc.model.finding import Finding, Mark, wrong
from mlc.settings.reading import what_is_wrong
from mlc.ticketing import registry

LONGEST = 60.0
"""Seconds for all questions to one system."""
_PLAIN = {Mark.GOOD: "ok", Mark.WARNING: "!", Mark.WRONG: "X", Mark.UNCHECKED: "-"}
"""The marks where the terminal's character set lacks them."""


@dataclass
class Section:
    """What was found about one system."""

    title: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Nothing is missing; there may be warnings."""
        return not any(finding.mark is Mark.WRONG for finding in self.findings)


async def check_everything() -> list[Section]:
    """Check all systems at the same time; one that is not used has no section. What goes wrong is a finding."""
    checks = {
        "Settings": check_settings(),
        "Temporal": check_temporal(),
        "Model centre": check_center(),
        "Tickets": check_tickets(),
        **{system.name: check_system(system) for system in registry.SYSTEMS},
        "Gateway": check_gateway(),
        "Connections": check_connections(),
        "Runtimes on this machine": check_isolation(),
    }
    sections = await asyncio.gather(*(_section(title, findings) for title, findings in checks.items()))
    return [section for section in sections if section.findings]


def lines(sections: Sequence[Section], encoding: str | None = None) -> Iterator[str]:
    """The findings, one a line, and a last line that sums up. ``encoding`` is the terminal's."""
    marks = {mark: mark.value for mark in Mark} if _can_show("".join(Mark), encoding) else _PLAIN
    for section in sections:
        yield section.title
        for finding in section.findings:
            line = f"  {marks[finding.mark]} {finding.what}" + (f": {finding.remedy}" if finding.remedy else "")
            # Names come from outside: none may steer the terminal, or be more than it can show.
            shown = "".join(character if character.isprintable() else " " for character in line)
            yield shown if _can_show(shown, encoding) else shown.encode("ascii", "replace").decode()
    found = [finding.mark for section in sections for finding in section.findings]
    missing, warnings = found.count(Mark.WRONG), found.count(Mark.WARNING)
    verdict = f"{missing} to be put right" if missing else "Nothing is missing"
    yield f"{verdict}, {warnings} warning{'' if warnings == 1 else 's'}." if warnings else f"{verdict}."


async def _section(title: str, findings: AsyncIterator[Finding]) -> Section:
    """Gather findings until the check ends, however it ends."""
    section = Section(title)
    try:
        async with asyncio.timeout(LONGEST):
            async for finding in findings:
                section.findings.append(finding)
    except TimeoutError:
        section.findings.append(wrong("The rest was not checked", f"no end of answers within {LONGEST:.0f} seconds."))
    except ValidationError as error:
        section.findings.append(wrong("A setting can't be used", what_is_wrong(error)))
    except SettingsError as error:
        section.findings.append(wrong(*_parted(str(error))))
    except Exception as error:  # its text may hold anything, a secret as well
        remedy = f"this is a mistake in mlc itself ({type(error).__name__}); please report it."
        section.findings.append(wrong("The rest was not checked", remedy))
    return section


def _parted(error: str) -> tuple[str, str]:
    """What can't be read, and what to do about it."""
    what, _, remedy = error.partition(": ")
    return what, f"{remedy}."


def _can_show(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
