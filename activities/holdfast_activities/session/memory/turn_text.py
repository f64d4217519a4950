"""What was said in a turn, as the log has it: for memories it word for word, and for drawing facts from it."""

from dataclasses import dataclass

from holdfast_activities import clock
from holdfast_activities.memory.outbox.changes import TurnDraft
from holdfast_activities.memory.scopes import kept
from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.agent.memory import Memory, RememberInput
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, UserEntry
from holdfast_workflows.contracts.text.unicode import clean, preview, redact

LONGEST = 2_000
"""Characters of what was said that are kept as one memory."""

_SHOWN = 4_000  # characters of one text that facts are drawn from
_RESULTS = 6  # tool results that are shown, the newest
_RESULT = 500  # characters of each
WEIGHED = 5_000
"""Characters of a tool result that a fact is held against: the reply may repeat what was not shown."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class TurnText:
    """What was said in a turn: the user's messages, the newest tool results, the final reply."""

    messages: tuple[UserEntry, ...]
    results: tuple[ResultEntry, ...]
    reply: ReplyEntry | None

    @property
    def at(self) -> float:
        """When the message came; the writer of a message does not say, but that of a reply does."""
        stated = next((entry.at for entry in self.messages if entry.at), 0.0)
        return stated or (self.reply.at - self.reply.seconds if self.reply else clock.now())

    @property
    def asked(self) -> str:
        """The user's words."""
        return "\n".join(entry.text[:_SHOWN] for entry in self.messages)

    def said(self, result: int = _RESULT) -> list[tuple[str, str]]:
        """Who said what, as facts are drawn from it; without secrets. ``result`` are the characters of a tool result."""
        found = [("user", self.asked)]
        found += [("tool", f"{entry.name}: {preview(entry.text, result)}") for entry in self.results]
        if self.reply:
            found.append(("agent", self.reply.text[:_SHOWN]))
        return [(speaker, redact(clean(text))) for speaker, text in found]


async def read(log: Log, request: RememberInput) -> TurnText:
    """What was said in the turn's part of the log."""
    messages: list[UserEntry] = []
    results: list[ResultEntry] = []
    reply: ReplyEntry | None = None
    async for entry in entries(log, request.session, request.start, request.stop):
        match entry:
            case UserEntry(role="message" | "steer"):
                messages.append(entry)
            case ResultEntry(status="ok"):
                results = [*results[1 - _RESULTS :], entry]
            case ReplyEntry() if entry.text and not entry.calls:
                reply = entry
            case _:
                pass
    return TurnText(tuple(messages), tuple(results), reply)


def drafts(turn: TurnText, request: RememberInput, memory: Memory) -> tuple[TurnDraft, ...]:
    """What was said: the message, with what was added while the turn ran, and the final reply."""
    scope = kept(memory, session=request.session, agent=request.agent, user=request.user)
    expires = turn.at + memory.expires_days * _DAY if memory.expires_days else 0.0
    found: list[TurnDraft] = []
    if turn.messages:
        found.append(
            TurnDraft(
                id=f"{request.session}:{turn.messages[0].seq}",
                scope=scope,
                text=_kept(turn.asked),
                at=turn.at,
                speaker=request.user or "user",
                session=request.session,
                place=2 * request.turn,
                trust="user",
                expires=expires,
            )
        )
    if turn.reply:
        found.append(
            TurnDraft(
                id=f"{request.session}:{turn.reply.seq}",
                scope=scope,
                text=_kept(turn.reply.text),
                at=turn.reply.at or turn.at,
                speaker=request.agent,
                session=request.session,
                place=2 * request.turn + 1,
                trust="agent",
                expires=expires,
            )
        )
    return tuple(found)


def _kept(text: str) -> str:
    """A text as it is kept: without secrets, and cut where it is long."""
    plain = redact(clean(text[: 2 * LONGEST]))
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
