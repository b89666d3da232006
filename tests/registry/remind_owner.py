"""A fourth process, small, in a file of its own: it reminds the owner of a snapshot of something."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from pydantic import Field

    from mlc.model.base import Input
    from mlc.model.file import InputFile
    from mlc.model.processes import ProcessResult


class RemindOwnerInput(Input):
    snapshot_id: str = Field(description="Id of the snapshot whose owner is reminded")
    text: str = Field("Look at it", description="What to say")
    lists: list[InputFile] = Field([], description="Lists of what is to be looked at")


class RemindOwnerResult(ProcessResult):
    reminded_of: str = ""


@workflow.defn(name="RemindOwner")
class RemindOwner:
    @workflow.run
    async def run(self, request: RemindOwnerInput) -> RemindOwnerResult:
        files = ", ".join(file.asset_id or file.url or "" for file in request.lists)
        return RemindOwnerResult(reminded_of=f"{request.text}: {request.snapshot_id} {files}".strip())
