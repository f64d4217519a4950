"""What is done to a prompt that does not fit, in this order, until it does.

Each strategy goes on until the goal is reached, which is well under the limit: a prompt is
shortened seldom and by much, so that its beginning is the same for many steps and
providers' prompt caches hit. All of them keep the message of the running turn and the
newest step, and never part a reply from the results of its calls.
"""

from collections.abc import Sequence
from typing import Protocol

from .draft import Draft
from .prompt_parts import PromptPart, Reason

MEMORY_SHARE = 0.4
"""The most that the memories of a turn take of what instructions, tools and message leave."""

RECENT_SHARE = 0.5
"""The part of the goal whose newest pieces truncation leaves whole: what is older than they are goes first,
though it was cut already, and a worker that takes a long session over shows them as the one before did."""

OVER_SHARE = Reason("truncation", "the message of the turn, over its share of 30 %")
FEWER_MEMORIES = Reason("", "memories over their share of 40 %")
OLD_MEMORIES = Reason("truncation", "memories of an earlier turn")
OLD_AND_LONG = Reason("truncation", "long and not of the newest step")
SUMMED_UP = Reason("compression", "a summary stands for it")
SLID_OUT = Reason("sliding window", "older than what fits")
TOO_LONG = Reason("minimal context", "the newest step alone is over the window")
NOT_NEEDED = Reason("minimal context", "the window has room for little but the newest step")


class Strategy(Protocol):
    """One way to make a prompt shorter."""

    name: str

    def __call__(self, draft: Draft) -> None:
        """Shorten it to its goal, or as far as this way goes."""
        ...


def share_memories(draft: Draft, task: int) -> None:
    """Keep the memories of the running turn to their share, where its message takes so many tokens.

    This binds whether the rest fits or not.
    """
    at = draft.find(draft.scene.memory)
    if at is None:
        return
    most = max(0, int((draft.limit - task) * MEMORY_SHARE))
    draft.shorten(at, most, FEWER_MEMORIES)
    if draft.pieces[at].tokens > most:
        draft.leave_out([at], FEWER_MEMORIES)


class Truncation:
    """The running turn's message to its share; memories of earlier turns left out; long old texts cut."""

    name = OVER_SHARE.strategy

    def __call__(self, draft: Draft) -> None:
        scene = draft.scene
        task = draft.find(scene.task)
        if task is not None:
            draft.shorten(task, draft.share, OVER_SHARE)
        over = draft.tokens - draft.goal
        old: list[int] = []
        for at, piece in enumerate(draft.pieces):
            if over > 0 and piece.part == "memory" and piece.seq != scene.memory:
                old.append(at)
                over -= piece.tokens
        draft.leave_out(old, OLD_MEMORIES)
        recent = draft.recent(int(draft.goal * RECENT_SHARE))
        for at, piece in enumerate(draft.pieces[:recent]):
            if draft.tokens <= draft.goal:
                return
            if piece.short is not None and not scene.keeps(piece):
                draft.put(at, scene.refit(piece.short, piece.tokens), OLD_AND_LONG)


class Compression:
    """The newest summary in the place of what it covers."""

    name = SUMMED_UP.strategy

    def __call__(self, draft: Draft) -> None:
        told = draft.scene.summary
        if told is None:
            return
        before = [i for i, piece in enumerate(draft.pieces) if piece.part == "summary"]
        if before and draft.pieces[before[0]].seq == told.piece.seq:
            return
        covered: list[int] = []
        for unit in draft.units():
            first, last = draft.pieces[unit[0]], draft.pieces[unit[-1]]
            if last.seq < told.stop and not draft.scene.keeps(first):
                covered += unit
        gain = sum(draft.pieces[i].tokens for i in (*before, *covered)) - told.piece.tokens
        if gain > 0:
            draft.leave_out(covered, SUMMED_UP)
            draft.drop(before)
            draft.lead(told.piece)
            write_again(draft)


class SlidingWindow:
    """The oldest steps left out, each with all its results."""

    name = SLID_OUT.strategy

    def __call__(self, draft: Draft) -> None:
        scene = draft.scene
        over = draft.tokens - draft.goal
        led = any(piece.written for piece in draft.pieces)
        gone: list[int] = []
        for unit in draft.units():
            first = draft.pieces[unit[0]]
            if scene.keeps(first):
                led = led or first.fragment.kind != "reply"
                continue
            # Some providers refuse a conversation that does not begin with a user.
            headless = first.fragment.kind == "reply" and not led and bool(scene.task)
            if over <= 0 and not headless:
                break
            gone += unit
            over -= sum(draft.pieces[i].tokens for i in unit)
            over += sum(piece.tokens for seq, piece in scene.written if seq == first.seq)
        draft.leave_out(gone, SLID_OUT)
        write_again(draft)


class MinimalContext:
    """Instructions, message and newest step, their texts cut evenly."""

    name = TOO_LONG.strategy

    def __call__(self, draft: Draft) -> None:
        self._cut(draft, replies=False)
        if draft.tokens > draft.limit:
            scene = draft.scene
            spare = [i for i, p in enumerate(draft.pieces) if p.written or p.seq == scene.memory]
            draft.leave_out(spare, NOT_NEEDED)
            self._cut(draft, replies=True)

    def _cut(self, draft: Draft, *, replies: bool) -> None:
        for _ in range(3):  # a text cut to so many tokens may take a few more
            if draft.tokens <= draft.limit:
                return
            cuttable = [i for i, piece in enumerate(draft.pieces) if self._may_cut(draft, piece, replies)]
            sizes = [draft.pieces[i].tokens for i in cuttable]
            room = draft.limit - (draft.tokens - sum(sizes))
            most = _level(sizes, room)
            for at in cuttable:
                draft.shorten(at, most, TOO_LONG)

    def _may_cut(self, draft: Draft, piece: PromptPart, replies: bool) -> bool:
        if piece.written or piece.seq not in draft.scene.entries or piece.seq == draft.scene.memory:
            return False
        return replies or piece.fragment.kind != "reply"


def write_again(draft: Draft, *, renew: bool = False) -> None:
    """Write the plan and the notes out again once the steps that wrote them are gone.

    What was written out before stays as it is until then, though the plan has changed since, so that the
    prompt's beginning stays, too; the newer plan is in the conversation. ``renew`` ends that.
    """
    if renew:
        draft.drop([i for i, piece in enumerate(draft.pieces) if piece.part == "plan"])
    there = {piece.seq for piece in draft.pieces}
    at = 1 if draft.pieces and draft.pieces[0].part == "summary" else 0
    for seq, piece in draft.scene.written:
        if seq not in there:
            draft.lead(piece, at)
            at += 1


def _level(sizes: Sequence[int], room: int) -> int:
    """To how much each has to be cut so that together they fit."""
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return max(0, room // left)
        room -= size
        left -= 1
    return room


STRATEGIES: tuple[Strategy, ...] = (Truncation(), Compression(), SlidingWindow(), MinimalContext())
