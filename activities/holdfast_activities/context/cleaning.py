"""What is sent once more after a provider would not answer what it was sent: never the same again.

After a content filter stopped a reply, the running turn is sent without what its tools
returned and without what filters trip over in the user's words. After a prompt turned out
to be too long, the builder makes it anew within half of that. The conversation keeps to
either from then on, so that the turn's next step does not meet the same refusal.
"""

import re
from collections.abc import Iterable, Sequence

from holdfast_activities.models.base import Fragment
from holdfast_workflows.contracts.session.entries import Entry, MemoryEntry, ResultEntry, UserEntry

from .conversation import Conversation
from .prompt_parts import Reason

LEFT_OUT = "[left out: a content filter stopped the reply to it]"
"""What stands in place of a tool's result."""

FILTERED = Reason("", "cleaned: a content filter stopped the reply to it")

# None of them can look at the same character often: messages are up to a megabyte.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_STRIPPED = (
    (_INVISIBLE, ""),
    (re.compile(r"<[A-Za-z!?/|][^<>]*>"), " "),  # tags, comments, and the marks of chat templates
    (re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*\)"), r"\1"),  # markdown's links and pictures
    (re.compile(r"(?i)\b(?:https?|ftp|file|data|javascript):[^\s<>\"']+|\bwww\.[^\s<>\"']+"), "[link]"),
    (re.compile(r"[A-Za-z0-9+/=_-]{60,}"), "[data]"),  # base64 and hex
    (re.compile(r"`{3,}|~{3,}"), ""),
)


def stripped(text: str) -> str:
    """A text without markup, links, long runs of encoded data and characters that nobody sees."""
    for pattern, instead in _STRIPPED:
        text = pattern.sub(instead, text)
    return text


def cleaned(conversation: Conversation, entries: Iterable[Entry]) -> bool:
    """Clean the running turn after a content filter stopped the reply to it; whether that changed anything.

    Args:
        conversation: It keeps what is changed.
        entries: Those of the running turn that were sent, from ``Conversations.behind``.
    """
    changed: dict[int, Entry] = {}
    for entry in entries:
        if isinstance(entry, MemoryEntry):
            changed[entry.seq] = entry.model_copy(update={"text": LEFT_OUT, "memories": ()})
        elif isinstance(entry, ResultEntry | UserEntry):
            text = LEFT_OUT if isinstance(entry, ResultEntry) else stripped(entry.text)
            changed[entry.seq] = entry.model_copy(update={"text": text})
    return conversation.replace(changed, FILTERED)


def smaller(
    conversation: Conversation, sent: Sequence[Fragment], *, share: float = 0.5, alone: bool = False
) -> bool:
    """Keep the conversation to a share of what was too long from now on; whether less will be sent.

    Args:
        conversation: Where ``sent`` comes from.
        sent: What was too long.
        share: The part of it for which there is room.
        alone: Whether that was the message alone.
    """
    room = int(sum(fragment.tokens for fragment in sent) * share)
    before, conversation.ceiling = conversation.ceiling, room
    kept = conversation.alone(room)[0] if alone else conversation.within(room)
    if _bytes(kept) < _bytes(sent):
        return True
    conversation.ceiling = before  # it was not the conversation that was too long
    return False


def _bytes(fragments: Iterable[Fragment]) -> int:
    return sum(len(fragment.data) for fragment in fragments)
