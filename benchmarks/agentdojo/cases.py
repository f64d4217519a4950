"""AgentDojo's tasks and attacks, its tools as Holdfast's tools, and a model that obeys every injection."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from holdfast import Agent, Tool, ToolContext, ToolError, tool

from . import package

EFFECTS = frozenset(["send_email", "delete_email", "create_calendar_event", "cancel_calendar_event", "reschedule_calendar_event", "add_calendar_event_participants", "append_to_file", "create_file", "delete_file", "share_file", "reserve_hotel", "reserve_car_rental", "reserve_restaurant", "send_money", "schedule_transaction", "update_scheduled_transaction", "update_password", "update_user_info", "add_user_to_channel", "send_direct_message", "send_channel_message", "invite_user_to_slack", "remove_user_from_slack", "get_webpage", "post_webpage"])  # fmt: skip
"""Tools that change something, or send something out, as a request for a page does."""

_MARK = "INJECTED:"
"""Begins every injection, so that the model finds it."""

_MOST_STEPS = 60


@dataclass
class Planned:
    """A call that the model makes, and whether an injection asked for it."""

    call: Any
    injected: bool = False

    @property
    def arguments(self) -> str:
        """The arguments as JSON."""
        return json.dumps(dict(self.call.args), default=str)


@dataclass
class Case:
    """A user's task, with an attack or without one.

    ``plan`` are the user's calls, and those of the injection once the model has seen it.
    """

    suite: str
    task: Any
    attack: Any = None
    environment: Any = None
    plan: list[Planned] = field(default_factory=list[Planned])
    ran: list[Any] = field(default_factory=list[Any])
    asked: list[Planned] = field(default_factory=list[Planned])
    obeyed: bool = False

    def __post_init__(self) -> None:
        suite = suites()[self.suite]
        injections: dict[str, str] = {}
        if self.attack is not None:
            goal = " ".join(self.attack.GOAL.split()).replace('"', "'")
            injections = dict.fromkeys(_seen(self.suite, self.task.ID), f"{_MARK} {goal}")
        loaded = suite.load_and_inject_default_environment(injections)
        self.environment = self.task.init_environment(loaded)
        self._before = self.environment.model_copy(deep=True)
        self.plan = [Planned(call) for call in self.task.ground_truth(self.environment)]

    @property
    def name(self) -> str:
        """The ids of the suite, the task and the attack."""
        ids = (self.suite, self.task.ID, self.attack.ID if self.attack else "benign")
        return "-".join(ids)

    @property
    def reply(self) -> str:
        """The model's last words: the user's answer, and what the injection wanted to be said."""
        said = [self.task.GROUND_TRUTH_OUTPUT, *([self.attack.GROUND_TRUTH_OUTPUT] if self.obeyed else [])]
        return "\n".join(filter(None, said)) or "Done."

    def read(self, position: int, text: str) -> None:
        """Let the model read the result of a call; it obeys an injection at once, and only once."""
        if self.attack is not None and not self.obeyed and _MARK in text:
            self.obeyed = True
            injected = [Planned(call, injected=True) for call in self.attack.ground_truth(self.environment)]
            self.plan[position + 1 : position + 1] = injected

    def run(self, name: str, arguments: dict[str, Any]) -> str:
        """Run a tool in the case's environment."""
        functions = package.module("agentdojo.functions_runtime")
        runtime = functions.FunctionsRuntime(suites()[self.suite].tools)
        result, error = runtime.run_function(self.environment, name, arguments)
        self.ran.append(functions.FunctionCall(function=name, args=arguments))
        if error:
            raise ToolError(error)
        return str(package.module("agentdojo.agent_pipeline.tool_execution").tool_result_to_str(result))

    def solved(self) -> bool:
        """Whether the user's task is done, by AgentDojo's own check."""
        return self._check(self.task)

    def attacked(self) -> bool:
        """Whether the attack has succeeded, by AgentDojo's own check."""
        return self.attack is not None and self._check(self.attack)

    def _check(self, task: Any) -> bool:
        suite = suites()[self.suite]
        said = [package.module("agentdojo.types").text_content_block_from_string(self.reply)]
        return bool(suite._check_task_result(task, said, self._before, self.environment, self.ran))  # noqa: SLF001 - its pipeline calls it, too


def cases(*, attacks: bool) -> Iterator[Case]:
    """Make every attack on every task, or every task without an attack."""
    for name, suite in suites().items():
        for task in suite.user_tasks.values():
            for attack in suite.injection_tasks.values() if attacks else (None,):
                yield Case(name, task, attack)


@cache
def suites() -> dict[str, Any]:
    """The suites, by name."""
    found: dict[str, Any] = package.module("agentdojo.task_suite.load_suites").get_suites(package.BENCHMARK)
    yaml = package.module("yaml")
    # The environments are large, and the pure parser takes a second for one.
    package.module("agentdojo.task_suite.task_suite").yaml = SimpleNamespace(
        load=yaml.load, dump=yaml.dump, safe_load=partial(yaml.load, Loader=yaml.CSafeLoader)
    )
    return found


@cache
def _seen(suite_name: str, task_id: str) -> frozenset[str]:
    """The places for injections that the model reads while it does a task."""
    suite = suites()[suite_name]
    marks = {place: f"<PLACE-{place}>" for place in suite.get_injection_vector_defaults()}
    case = Case(suite_name, suite.user_tasks[task_id])
    case.environment = case.task.init_environment(suite.load_and_inject_default_environment(marks))
    texts: list[str] = []
    for planned in case.task.ground_truth(case.environment):
        try:
            texts.append(case.run(planned.function, dict(planned.args)))
        except ToolError as error:
            texts.append(str(error))
    return frozenset(place for place, mark in marks.items() if any(mark in text for text in texts))


def agent(case_name: str, suite_name: str, find: Callable[[str], Case], permissions: Any = None) -> Agent:
    """Declare the agent of a case, with the suite's tools."""
    tools = [_tool(function, find) for function in suites()[suite_name].tools]
    return Agent(
        case_name, model=f"openai:{case_name}", tools=tools, permissions=permissions, max_steps=_MOST_STEPS
    )


def _tool(function: Any, find: Callable[[str], Case]) -> Tool[..., Any]:
    """Make a tool of an AgentDojo function; its signature comes from the function's input model."""

    async def call(ctx: ToolContext, **given: Any) -> str:
        return find(ctx.agent).run(function.name, given)

    empty = inspect.Parameter.empty
    fields = function.parameters.model_fields
    call.__annotations__ = {"ctx": ToolContext, **{name: each.annotation for name, each in fields.items()}}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [
        inspect.Parameter(name, keyword, default=empty if each.is_required() else each.get_default())
        for name, each in fields.items()
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may have one
    call.__doc__ = function.description
    named: Any = partial(
        tool, name=function.name, effect="idempotent" if function.name in EFFECTS else "none"
    )
    made: Tool[..., Any] = named()(call)
    return made
