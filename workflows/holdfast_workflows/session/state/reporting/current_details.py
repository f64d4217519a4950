"""Current details of a session for the Temporal UI: markdown that is replaced as the session goes on."""

import shlex
from datetime import UTC, datetime

from temporalio import workflow

from holdfast_workflows.contracts.control.inbox import InboxItem, ItemKind
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import TurnView
from holdfast_workflows.contracts.teams.views import TeamView
from holdfast_workflows.contracts.text.unicode import plain_markdown, preview

from .. import budget_limits, working_memory
from ..state import SessionState
from .timeline import clock, date

_EARLIER = 5
"""Ended turns that are listed after the current one."""

_RUNNING = 20
"""Running child sessions that are listed."""

_REASON = 400
"""Characters of a wait's reason; its last part is the end of the wait."""


def render(state: SessionState) -> str:
    """Render the session's current details: what it does and waits for, then the current turn, then earlier ones."""
    running = state.running
    where = _turns(state.turns)
    if running:
        where = f"turn {running.turn}, step {running.step}" if running.step else f"turn {running.turn}"
    status = "waits for a person" if state.status == "needs_person" else state.status
    lines = [
        f"**{_plain(state.agent)}** · {status} · {where}",
        "",
        *(line for each in state.inbox.unanswered for line in _item(each)),
        *(f"- **waits**: {_plain(reason, _REASON)}" for reason in state.waits.values()),
        *_now(state),
        *_children(state),
    ]
    facts = {
        "usage": _usage(state.total_usage),
        "child sessions": _team(state.team),
        "waiting messages": len(state.queue),
        "budget": budget_limits.usage_summary(state),
        "memory": state.memory,
        "context": f"{state.context} % of the prompt's budget" if state.context else "",
    }
    lines += [f"- {name}: {value}" for name, value in facts.items() if value]
    return "\n".join([*lines, *_working(state), *_turn(state), *_earlier(state)])


def _now(state: SessionState) -> list[str]:
    """Render what runs now."""
    waiting = {item.id for item in state.inbox.unanswered}
    active = [
        name
        for seq, name in state.active.items()
        if seq not in state.waits and waiting.isdisjoint({f"effect-{seq}", f"approval-{seq}"})
    ]
    if active:
        return ["- running now: " + ", ".join(map(_code, active))]
    if state.running and state.thinking_since and not (state.waits or state.inbox.unanswered):
        step = state.running.step + 1
        return [f"- running now: step {step}, the model, since {clock(state.thinking_since)}"]
    return []


def _children(state: SessionState) -> list[str]:
    """Render the child sessions that run, the newest last."""
    running = state.team.running if state.team else ()
    lines = [
        f"- {_plain(each.agent)} runs since {clock(each.since)} as {_code(each.session)}: {_plain(each.text)}"
        for each in running[:_RUNNING]
    ]
    return [*lines, f"- … and {len(running) - _RUNNING:,} more"] if len(running) > _RUNNING else lines


def _team(team: TeamView | None) -> str:
    """Count the child sessions and what they used, with their own children."""
    if team is None:
        return ""
    counts = {"running": len(team.running), "ended": team.ended}
    parts = [f"{count:,} {name}" for name, count in counts.items() if count]
    if team.usage != Usage():
        parts.append(_usage(team.usage))
    if team.uncounted:
        parts.append(f"without the usage of {team.uncounted:,} that were cancelled")
    return ", ".join(parts)


def _turn(state: SessionState) -> list[str]:
    """Render the running turn, or the one that ended last, with every step and call."""
    turn = state.running or state.last_ended
    if turn is None:
        return []
    started = datetime.fromtimestamp(turn.started, UTC)
    head = f"**Turn {turn.turn}**, started {started:%Y-%m-%d %H:%M:%S} UTC: {_plain(turn.request, 200)}"
    return ["", head, "", *state.timeline.lines()]


def _earlier(state: SessionState) -> list[str]:
    ended = list(state.recent) if state.running else list(state.recent)[:-1]
    lines = [_ended(turn) for turn in reversed(ended[-_EARLIER:])]
    return ["", "**Earlier turns**", "", *lines] if lines else []


def _ended(turn: TurnView) -> str:
    took = descriptions.duration(turn.ended - turn.started)
    steps = "1 step" if turn.steps == 1 else f"{turn.steps:,} steps"
    reply = turn.error.message if turn.error else turn.reply
    about = " · ".join(filter(None, (f"turn {turn.turn} {turn.status}", steps, took, _usage(turn.usage))))
    return f"- {clock(turn.started)} {about}: {_plain(turn.request, 60)} → {_plain(reply, 60)}"


def _usage(usage: Usage) -> str:
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return plain_markdown(descriptions.usage(usage).replace(" in,", f" tokens in{cached},", 1))


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


_ANSWERS: dict[ItemKind, dict[str, str]] = {
    "approval": {"approve": "run the call", "reject --reason …": "do not run it; the model reads the reason"},
    "effect": {
        "answer confirm --text …": "it happened; the text is its result",
        "answer retry": "it did not happen; do it again",
        "answer give-up": "continue without it",
    },
    "ask_human": {
        "answer confirm --text …": "answer the user",
        "answer retry": "ask the model again",
        "answer give-up": "continue without an answer",
    },
    "handover": {
        "answer confirm --text …": "reply to the user",
        "give-back --note …": "the agent replies again",
        "answer give-up": "end the turn without a reply",
    },
    "consent": {"answer retry": "the access is granted", "answer give-up": "continue without it"},
    "elicitation": {"answer confirm --text …": "give the input", "answer give-up": "continue without it"},
    "ticket": {"ticket settle": "give the result", "answer give-up": "continue without it"},
}
"""The commands that answer an item of each kind, and what they mean."""


def _item(item: InboxItem) -> list[str]:
    """Render an item of the inbox with the commands that answer it."""
    session = shlex.quote(workflow.info().workflow_id).replace("`", "")
    until = f", until {date(item.deadline)}" if item.deadline else ""
    whom = f" of {', '.join(map(_plain, item.owners))}" if item.owners else ""
    lines = [
        f"- **waits for a {'ticket' if item.ticket else 'person'}**{whom} since {clock(item.since)}{until}: {_plain(item.what, _REASON)}",
        *([f"- arguments: {_code(item.arguments)}"] if item.kind == "approval" else []),
    ]
    if item.kind == "budget":
        return [*lines, f"- run `holdfast budget {session} --add-…`"]
    for words, meaning in _ANSWERS[item.kind].items():
        command, _, rest = words.partition(" ")
        run = " ".join(
            filter(None, ("holdfast", command, session, "" if command == "give-back" else item.id, rest))
        )
        lines.append(f"- run `{run}`: {meaning}")
    return lines


def _code(name: str) -> str:
    """Format a tool's name as code. A model may have made the name up, so backticks are removed."""
    return f"`{preview(name, 64).replace('`', '')}`"


def _turns(number: int) -> str:
    return f"{number:,} turn" if number == 1 else f"{number:,} turns"


def _plain(text: str, most: int = 120) -> str:
    """Escape text of users and models, so that it cannot become a link, an image or markup."""
    return plain_markdown(preview(text, most))
