"""How models would be isolated by a runtime on this machine, and why not more strictly."""

import asyncio
from collections.abc import AsyncIterator

from mlc.model.finding import Finding, good, unchecked, warning, wrong
from mlc.settings import RuntimeSettings


async def check_isolation() -> AsyncIterator[Finding]:
    """Findings about the levels of isolation; none where no runtime could be started, for lack of what it needs."""
    try:
        from mlc.runtime.isolation.levels import CannotIsolate, Process, chosen_level
    except ModuleNotFoundError:
        return
    try:
        chosen = await asyncio.to_thread(chosen_level, RuntimeSettings())
    except CannotIsolate as error:
        yield wrong("A runtime doesn't start here", str(error))
        return
    for name, problem in chosen.weaker_than.items():
        yield unchecked(f"Models can't be isolated by {name} here", f"{problem}.")
    if chosen.level.name == Process.name:
        yield warning(
            "Models are isolated as processes only",
            "they can read what the runtime's account can, and reach the network; run no model that you don't trust.",
        )
    else:
        yield good(f"Models are isolated by {chosen.level.name}")
