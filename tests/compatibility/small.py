"""One small workflow in three releases: before a patch, with it, and when it is deprecated. It runs in the sandbox."""

from temporalio import workflow


@workflow.defn(name="Small")
class Before:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(0.01)
        return "old"


@workflow.defn(name="Small")
class After:
    @workflow.run
    async def run(self) -> str:
        if workflow.patched("ask-twice"):
            return "new"
        await workflow.sleep(0.01)
        return "old"


@workflow.defn(name="Small")
class Deprecated:
    @workflow.run
    async def run(self) -> str:
        workflow.deprecate_patch("ask-twice")
        return "new"
