"""Read the texts of a turn from the log, to store them and to extract facts from them."""

from dataclasses import dataclass

from holdfast_activities import clock
from holdfast_activities.memory.outbox.changes import TurnDraft
from holdfast_activities.memory.scopes import stored_scope
from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.agent.memory import Memory, RememberInput
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, UserEntry
from holdfast_workflows.contracts.text.redaction import redact
from holdfast_workflows.contracts.text.unicode import clean, preview

LONGEST = 2_000  # maximum characters of a stored message or reply
_SHOWN = 4_000  # characters of a message or reply shown to the model
_RESULTS = 6  # tool results shown, the newest
_RESULT = 500  # characters of each
CHECKED = 5_000
"""Characters of a tool result that facts are checked against: the reply may repeat what was not shown."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class TurnText:
    """The user's messages, the newest tool results, and the final reply."""

    messages: tuple[UserEntry, ...]
    results: tuple[ResultEntry, ...]
    reply: ReplyEntry | None

    @property
    def at(self) -> float:
        """Time of the message; estimated from the reply if the client did not set it."""
        stated = next((entry.at for entry in self.messages if entry.at), 0.0)
        return stated or (self.reply.at - self.reply.seconds if self.reply else clock.now())

    @property
    def message(self) -> str:
        return "\n".join(entry.text[:_SHOWN] for entry in self.messages)

    def texts(self, result: int = _RESULT) -> list[tuple[str, str]]:
        """Return pairs of ``user``, ``tool`` or ``agent`` and a text without secrets.

        ``result`` is the maximum characters of a tool result.
        """
        found = [("user", self.message)]
        found += [("tool", f"{entry.name}: {preview(entry.text, result)}") for entry in self.results]
        if self.reply:
            found.append(("agent", self.reply.text[:_SHOWN]))
        return [(speaker, redact(clean(text))) for speaker, text in found]


async def read(log: Log, request: RememberInput) -> TurnText:
    """Read the turn's part of the log."""
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
    """Return the message and the final reply as memories, without secrets and cut to ``LONGEST``."""

    def draft(seq: int, text: str, at: float, **fields: object) -> TurnDraft:
        plain = redact(clean(text[: 2 * LONGEST]))
        common = {
            "id": f"{request.session}:{seq}",
            "scope": stored_scope(
                memory, session=request.session, agent=request.agent, user=request.user, root=request.root
            ),
            "text": plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…",
            "at": at,
            "session": request.session,
            "expires": turn.at + memory.expires_days * _DAY if memory.expires_days else 0.0,
        }
        return TurnDraft.model_validate(common | fields)

    found: list[TurnDraft] = []
    place = 2 * request.turn
    if turn.messages:
        user = request.user or "user"
        found.append(
            draft(turn.messages[0].seq, turn.message, turn.at, speaker=user, place=place, trust="user")
        )
    if turn.reply:
        at = turn.reply.at or turn.at
        # What the agent says after it has read untrusted content may be that content.
        trust = "tool" if request.untrusted else "agent"
        found.append(
            draft(turn.reply.seq, turn.reply.text, at, speaker=request.agent, place=place + 1, trust=trust)
        )
    return tuple(found)
