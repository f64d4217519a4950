"""Tools that give tasks to other agents: their settings and arguments."""

from pydantic import Field

from ..base import Contract
from .children import Join


class DelegateSettings(Contract):
    """What a tool does with the tasks that the model gives to it."""

    agents: tuple[str, ...]
    """The agents that the model may choose from; with one there is no choice."""
    many: bool = False
    """Whether the tool takes a list of tasks."""
    fallbacks: tuple[str, ...] = ()
    join: Join = "all"
    quorum: int = 1
    timeout: float | None = None
    max_steps: int | None = None
    most: int = 1
    """Most tasks in one call."""


class Task(Contract):
    """A task for an agent that the model does not choose."""

    task: str = Field(min_length=1)


class AgentTask(Task):
    """A task for one of several agents."""

    agent: str


class Tasks(Contract):
    """Tasks for the same agent."""

    tasks: tuple[str, ...] = Field(min_length=1)


class AgentTasks(Contract):
    """Tasks for several agents."""

    tasks: tuple[AgentTask, ...] = Field(min_length=1)
