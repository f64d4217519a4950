"""The function of tools that give tasks to other agents."""

from holdfast_activities.state.database import State
from holdfast_activities.tools.contract_tool import ContractTool
from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.errors import ChildFailed, StateBehind, ToolError
from holdfast_workflows.contracts.session.entries import ReplyEntry
from holdfast_workflows.contracts.teams.children import ChildOutcome, Children, ChildRequest, child_id
from holdfast_workflows.contracts.teams.delegation import (
    AgentTask,
    AgentTasks,
    DelegateSettings,
    Task,
    Tasks,
)
from holdfast_workflows.contracts.text.nearest import no_such
from holdfast_workflows.contracts.text.unicode import preview, size

from .needed import OUTCOMES, ChildrenNeeded

_REF = "task"
"""The id of a task's text in its child session."""


def delegate_tool(spec: ToolSpec, settings: DelegateSettings, state: State) -> ContractTool:
    """The binding of a tool that gives tasks to other agents."""
    shapes: tuple[type[Contract], type[Contract]] = (
        (Tasks, AgentTasks) if settings.many else (Task, AgentTask)
    )
    return ContractTool(spec, shapes[len(settings.agents) > 1], Delegation(settings, state).call)


class Delegation:
    """Gives the tasks of a call to child sessions, and makes the call's result of their replies."""

    def __init__(self, settings: DelegateSettings, state: State) -> None:
        self._settings = settings
        self._state = state

    async def call(self, asked: Task | Tasks | AgentTasks, context: ToolContext) -> str:
        """Return the replies of the children.

        Raises:
            ChildrenNeeded: They have not run yet.
            ChildFailed: Fewer children are done than the join needs.
        """
        tasks = self._tasks(asked)
        outcomes = OUTCOMES.get()
        if not outcomes:
            raise ChildrenNeeded(await self._children(tasks, context.key))
        if not self._settings.many:
            return await self._only(outcomes[0])
        return await self._all(tasks, outcomes)

    def _tasks(self, asked: Task | Tasks | AgentTasks) -> list[tuple[str, str]]:
        """The agents and their tasks."""
        own = self._settings.agents
        if isinstance(asked, Tasks):
            found = [(own[0], each) for each in asked.tasks]
        else:
            given = asked.tasks if isinstance(asked, AgentTasks) else (asked,)
            found = [(each.agent if isinstance(each, AgentTask) else own[0], each.task) for each in given]
        if unknown := [agent for agent, _ in found if agent not in own]:
            raise ToolError(no_such("agent", unknown, own))
        if len(found) > self._settings.most:
            raise ToolError(
                f"{len(found)} tasks are too many; give at most {self._settings.most} in one call"
            )
        return found

    async def _children(self, tasks: list[tuple[str, str]], key: str) -> Children:
        settings = self._settings
        requests = [
            await self._request(agent, task, child_id(key, place if settings.many else 0))
            for place, (agent, task) in enumerate(tasks, 1)
        ]
        return Children(
            requests=tuple(requests),
            join=settings.join,
            quorum=settings.quorum,
            timeout=settings.timeout,
            max_steps=settings.max_steps,
        )

    async def _request(self, agent: str, task: str, id: str) -> ChildRequest:
        """Store a task's text for the child and for those of its fallback agents."""
        fallbacks = tuple(each for each in self._settings.fallbacks if each != agent)
        for place in range(len(fallbacks) + 1):
            await self._state.store_text(child_id(id, place), _REF, task)
        return ChildRequest(
            text=preview(task), id=id, agent=agent, ref=_REF, size=size(task), fallbacks=fallbacks
        )

    async def _only(self, outcome: ChildOutcome) -> str:
        if outcome.status != "done":
            raise ChildFailed(_failure(outcome))
        return await self._reply(outcome)

    async def _all(self, tasks: list[tuple[str, str]], outcomes: tuple[ChildOutcome, ...]) -> str:
        """One section for each task, in the order of the tasks."""
        settings, done = self._settings, sum(each.status == "done" for each in outcomes)
        sections: list[str] = []
        for place, ((_, task), outcome) in enumerate(zip(tasks, outcomes, strict=True), 1):
            text = await self._reply(outcome) if outcome.status == "done" else _failure(outcome)
            sections.append(f"## {place}. {outcome.agent}, {outcome.status}: {preview(task, 80)}\n\n{text}")
        text = "\n\n".join(sections)
        if not done or (settings.join == "quorum" and done < settings.quorum):
            raise ChildFailed(f"{done} of {len(outcomes)} tasks are done\n\n{text}")
        return text

    async def _reply(self, outcome: ChildOutcome) -> str:
        found = await self._state.log.read(outcome.id, outcome.reply_seq, outcome.reply_seq + 1)
        if not found or not isinstance(found[0], ReplyEntry):
            raise StateBehind(f"the reply of session {outcome.id} is not in the log")
        return found[0].text


def _failure(outcome: ChildOutcome) -> str:
    """What was tried, for the model."""
    tried = f" Tried before: {', '.join(outcome.tried)}." if outcome.tried else ""
    return f"{outcome.agent} {outcome.status}: {outcome.error or outcome.error_code}{tried}"
