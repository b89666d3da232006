"""Signals to one run, as many and as fast as Temporal takes them: a process of its own, so that nobody else waits.

``python flood.py ADDRESS NAMESPACE WORKFLOW_ID NUMBER SIGNAL ARGUMENT``; prints how many Temporal refused.
"""

import asyncio
import json
import os
import sys

from temporalio.client import Client
from temporalio.service import RPCError

AT_ONCE = 200


async def flood(address: str, namespace: str, workflow_id: str, number: str, signal: str, argument: str) -> int:
    run = (await Client.connect(address, namespace=namespace)).get_workflow_handle(workflow_id)
    numbers, refused = iter(range(int(number))), 0

    async def send() -> None:
        nonlocal refused
        for _ in numbers:
            try:
                await run.signal(signal, json.loads(argument))
            except RPCError as error:
                if "exceeded workflow execution limit" not in str(error):
                    raise
                refused += 1

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return refused


if __name__ == "__main__":
    print(asyncio.run(flood(*sys.argv[1:])), flush=True)
    os._exit(0)  # what is left of thousands of calls may not end in order with the interpreter
