"""A workflow that says of itself what it is told to say."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from mlc.model.processes import DeployModelResult, DeployModelStatus


@workflow.defn(name="SaysWhatItIsTold")
class SaysWhatItIsTold:
    @workflow.init
    def __init__(self, first: DeployModelStatus) -> None:
        self.state = first
        self.ended = ""

    @workflow.run
    async def run(self, first: DeployModelStatus) -> DeployModelResult:
        await workflow.wait_condition(lambda: bool(self.ended))
        if self.ended == "fail":
            raise ApplicationError("no runtime matches", type="DeploymentAbandoned")
        return self.state.result

    @workflow.query
    def status(self) -> DeployModelStatus:
        return self.state

    @workflow.signal
    def say(self, state: DeployModelStatus) -> None:
        self.state = state

    @workflow.signal
    def end(self, how: str) -> None:
        self.ended = how
