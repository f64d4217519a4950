"""A step of a team: like a model's, but the team's plan decides it, from the results in the log."""

from collections.abc import Sequence
from typing import Final

from holdfast_activities import clock
from holdfast_activities.session.common.agents import LiveAgent
from holdfast_activities.session.common.heartbeat import UNWATCHED, Heartbeat
from holdfast_activities.session.common.judged import judged_calls
from holdfast_activities.session.common.log_writes import new_entries, settle
from holdfast_activities.session.model_call.step_result import step_view
from holdfast_activities.state.database import State
from holdfast_activities.state.log.reading import entries
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts.errors import StateError
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, UserEntry
from holdfast_workflows.contracts.session.progress import Partial
from holdfast_workflows.contracts.session.steps import ThinkInput, ThinkResult
from holdfast_workflows.contracts.teams.team import TeamSpec
from holdfast_workflows.contracts.text.unicode import dump_json

from .team_plan import Results, decide

_SPENT: Final = "The budget was used up before there was a result."


async def take_step(state: State, step: ThinkInput, agent: LiveAgent, team: TeamSpec) -> ThinkResult:
    """Settle the team's next step; a second attempt decides the same, and gets what the first one wrote.

    Raises:
        HoldfastError: The team cannot go on.
    """
    with Heartbeat(UNWATCHED, lambda: Partial(turn=step.turn, step=step.step, seq=step.seq)):
        new = await new_entries(state, step.session, step.new, turn=step.turn, step=step.step)
        with spans.plan(step.agent) as plan:
            own = await _reply(state, step, team, new)
            stored, _ = await settle(state.log, step.session, [*new, own])
            reply = stored[-1]
            if reply != own:  # decided by an earlier attempt
                plan.not_made()
        if not isinstance(reply, ReplyEntry):
            raise StateError(f"number {step.seq} of the log holds a {reply.kind}, not a reply")
        judged = await judged_calls(step, agent, reply, {}, state.log)
        view = step_view(reply, {}, "", judged=judged)
        return ThinkResult(decided=(descriptions.decided(view),), steps=(view,))


async def _reply(state: State, step: ThinkInput, team: TeamSpec, new: Sequence[Entry]) -> ReplyEntry:
    model, calls, text = "", tuple[ToolCall, ...](), step.answer
    if step.answer:
        model = "person"
    else:
        written = [each async for each in entries(state.log, step.session, 1, step.seq)]
        of_turn = [each for each in (*written, *new) if each.turn == step.turn and not _abandoned(step, each)]
        request, results = _read(of_turn)
        decided = decide(team, request, results)
        if isinstance(decided, str):
            text = decided
        elif step.mode == "final":
            text = "\n\n".join(each.text for each in results[-1]) if results else _SPENT
        else:
            calls = tuple(
                ToolCall(id=f"{step.seq}-{place}", name=tool, arguments=dump_json(arguments))
                for place, (tool, arguments) in enumerate(decided, 1)
            )
    return ReplyEntry(
        seq=step.seq,
        turn=step.turn,
        step=step.step,
        at=clock.now(),
        text=text,
        calls=calls,
        finish="tool_calls" if calls else "stop",
        model=model,
    )


def _abandoned(step: ThinkInput, entry: Entry) -> bool:
    return any(start <= entry.seq < stop for start, stop in step.abandoned)


def _read(of_turn: Sequence[Entry]) -> tuple[str, Results]:
    """The turn's message with what was added to it, and the results of each of the team's steps."""
    texts: list[str] = []
    by_seq: dict[int, ResultEntry] = {}
    replies: list[ReplyEntry] = []
    for entry in of_turn:
        if isinstance(entry, UserEntry) and entry.role != "repair":
            texts.append(entry.text)
        elif isinstance(entry, ResultEntry):
            by_seq[entry.seq] = entry
        elif isinstance(entry, ReplyEntry) and entry.calls:
            replies.append(entry)
    results = [[by_seq[seq] for seq in _seqs(reply) if seq in by_seq] for reply in replies]
    return "\n\n".join(texts), results


def _seqs(reply: ReplyEntry) -> range:
    return range(reply.seq + 1, reply.seq + 1 + len(reply.calls))
