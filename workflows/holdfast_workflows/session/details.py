"""What the Temporal UI shows of a running session: markdown, replaced after every step, no events."""

from holdfast_workflows.contracts.session import Event
from holdfast_workflows.contracts.text import plain_markdown, preview

from .state import SessionState

_SHOWN = 12


def render(state: SessionState) -> str:
    """The session's current details."""
    running = state.running
    usage = state.usage + running.usage if running else state.usage
    where = f"turn {running.turn}, step {running.step}" if running else f"{state.turns} turns"
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
    if state.active:
        lines.append("- running now: " + ", ".join(_code(name) for name in state.active.values()))
    told = [_line(event) for event in list(state.events)[-_SHOWN:]]
    return "\n".join([*lines, "", *told])


def _line(event: Event) -> str:
    text = _quiet(event.text)
    match event.kind:
        case "turn_started":
            return f"1. **turn {event.turn}**: {text}"
        case "step":
            return f"1. step {event.step}: {text or '(tool calls)'}"
        case "call_started":
            return f"1. {_code(event.name)} started: {text}"
        case "call_ended":
            return f"1. {_code(event.name)} {event.status}: {text}"
        case "turn_ended":
            return f"1. **turn {event.turn} {event.status}**: {text}"
        case _:
            return f"1. {event.kind} {text}"


def _code(name: str) -> str:
    """A tool's name, which a model may have made up, as code that ends where the name does."""
    return f"`{preview(name, 64).replace('`', '')}`"


def _quiet(text: str) -> str:
    """Text from models and tools as plain words: nothing in it becomes a link, an image or markup."""
    short = text if len(text) <= 120 else text[:119] + "…"
    return plain_markdown(short.replace("\n", " "))
