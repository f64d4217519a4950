"""Strategies that shorten a prompt, applied in order until it fits.

Each one shortens to the goal, which is well below the limit. A prompt is shortened rarely and by much, so that its
beginning stays the same for many steps and the providers' prompt caches hit. All strategies keep the running turn's
message and the newest step, and never separate a reply from its results.
"""

from collections.abc import Callable, Sequence

from .draft import Draft
from .prompt_parts import PromptPart, Reason

MEMORY_SHARE = 0.4
"""Maximum share of a turn's memories in the space that instructions, tools and message leave."""

RECENT_SHARE = 0.5
"""Truncation leaves the newest parts whole up to this share of the goal. Older ones are cut first, even if they were
cut before, so that a worker that takes over a long session shows the same as the previous worker."""

OVER_SHARE = Reason("truncation", "the message of the turn, over its share of 30 %")
FEWER_MEMORIES = Reason("", "memories over their share of 40 %")
OLD_MEMORIES = Reason("truncation", "memories of an earlier turn")
OLD_AND_LONG = Reason("truncation", "long and not of the newest step")
SUMMED_UP = Reason("compression", "a summary stands for it")
SLID_OUT = Reason("sliding window", "older than what fits")
TOO_LONG = Reason("minimal context", "the newest step alone is over the window")
NOT_NEEDED = Reason("minimal context", "the window has room for little but the newest step")


def share_memories(draft: Draft, task: int) -> None:
    """Limit the running turn's memories to their share, even if everything fits. ``task``: tokens of its message."""
    at = draft.find(draft.context.memory)
    if at is None:
        return
    most = max(0, int((draft.limit - task) * MEMORY_SHARE))
    draft.shorten(at, most, FEWER_MEMORIES)
    if draft.pieces[at].tokens > most:
        draft.leave_out([at], FEWER_MEMORIES)


def truncate(draft: Draft) -> None:
    """Cut the running turn's message to its share, leave out memories of earlier turns, cut long old texts."""
    context = draft.context
    task = draft.find(context.task)
    if task is not None:
        draft.shorten(task, draft.share, OVER_SHARE)
    over = draft.tokens - draft.goal
    old: list[int] = []
    for at, piece in enumerate(draft.pieces):
        if over > 0 and piece.part == "memory" and piece.seq != context.memory:
            old.append(at)
            over -= piece.tokens
    draft.leave_out(old, OLD_MEMORIES)
    recent = draft.recent(int(draft.goal * RECENT_SHARE))
    for at, piece in enumerate(draft.pieces[:recent]):
        if draft.tokens <= draft.goal:
            return
        if piece.short is not None and not context.keeps(piece):
            draft.put(at, context.refit(piece.short, piece.tokens), OLD_AND_LONG)


def compress(draft: Draft) -> None:
    """Replace entries by the newest summary of them."""
    summary, stop = draft.context.summary, draft.context.summary_stop
    before = [i for i, piece in enumerate(draft.pieces) if piece.part == "summary"]
    if summary is None or (before and draft.pieces[before[0]].seq == summary.seq):
        return
    covered: list[int] = []
    for unit in draft.units():
        if draft.pieces[unit[-1]].seq < stop and not draft.context.keeps(draft.pieces[unit[0]]):
            covered += unit
    gain = sum(draft.pieces[i].tokens for i in (*before, *covered)) - summary.tokens
    if gain > 0:
        draft.leave_out(covered, SUMMED_UP)
        draft.drop(before)
        draft.lead(summary)
        repeat_working_memory(draft)


def slide(draft: Draft) -> None:
    """Leave out the oldest steps, each with all its results."""
    context = draft.context
    over = draft.tokens - draft.goal
    led = any(piece.leads for piece in draft.pieces)
    gone: list[int] = []
    for unit in draft.units():
        first = draft.pieces[unit[0]]
        if context.keeps(first):
            led = led or first.fragment.kind != "reply"
            continue
        # Some providers refuse a conversation that does not begin with a user message.
        headless = first.fragment.kind == "reply" and not led and bool(context.task)
        if over <= 0 and not headless:
            break
        gone += unit
        over -= sum(draft.pieces[i].tokens for i in unit)
        over += sum(piece.tokens for seq, piece in context.working if seq == first.seq)
    draft.leave_out(gone, SLID_OUT)
    repeat_working_memory(draft)


def minimise(draft: Draft) -> None:
    """Keep instructions, message and newest step, and cut their texts evenly."""
    _cut_evenly(draft, replies=False)
    if draft.tokens > draft.limit:
        spare = [i for i, p in enumerate(draft.pieces) if p.leads or p.seq == draft.context.memory]
        draft.leave_out(spare, NOT_NEEDED)
        _cut_evenly(draft, replies=True)


def _cut_evenly(draft: Draft, *, replies: bool) -> None:
    def may_cut(piece: PromptPart) -> bool:
        if piece.leads or piece.seq not in draft.context.entries or piece.seq == draft.context.memory:
            return False
        return replies or piece.fragment.kind != "reply"

    for _ in range(3):  # a cut text may take slightly more than its limit
        if draft.tokens <= draft.limit:
            return
        cuttable = [i for i, piece in enumerate(draft.pieces) if may_cut(piece)]
        sizes = [draft.pieces[i].tokens for i in cuttable]
        most = _even_limit(sizes, draft.limit - (draft.tokens - sum(sizes)))
        for at in cuttable:
            draft.shorten(at, most, TOO_LONG)


def repeat_working_memory(draft: Draft, *, renew: bool = False) -> None:
    """Repeat the plan and the notes before the conversation once the steps that wrote them are left out.

    An earlier repetition stays, even if the plan has changed since, so that the prompt's beginning stays the same;
    the newer plan is in the conversation. ``renew`` replaces it.
    """
    if renew:
        draft.drop([i for i, piece in enumerate(draft.pieces) if piece.part == "plan"])
    there = {piece.seq for piece in draft.pieces}
    at = 1 if draft.pieces and draft.pieces[0].part == "summary" else 0
    for seq, piece in draft.context.working:
        if seq not in there:
            draft.lead(piece, at)
            at += 1


def _even_limit(sizes: Sequence[int], room: int) -> int:
    """Return the largest limit of each part with which all fit in ``room``."""
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return max(0, room // left)
        room -= size
        left -= 1
    return room


STRATEGIES: dict[str, Callable[[Draft], None]] = {
    OLD_AND_LONG.strategy: truncate,
    SUMMED_UP.strategy: compress,
    SLID_OUT.strategy: slide,
    TOO_LONG.strategy: minimise,
}
"""In the order in which they are applied."""
