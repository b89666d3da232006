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
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from mlc.gateway.temporal import calling
from mlc.model.failure import MlcError
from mlc.model.processes import TASK_QUEUE
from mlc.model.signal import ProcessStart

KEY = re.compile(r'(?P<quote>"?)(?P<key>[A-Za-z0-9][A-Za-z0-9._:-]{0,127})(?P=quote)', re.ASCII)
"""Bare, as most senders write it, or in quotes, as a structured header's string."""

FINGERPRINT = "mlcRequest"
"""Memo of a run: SHA-256 of what was asked for."""

KEY_GIVEN = "mlcIdempotencyKey"
"""Memo of a run: the key that it was started under. Another key makes the same id where both hold hyphens."""


class KeyReused(MlcError):
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


async def started_before(temporal: Client, start: ProcessStart, key: str) -> str | None:
    """The workflow's id, if an earlier call under this key has started it.

    Raises:
        KeyReused: that run was started for something else. Without this, the second of two different files that a
            scheduler sends under one key would silently never be scored.
        TemporalDown: it did not say.
    """
    workflow_id = start.workflow_id(key)
    async with calling():
        try:
            earlier = await temporal.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        asked = fingerprint(start)
        if await earlier.memo_value(FINGERPRINT, asked, type_hint=str) == asked:
            return workflow_id
        if (other := await earlier.memo_value(KEY_GIVEN, key, type_hint=str)) != key:
            raise KeyReused(
                f"Another call, of the key {other}, has started {workflow_id}, the id that this Idempotency-Key makes "
                "too: use another key."
            )
        raise KeyReused(f"This Idempotency-Key has started {workflow_id} with other variables: use another key.")


async def start_once(
    temporal: Client, start: ProcessStart, key: str, asset_ids: Sequence[str], *, fairness: str = ""
) -> str:
    """Start a process, or find the run that an earlier call under this key started; the workflow's id.

    Args:
        fairness: by what the run takes turns with others.

    Raises:
        KeyReused: that run was started for something else.
        TemporalDown: nothing was started, or a repeated call will find that it was.
    """
    workflow_id = start.workflow_id(key)
    try:
        async with calling():
            await temporal.start_workflow(
                start.workflow,
                start.input(asset_ids),
                id=workflow_id,
                task_queue=TASK_QUEUE,
                priority=Priority(fairness_key=fairness),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,  # so that a run found is compared, running or closed
                memo={FINGERPRINT: fingerprint(start), KEY_GIVEN: key},
            )
    except WorkflowAlreadyStartedError:
        await started_before(temporal, start, key)
    return workflow_id


def fingerprint(start: ProcessStart) -> str:
    """SHA-256 of what is asked for, the contents of embedded files included."""
    contents = [hashlib.sha256(file.content).hexdigest() for file in start.embedded]
    # Without defaults: a release that adds a field must not make a repeated call look like another one.
    asked = f"{start.workflow} {start.input(contents).model_dump_json(exclude_defaults=True)}"
    return hashlib.sha256(asked.encode()).hexdigest()
