"""Two nights of a breach make one ticket with one comment, although the worker is killed in each of them."""

import asyncio

from processes.monitored import BAD, DRIFT, begin, carrying, last_turn, monitor, says, turn
from processes.office import Office
from reliability.worker_process import WorkerProcess
from servers import eventually

from mlc.standalone.faults import Effect

KILLED = (Effect.HANG, Effect.LATE, Effect.HANG_AFTER)
"""The worker is killed with its request lost, carried out afterwards, or carried out but not answered."""


async def night_with_a_kill(desk: Office, worker: WorkerProcess, snapshots: list[str], path: str) -> None:
    """A night of each snapshot, of which the worker dies while it makes what is posted to ``path``."""
    for effect in KILLED:
        desk.faults.add(effect, method="POST", path=path)
    before = [await last_turn(desk, each) for each in snapshots]
    outer = [await begin(desk, each) for each in snapshots]
    runs = [await turn(desk, each, last=last) for each, last in zip(snapshots, before, strict=True)]
    for run in runs:
        await desk.finish_job(run, metrics=BAD)

    async def all_held() -> bool:
        return len(desk.faults.hanging) == len(KILLED)

    await eventually(all_held)
    worker.kill()
    worker.start()
    ended = await asyncio.gather(*(each.result() for each in outer))
    assert [run.outcome for each in ended for run in each.runs] == ["failed"] * len(snapshots)


async def test_two_nights_of_a_breach_make_one_ticket_with_one_comment_whenever_the_worker_dies(
    unmanned: Office, worker: WorkerProcess
) -> None:
    drift = await monitor(unmanned, DRIFT, says("Jira"))
    snapshots = [await carrying(unmanned, drift) for _ in KILLED]
    await night_with_a_kill(unmanned, worker, snapshots, "/issue$")
    assert len(await unmanned.tickets()) == len(snapshots)
    await night_with_a_kill(unmanned, worker, snapshots, "/comment$")
    tickets = await unmanned.tickets()
    assert len(tickets) == len(snapshots)
    for ticket in tickets:
        answer = await unmanned.jira.get(f"issue/{ticket['key']}/comment")
        (said,) = answer.raise_for_status().json()["comments"]
        assert said["body"].startswith("It goes on on 20")
