"""What the Temporal UI shows of a running session: markdown, replaced after every step, no events."""

import shlex

from temporalio import workflow

from holdfast_workflows.contracts.effects import PendingDecision
from holdfast_workflows.contracts.session import Event
from holdfast_workflows.contracts.text import plain_markdown, preview

from . import budget_limits, working_memory
from .state import SessionState

_SHOWN = 12

_REASON = 400
"""Characters of why a run is parked: until when stands at the end."""


def render(state: SessionState) -> str:
    """The session's current details."""
    running = state.running
    usage = state.usage + running.usage if running else state.usage
    where = f"turn {running.turn}, step {running.step}" if running else _turns(state.turns)
    lines = [
        f"**{state.start.agent}** · {state.status} · {where}",
        "",
        f"- tokens: {usage.input_tokens:,} in ({usage.cached_tokens:,} cached), {usage.output_tokens:,} out",
        f"- cost: ${usage.cost:.4f}",
    ]
    if running and running.request:
        lines.append(f"- request: {_quiet(running.request)}")
    if state.queue:
        lines.append(f"- waiting messages: {len(state.queue)}")
    if spent := budget_limits.shown(state):
        lines.append(f"- budget: {spent}")
    if state.memory:
        lines.append(f"- memory: {state.memory}")
    if state.context:
        lines.append(f"- context: {state.context} % of what a prompt has room for")
    lines += _working(state)
    lines += [f"- parked: {_quiet(reason, _REASON)}" for reason in state.waits.values()]
    lines += [_waiting(each) for each in state.undecided]
    if state.active:
        lines.append("- running now: " + ", ".join(_code(name) for name in state.active.values()))
    told = [_line(event) for event in list(state.events)[-_SHOWN:]]
    return "\n".join([*lines, "", *told])


_TICKS = {"todo": "[ ]", "doing": "[ ]", "done": "[x]", "dropped": "[x]"}


def _working(state: SessionState) -> list[str]:
    """The agent's plan as a list with ticks, and its notes."""
    lines = [f"- plan: {_quiet(working_memory.in_short(state.plan))}"] if state.plan else []
    for item in state.plan:
        aside = f" ({item.status})" if item.status in {"doing", "dropped"} else ""
        lines.append(f"  - {_TICKS[item.status]} {_quiet(item.text, 200)}{aside}")
    if state.notes:
        lines.append(f"- notes: {_quiet(state.notes, _REASON)}")
    return lines


def _waiting(waiting: PendingDecision) -> str:
    """What waits for a person, with the command that ends the wait."""
    session = shlex.quote(workflow.info().workflow_id)
    if waiting.kind == "budget":
        command = f"holdfast budget {session} --add-…"
    else:
        command = f"holdfast resolve {session} {waiting.id} confirm --text …|retry|give-up"
    return f"- **waits for a person**: {_quiet(waiting.what)}; run `{command.replace('`', '')}`"


_WORDS = {"needs_person": "waits for a person", "recalled": "memory"}


def _line(event: Event) -> str:
    text = _quiet(event.text)
    match event.kind:
        case "turn_started":
            told = f"**turn {event.turn}**: {text}"
        case "step":
            told = f"step {event.step}: {text or '(tool calls)'}"
        case "call_started":
            told = f"{_code(event.name)} started: {text}"
        case "call_ended":
            told = f"{_code(event.name)} {event.status}: {text}"
        case "turn_ended":
            told = f"**turn {event.turn} {event.status}**: {text}"
        case "decided":
            told = f"{_quiet(event.name) or 'somebody'} decided: {event.status.replace('_', ' ')} {text}"
        case "fallback":
            told = f"last resort, {event.name}: {text}"
        case "undone":
            told = f"{_code(event.name)} undone, {event.status}: {text}"
        case _:
            word = _WORDS.get(event.kind, event.kind)
            told = f"{word}: {text}" if text else word
    return f"1. {told.rstrip()}"


def _code(name: str) -> str:
    """A tool's name, which a model may have made up, as code that ends where the name does."""
    return f"`{preview(name, 64).replace('`', '')}`"


def _turns(number: int) -> str:
    return f"{number:,} turn" if number == 1 else f"{number:,} turns"


def _quiet(text: str, most: int = 120) -> str:
    """Text from models and tools as plain words: nothing in it becomes a link, an image or markup."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return plain_markdown(short.replace("\n", " "))
