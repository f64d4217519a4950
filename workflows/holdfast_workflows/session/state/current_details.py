"""Current details of a session for the Temporal UI: markdown that is replaced after every step."""

import shlex

from temporalio import workflow

from holdfast_workflows.contracts.operations.effects import PendingDecision
from holdfast_workflows.contracts.session.session import Event
from holdfast_workflows.contracts.text.unicode import plain_markdown, preview

from . import budget_limits, working_memory
from .state import SessionState

_SHOWN = 12

_REASON = 400
"""Characters of a wait's reason; its last part is the end of the wait."""


def render(state: SessionState) -> str:
    """Render the session's current details."""
    running = state.running
    usage = state.total_usage
    where = f"turn {running.turn}, step {running.step}" if running else _turns(state.turns)
    lines = [
        f"**{state.start.agent}** · {state.status} · {where}",
        "",
        f"- tokens: {usage.input_tokens:,} in ({usage.cached_tokens:,} cached), {usage.output_tokens:,} out",
        f"- cost: ${usage.cost:.4f}",
    ]
    if running and running.request:
        lines.append(f"- request: {_plain(running.request)}")
    facts = {
        "waiting messages": len(state.queue),
        "budget": budget_limits.usage_summary(state),
        "memory": state.memory,
        "context": f"{state.context} % of the prompt's budget" if state.context else "",
    }
    lines += [f"- {name}: {value}" for name, value in facts.items() if value]
    lines += _working(state)
    lines += [f"- waits: {_plain(reason, _REASON)}" for reason in state.waits.values()]
    lines += [_waiting(each) for each in state.undecided]
    if state.active:
        lines.append("- running now: " + ", ".join(_code(name) for name in state.active.values()))
    recent = [_line(event) for event in list(state.events)[-_SHOWN:]]
    return "\n".join([*lines, "", *recent])


_TICKS = {"todo": "[ ]", "doing": "[ ]", "done": "[x]", "dropped": "[x]"}


def _working(state: SessionState) -> list[str]:
    """Render the agent's plan as a check list, and its notes."""
    lines = [f"- plan: {_plain(working_memory.progress(state.plan))}"] if state.plan else []
    for item in state.plan:
        aside = f" ({item.status})" if item.status in {"doing", "dropped"} else ""
        lines.append(f"  - {_TICKS[item.status]} {_plain(item.text, 200)}{aside}")
    if state.notes:
        lines.append(f"- notes: {_plain(state.notes, _REASON)}")
    return lines


def _waiting(waiting: PendingDecision) -> str:
    """Render a pending decision with the command that resolves it."""
    session = shlex.quote(workflow.info().workflow_id)
    if waiting.kind == "budget":
        command = f"holdfast budget {session} --add-…"
    else:
        command = f"holdfast resolve {session} {waiting.id} confirm --text …|retry|give-up"
    return f"- **waits for a person**: {_plain(waiting.what)}; run `{command.replace('`', '')}`"


_WORDS = {"needs_person": "waits for a person", "recalled": "memory"}


def _line(event: Event) -> str:
    text = _plain(event.text)
    match event.kind:
        case "turn_started":
            line = f"**turn {event.turn}**: {text}"
        case "step":
            line = f"step {event.step}: {text or '(tool calls)'}"
        case "call_started":
            line = f"{_code(event.name)} started: {text}"
        case "call_ended":
            line = f"{_code(event.name)} {event.status}: {text}"
        case "turn_ended":
            line = f"**turn {event.turn} {event.status}**: {text}"
        case "decided":
            line = f"{_plain(event.name) or 'a person'} decided: {event.status.replace('_', ' ')} {text}"
        case "fallback":
            line = f"fallback {event.name}: {text}"
        case "undone":
            line = f"{_code(event.name)} undone, {event.status}: {text}"
        case _:
            word = _WORDS.get(event.kind, event.kind)
            line = f"{word}: {text}" if text else word
    return f"1. {line.rstrip()}"


def _code(name: str) -> str:
    """Format a tool's name as code. A model may have made the name up, so backticks are removed."""
    return f"`{preview(name, 64).replace('`', '')}`"


def _turns(number: int) -> str:
    return f"{number:,} turn" if number == 1 else f"{number:,} turns"


def _plain(text: str, most: int = 120) -> str:
    """Escape text of models and tools, so that it cannot become a link, an image or markup."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return plain_markdown(short.replace("\n", " "))
