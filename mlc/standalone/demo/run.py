"""Three models on their way to production, and two there, on this machine and for real. Behind ``mlc demo``."""

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlc.center.configured import configured_center
from mlc.settings import FileSettings, GatewaySettings
from mlc.standalone.demo import EXAMPLES
from mlc.standalone.demo.operate import Gateway, Operation
from mlc.standalone.demo.outcomes import Expected, Outcome
from mlc.standalone.demo.play import APPROVED_DAYS, TEST_DATA, Play, Played, Submission, Systems
from mlc.standalone.demo.reviewer import reviewer
from mlc.standalone.dev import ONLINE_TAG, Standalone, run_until_told, teller
from mlc.standalone.environment import CannotStart
from mlc.standalone.needs import ONLINE_RUNTIME
from mlc.temporal import connect
from mlc.ticketing.jira.settings import JiraSettings


def submissions(today: date, *, approve: bool) -> list[Submission]:
    """What the demo submits. With ``approve`` its own reviewer sets the dates, otherwise any day will do."""
    own, a_year = today + timedelta(APPROVED_DAYS), today + timedelta(365)
    any_day = (today, date.max)
    return [
        Submission(
            EXAMPLES / "breast_cancer",
            ("train", "run_test", "jira", ONLINE_TAG),
            "trained, tested, judged, approved until a date, deployed online",
            Expected(
                outcome="deployed",
                deployments=frozenset({f"online on {ONLINE_RUNTIME}", "batch"}),
                decision="approved",
                expires=(own, own) if approve else any_day,
                scores=True,
            ),
        ),
        Submission(
            EXAMPLES / "diabetes",
            ("run_test", "jira", "diabetes"),
            "submitted without its test data, repaired, tested, approved, deployed as batch",
            Expected(
                outcome="deployed",
                deployments=frozenset({"batch"}),
                decision="approved",
                expires=(a_year - timedelta(1), a_year + timedelta(2)) if approve else any_day,
                rejection_says=(TEST_DATA,),
            ),
            withheld=TEST_DATA,
        ),
        Submission(
            EXAMPLES / "breast_cancer_weak",
            ("train", "run_test", "jira"),
            "fails its decision table and is rejected",
            Expected(
                outcome="rejected",
                decision="rejected",
                rejection_says=tuple(f"{name} is below" for name in ("Accuracy", "Recall", "F1 score", "AUC")),
            ),
        ),
    ]


async def run_demo(home: Path, *, approve: bool, leave: bool, free_ports: bool, console: Console) -> bool | None:
    """Start standalone mode, take the models through it, and stay until Ctrl-C unless told to ``leave``.

    Returns:
        Whether every outcome was as expected; None if it was ended before the last one.

    Raises:
        CannotStart: there are no examples here, the folder is in use, or a port is.
        NotReady: something didn't come up.
    """
    if not EXAMPLES.is_dir():
        raise CannotStart(
            f"There are no models in {EXAMPLES}: build the wheel from a clone that has its examples folder."
        )
    right: bool | None = None
    tell = teller(console)

    async def work(system: Standalone) -> None:
        nonlocal right
        _adopt(system.environment("demo"))
        for what, address in system.addresses.items():
            tell(f"{what:<16}{address}")
        if approve:
            tell("The demo decides on the tickets, as a person would, through the desk's API.")
        else:
            tell("You decide on the tickets: each is told here with its address. With --approve the demo does it.")
        outcomes = await _play_all(console, approve=approve)
        right = all(outcome.right for outcome in outcomes)
        if leave:
            tell(f"Ending everything. `mlc dev` brings it back as it is: its state is in {system.home}.")
        else:
            tell("Everything stays up, look around; Ctrl-C ends it. `mlc dev` brings it back as it is then.")
            await asyncio.Event().wait()

    await run_until_told(home, free_ports=free_ports, tell=tell, work=work)
    return right


def _adopt(environment: dict[str, str]) -> None:
    """Let this process see what one of standalone mode's sees: no company's settings, only these."""
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


async def _play_all(console: Console, *, approve: bool) -> list[Outcome]:
    async with AsyncExitStack() as stack:
        systems = Systems(
            center=await stack.enter_async_context(configured_center()),
            person=await stack.enter_async_context(reviewer(JiraSettings())),
            temporal=await connect(),
        )
        planned = submissions(datetime.now(UTC).date(), approve=approve)
        played = []
        for number, submission in enumerate(planned, 1):
            play = Play(submission, systems, console, approve=approve)
            played.append(await play.run(f"{number} of {len(planned)}"))
        outcomes = [each.outcome(systems.temporal.namespace) for each in played]
        if all(outcome.right for outcome in outcomes):
            outcomes += await _operate(played, systems, console)
        else:
            console.print("\nWhat happens to models in production is left out: it needs these two there.")
        _tell_outcomes(outcomes, console)
        return outcomes


async def _operate(played: list[Played], systems: Systems, console: Console) -> list[Outcome]:
    gateway, lake = GatewaySettings(), FileSettings().root
    assert gateway.token is not None
    assert lake is not None
    caller = Gateway(f"http://{gateway.host}:{gateway.port}", gateway.token.get_secret_value())
    operation = Operation(systems, caller, lake, console)
    online, batch, _ = played
    return [
        await operation.passing_back_test(online),
        await operation.failing_back_test(online),
        await operation.nightly_job(batch),
        await operation.drifting_data(batch),
    ]


def _tell_outcomes(outcomes: list[Outcome], console: Console) -> None:
    table = Table("", "Expected", "Seen", "Where to look", title="Outcomes", title_justify="left")
    for each in outcomes:
        table.add_section()
        table.add_row("[green]✓[/]" if each.right else "[red]✗[/]", f"[bold]{escape(each.title)}")
        for check in each.checks:
            mark = "✓" if check.right else "[red]✗[/]"
            table.add_row(mark, *map(escape, (check.expected, check.seen, check.where)))
    console.print()
    console.print(table)
    for each in outcomes:
        console.print(each.title, style="bold", markup=False)
        for what, address in each.pages.items():
            console.print(f"  {what:<12}{address}", soft_wrap=True, markup=False)
    wrong = [each.title for each in outcomes if not each.right]
    console.print(
        f"Other than expected: {', '.join(wrong)}." if wrong else "Every outcome is as expected.", markup=False
    )
