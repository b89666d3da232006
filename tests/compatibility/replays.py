"""Replays that are watched: keys and ids have to be what they were, which a replay alone does not compare.

A question whose key changed would be asked a second time, and a job would be made a second time.
"""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    Interceptor,
    Replayer,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.worker._workflow_instance import _WorkflowInstanceImpl

from mlc.worker import MlcPlugin

IDENTITIES = {"id", "key", "label", "event_id", "snapshot_id", "model_id", "job_id", "workflow_id"}
IDENTITIES |= {"first_run_id", "provider", "kind", "step", "attempt", "mode", "ids", "tag"}
"""Fields by which something is found again, or known as the same. (A ``run_id`` is another after a reset.)"""

CONVERTER = pydantic_data_converter.payload_converter

Asked = list[tuple[str, list[Any]]]
"""The activities of a run in order: names, and the arguments as JSON."""


class Watching(Interceptor):
    """Notes what a run asks its activities."""

    def __init__(self) -> None:
        self.asked: Asked = []

    def workflow_interceptor_class(self, _: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        asked = self.asked

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

        class Outbound(WorkflowOutboundInterceptor):
            def start_activity(self, input: StartActivityInput) -> "workflow.ActivityHandle[Any]":  # noqa: A002
                asked.append(
                    (input.activity, [json.loads(CONVERTER.to_payload(a).data or b"null") for a in input.args])
                )
                return super().start_activity(input)

        return Inbound


async def asked_in_replay(document: dict[str, Any]) -> Asked:
    """Replay a history, with the project's plugin.

    Raises:
        workflow.NondeterminismError: the code gives other commands than the history holds.
    """
    watching = Watching()
    replayer = Replayer(workflows=[], plugins=[MlcPlugin()], interceptors=[watching])
    await replayer.replay_workflow(_history(document))
    return watching.asked


def asked_then(document: dict[str, Any]) -> Asked:
    """The same from the history itself."""
    asked: Asked = []
    for event in _history(document).events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            arguments = [_json(payload) for payload in scheduled.input.payloads]
            asked.append((scheduled.activity_type.name, arguments))
    return asked


async def patches_asked(document: dict[str, Any], replayer: Replayer) -> dict[str, bool]:
    """The patches that a history's replay comes by, and on which side of each the run is."""
    asked: dict[str, bool] = {}
    answer = _WorkflowInstanceImpl.workflow_patch

    def noting(self: _WorkflowInstanceImpl, id: str, **more: Any) -> bool:  # noqa: A002
        asked[id] = answer(self, id, **more)
        return asked[id]

    with mock.patch.object(_WorkflowInstanceImpl, "workflow_patch", noting):
        await replayer.replay_workflow(_history(document))
    return asked


def _history(document: dict[str, Any]) -> WorkflowHistory:
    """Under its own id: DeployModel looks at it."""
    started = document["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], document)


def _json(payload: Payload) -> Any:
    return json.loads(payload.data or b"null")


def identities(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What tells things apart in a value, with its place; a plain text is an id."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from identities(inner, f"{path}.{name}")
            elif name in IDENTITIES:
                yield f"{path}.{name}", inner
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from identities(inner, f"{path}[{index}]")
    elif path.count(".") == 0 and value is not None:
        yield path, value


def differences(then: Asked, now: Asked) -> Iterator[str]:
    """Identities that are others in a replay; those that are new there are none."""
    if [name for name, _ in then] != [name for name, _ in now][: len(then)]:
        yield f"other activities: {[name for name, _ in now]}"
        return
    for (name, was), (_, is_) in zip(then, now, strict=False):
        here = dict(identities(is_))
        for path, value in identities(was):
            if here.get(path, value) != value or (path not in here and value is not None):
                yield f"{name}{path}: it was {value!r} and is {here.get(path)!r}"
