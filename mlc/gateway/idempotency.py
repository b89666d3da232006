"""``Idempotency-Key``: a call that is repeated under the same key starts nothing twice.

The key stands in the workflow's id, and Temporal keeps ids unique for as long as it remembers closed runs (the
namespace's retention). So there is nothing to keep here, and any copy of the gateway may get the repeated call.
"""

import hashlib
import re
from collections.abc import Sequence
from uuid import uuid4

from fastapi import HTTPException, Request
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from mlc.gateway.temporal import calling
from mlc.model.processes import TASK_QUEUE
from mlc.model.signal import ProcessStart

KEY = re.compile(r'(?P<quote>"?)(?P<key>[A-Za-z0-9][A-Za-z0-9._:-]{0,127})(?P=quote)', re.ASCII)
"""Bare, as most senders write it, or in quotes, as a structured header's string."""

FINGERPRINT = "mlcRequest"
"""Memo of a run: SHA-256 of what was asked for."""


class KeyReused(Exception):
    """The key was used before, to ask for something else."""


def key_of(request: Request) -> str:
    """The caller's key, or a random one.

    Raises:
        HTTPException: 400, it can't be part of a workflow's id.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return str(uuid4())
    match = KEY.fullmatch(given.strip())
    if match is None:
        raise HTTPException(
            400, "Idempotency-Key: up to 128 letters, digits, '.', '_', ':' and '-' are taken, such as a UUID."
        )
    return match["key"]


async def start_once(temporal: Client, start: ProcessStart, key: str, asset_ids: Sequence[str]) -> str:
    """Start a process, or find the run that an earlier call under this key started; the workflow's id.

    Raises:
        KeyReused: that run was started for something else. Without this, the second of two different files that a
            scheduler sends under one key would silently never be scored.
        TemporalDown: nothing was started, or a repeated call will find that it was.
    """
    workflow_id, fingerprint = start.workflow_id(key), _fingerprint(start)
    async with calling():
        try:
            await temporal.start_workflow(
                start.workflow,
                start.input(asset_ids),
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,  # so that a run found is compared, running or closed
                memo={FINGERPRINT: fingerprint},
            )
        except WorkflowAlreadyStartedError:
            earlier = await temporal.get_workflow_handle(workflow_id).describe()
            if await earlier.memo_value(FINGERPRINT, fingerprint, type_hint=str) != fingerprint:
                raise KeyReused(
                    f"This Idempotency-Key has started {workflow_id} with other variables: use another key."
                ) from None
    return workflow_id


def _fingerprint(start: ProcessStart) -> str:
    contents = [hashlib.sha256(file.content).hexdigest() for file in start.embedded]
    asked = f"{start.workflow} {start.input(contents).model_dump_json()}"
    return hashlib.sha256(asked.encode()).hexdigest()
