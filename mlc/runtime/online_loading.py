"""Loading an online model: its process is started, and scores a record before anybody depends on it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from mlc.model.deployment import DeploymentState
from mlc.runtime.channel.messages import LOADING, Failed, ModelSaid, Ready, ScoredRecord, Tried
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.order import Order
from mlc.runtime.process import ModelDied, ModelProcess


class FinishLoading(Protocol):
    """Tells the centre how loading a deployment ended, as ``Ledger.finish_loading`` does, and what its state is now."""

    async def __call__(
        self, deployment_id: str, state: DeploymentState, messages: Sequence[str] = (), *, warning: str = ""
    ) -> DeploymentState: ...


async def started(process: ModelProcess, order: Order, *, limit: float) -> Ready:
    """Start a process that serves from then on; what it said when it had loaded its model.

    Args:
        limit: seconds.

    Raises:
        ModelFailure: it can't load it, or takes longer.
    """
    try:
        await process.start(order.model_dump(mode="json", by_alias=True))
        answer = await asyncio.wait_for(process.message(LOADING), limit)
    except TimeoutError:
        raise ModelFailure(f"The model did not load within {limit:g} seconds.") from None
    except ModelDied as death:
        raise ModelFailure(str(death)) from None
    if isinstance(answer, Failed):
        raise ModelSaid(answer.message, answer.traceback)
    process.serve()
    return answer


async def tried_once(process: ModelProcess, ready: Ready, notes: Sequence[str], *, limit: float) -> str:
    """Let a model score a record.

    Args:
        notes: what people should know of the files that it has.
        limit: seconds.

    Returns:
        What people should know of it; empty if all is well.

    Raises:
        ModelFailure: it could not, with the record and the traceback.
    """
    trial = ready.trial
    warnings = [*notes, *ready.notes]
    if trial is None:
        return " ".join(["Not tried: neither test data nor an input schema yields a record.", *warnings])
    trace = ""
    try:
        tried = (await asyncio.wait_for(process.ask({"trial": True}, Tried), limit)).tried
        if isinstance(tried, ScoredRecord):
            return " ".join([*warnings, *([tried.warning] if tried.warning else [])])
        why, trace = tried.message, tried.traceback
    except TimeoutError:
        why = f"The model took longer than {limit:g} seconds over it."
    except ModelDied as death:
        why = str(death)
    raise ModelSaid(f"The model can't score {trial.origin}, {trial.record}: {why}", trace)
