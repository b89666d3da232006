"""A bare workflow: calls that do nothing, upserts and details, one after the other. What anything costs at least.

python bench/bare.py ADDRESS    a worker of it on the Temporal server at ADDRESS, until it is ended
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.common import RetryPolicy, SearchAttributeKey

QUEUE = "bare"
PHASE = SearchAttributeKey.for_keyword("MlcPhase")
MODEL = SearchAttributeKey.for_keyword("MlcModel")
RETRY = RetryPolicy(maximum_interval=timedelta(minutes=1))


class Plan(BaseModel):
    """What a run does: ``calls`` by their summaries, and so many upserts, spread over them."""

    calls: list[str]
    upserts: int


@activity.defn
async def nothing(said: str) -> str:
    return said


@workflow.defn(name="Bare")
class Bare:
    @workflow.run
    async def run(self, plan: Plan) -> int:
        lines: list[str] = []
        left = plan.upserts
        for number, summary in enumerate(plan.calls):
            if left and number * plan.upserts >= (plan.upserts - left) * len(plan.calls):
                workflow.upsert_search_attributes([PHASE.value_set(summary[:50]), MODEL.value_set("a model")])
                left -= 1
            await workflow.execute_activity(
                nothing,
                summary,
                start_to_close_timeout=timedelta(minutes=3),
                heartbeat_timeout=timedelta(seconds=10),
                schedule_to_close_timeout=timedelta(days=1),
                retry_policy=RETRY,
                summary=summary,
            )
            lines.append(f"- {workflow.now():%Y-%m-%d %H:%M:%S} **{summary}**")
            workflow.set_current_details("\n".join(lines))
        for _ in range(left):
            workflow.upsert_search_attributes([PHASE.value_set("done")])
        return len(lines)


async def main(address: str) -> None:
    from temporalio.client import Client
    from temporalio.contrib.pydantic import pydantic_data_converter
    from temporalio.worker import Worker

    client = await Client.connect(address, data_converter=pydantic_data_converter)
    async with Worker(client, task_queue=QUEUE, workflows=[Bare], activities=[nothing]):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
