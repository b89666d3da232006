"""The ticket systems: whether the settings of all of them go together, and what each finds of itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mlc.model.finding import Finding, wrong
from mlc.settings import ProcessSettings
from mlc.ticketing import registry
from mlc.ticketing.system import SystemSettings, TicketSystem


async def check_tickets() -> AsyncIterator[Finding]:
    """What keeps tickets from going anywhere; nothing where all is well."""
    known = list(readable())
    there = [system.provider for system, settings in known if settings.url is not None]
    all_known = len(known) == len(registry.SYSTEMS)
    if all_known and (problem := registry.what_is_missing(ProcessSettings().ticketing, there)):
        what, remedy = problem
        yield wrong(what, f"{remedy}.")
    try:
        registry.review_tags(known)
    except registry.NotSetUp as error:
        what, _, remedy = str(error).partition(": ")
        yield wrong(what, remedy)


async def check_system(system: TicketSystem[Any]) -> AsyncIterator[Finding]:
    """Findings about one system, if it is set up. Asked on threads, since the systems' clients block."""
    settings = system.settings()
    if settings.url is None:
        return
    done, found = object(), system.check(settings)
    while isinstance(finding := await asyncio.to_thread(next, found, done), Finding):
        yield finding


def readable() -> list[tuple[TicketSystem[Any], SystemSettings]]:
    """The systems whose settings can be read; the others' own checks say why theirs can't."""
    known = []
    for system in registry.SYSTEMS:
        try:
            known.append((system, system.settings()))
        except (ValidationError, SettingsError):
            continue
    return known
