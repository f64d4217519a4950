"""A user's own workflow, as a user would write it: it asks an agent, then does something with the answer."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from holdfast_workflows.contracts.names import WORKFLOW
    from holdfast_workflows.contracts.session.session import Message, StartInput, TaskResult


@activity.defn
async def file_away(text: str) -> str:
    return f"filed: {text}"


@workflow.defn
class Night:
    @workflow.run
    async def run(self, question: str) -> str:
        assert workflow.unsafe.in_sandbox()
        task = StartInput(agent="helper", mode="task", message=Message(id="q", text=question))
        result = await workflow.execute_child_workflow(WORKFLOW, task, result_type=TaskResult)
        assert result.last is not None
        filed: str = await workflow.execute_activity(
            "file_away", result.last.reply, start_to_close_timeout=timedelta(seconds=10)
        )
        return filed
