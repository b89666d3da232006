"""Signals that can't be meant for us: one with a wrong number of arguments is dropped, and the run goes on."""

import inspect

from temporalio import workflow
from temporalio.worker import (
    HandleSignalInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)


class MisfitSignals(Interceptor):
    """Temporal drops a signal whose argument can't be read, but one without any would stop its run until a reset."""

    def workflow_interceptor_class(self, _: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """See base class."""
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(outbound)
        # Ten thousand signals may come in one workflow task, which must not take two seconds.
        self._taken: dict[str, int] = {}

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002  # the base class's name
        taken = self._taken.get(input.signal)
        if taken is None:
            # Handlers are named as their methods.
            taken = len(inspect.signature(getattr(workflow.instance(), input.signal)).parameters)
            self._taken[input.signal] = taken
        if len(input.args) == taken:
            await super().handle_signal(input)
        else:
            workflow.logger.warning(
                "Signal %s takes %d argument(s), not %d: it was dropped", input.signal, taken, len(input.args)
            )
