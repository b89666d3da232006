"""The clean-up of a run that goes no further: parts that don't wait for each other, and that no cancellation stops."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from mlc.model.truncation import truncate
from workflows.steps.activity import Answer, Argument, Call, call
from workflows.steps.once import reason
from workflows.steps.progress import Progress, plain

FIRST_PAUSE = timedelta(seconds=1)
SILENCE = timedelta(seconds=30)
"""For so long nothing is said of what came of a run while a part of its clean-up neither ends nor fails."""
LONGEST_TROUBLE = 200
LONGEST_LIST = 500
LONGEST_WARNING = 300

Part = tuple[str, Callable[[Call], Awaitable[None]]]
"""What is to be done, to be put behind "cleaning up: ", and how, with a way to call activities."""


class CleanUp:
    """What is under way, what holds it up, and what could not be done.

    A part that is refused is told among the result's warnings. One whose system is down is tried until that is up
    again, and shown meanwhile with what the system said.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._begun: set[str] = set()
        self._doing: list[asyncio.Task[None]] = []
        self._open: dict[str, str] = {}
        """What is not done yet, and what holds it up, if anything does."""

    def begin(self, parts: Sequence[Part]) -> None:
        """Do these parts, beside whatever comes next. One that was begun before is not done again."""
        new = [(what, work) for what, work in parts if what not in self._begun]
        self._begun.update(what for what, _ in new)
        self._open |= {what: "" for what, _ in new}
        self.progress.waiting_for("")
        self._show()
        self._doing += [asyncio.create_task(self._do(what, work)) for what, work in new]

    @property
    def held_up(self) -> str:
        """What is not done yet, in a sentence; empty if all is."""
        still = truncate(self._listed(), LONGEST_LIST)
        return f"Still to be done when this was written: {still}." if still else ""

    async def done(self, parts: Sequence[str]) -> None:
        """Wait until these are done, or refused: for one that can't begin before."""
        await workflow.wait_condition(lambda: not any(what in self._open for what in parts))

    async def settled(self) -> None:
        """Wait until each part is done, or is known to be held up; not long for one of which nothing is heard."""
        if not all(self._open.values()):
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: all(self._open.values()),
                    timeout=SILENCE,
                    timeout_summary="before what is not done yet is said to be so",
                )

    async def finished(self) -> None:
        """Wait until everything is done. A cancellation meanwhile is raised then."""
        await to_the_end(self._all())

    async def _all(self) -> None:
        done = 0
        while done < len(self._doing):  # parts may be begun meanwhile
            await self._doing[done]
            done += 1

    async def _do(self, what: str, work: Callable[[Call], Awaitable[None]]) -> None:
        try:
            await work(self._caller(what))
        except (ActivityError, ApplicationError) as error:
            if is_cancelled_exception(error):
                raise
            self.progress.warn([truncate(reason(error), LONGEST_WARNING)])
        del self._open[what]
        self._show()

    def _caller(self, what: str) -> Call:
        """Calls activities for one part: first once, and if that is in vain again and again, saying why."""

        async def insist(
            activity: Callable[[Any, Argument], Awaitable[Answer]],
            argument: Argument,
            *,
            summary: str,
            outage_budget: timedelta | None = None,
        ) -> Answer:
            try:
                return await call(activity, argument, summary=summary, retry=RetryPolicy(maximum_attempts=1))
            except ActivityError as error:
                pause = _pause(error)
                if pause is None:
                    raise
                self._held(what, reason(error))
            await workflow.sleep(pause, summary=f"before another try: {summary}"[:200])
            answer = await call(activity, argument, summary=summary, outage_budget=outage_budget)
            self._held(what, "")
            return answer

        return insist

    def _held(self, what: str, why: str) -> None:
        self._open[what] = plain(why)[:LONGEST_TROUBLE]
        self._show()

    def _show(self) -> None:
        self.progress.cleaning_up(f"cleaning up: {self._listed()}" if self._open else "")

    def _listed(self) -> str:
        return "; ".join(f"{what} ({why})" if why else what for what, why in self._open.items())


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do something whole: a cancellation that comes meanwhile is raised only when it is done."""
    doing, cancelled = asyncio.create_task(work), None
    while not doing.done():
        try:
            await workflow.wait([doing])
        except asyncio.CancelledError as error:
            cancelled = error
    doing.result()
    if cancelled is not None:
        raise cancelled


def _pause(error: ActivityError) -> timedelta | None:
    """How long to wait before the next try; None if it would be in vain."""
    cause = error.cause
    if is_cancelled_exception(error) or (isinstance(cause, ApplicationError) and cause.non_retryable):
        return None
    asked = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
    return max(asked or FIRST_PAUSE, FIRST_PAUSE)
