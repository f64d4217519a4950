"""Change a prompt that a provider refused, so that the same prompt is not sent twice.

After a content filter stopped a reply, the results of the running turn are left out and the user's messages are
stripped. After a prompt was too long, it is built again in half the size. The conversation keeps the change, so that
the next step of the turn does not meet the same refusal.
"""

import re
from collections.abc import Iterable, Sequence

from holdfast_activities.models.base import Fragment
from holdfast_workflows.contracts.session.entries import Entry, MemoryEntry, ResultEntry, UserEntry

from .conversation import Conversation
from .prompt.prompt_parts import Reason

LEFT_OUT = "[left out: a content filter stopped the reply to it]"
"""Replaces a tool's result or a memory."""

FILTERED = Reason("", "cleaned: a content filter stopped the reply to it")

# Linear time: messages are up to a megabyte.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_STRIPPED = (
    (_INVISIBLE, ""),
    (re.compile(r"<[A-Za-z!?/|][^<>]*>"), " "),  # tags, comments, marks of chat templates
    (re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*\)"), r"\1"),  # Markdown links and images
    (re.compile(r"(?i)\b(?:https?|ftp|file|data|javascript):[^\s<>\"']+|\bwww\.[^\s<>\"']+"), "[link]"),
    (re.compile(r"[A-Za-z0-9+/=_-]{60,}"), "[data]"),  # base64 and hex
    (re.compile(r"`{3,}|~{3,}"), ""),
)


def stripped(text: str) -> str:
    """Remove markup, links, long runs of encoded data and invisible characters."""
    for pattern, instead in _STRIPPED:
        text = pattern.sub(instead, text)
    return text


def cleaned(conversation: Conversation, entries: Iterable[Entry]) -> bool:
    """Clean the running turn after a content filter; return whether that changed anything.

    ``entries`` are those of the turn that were sent, see ``Conversations.sent_entries``.
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
    """Limit the conversation to a share of ``sent``, which was too long; return whether less will be sent.

    ``alone``: the message was sent alone.
    """
    room = int(sum(fragment.tokens for fragment in sent) * share)
    before, conversation.ceiling = conversation.ceiling, room
    fragments = conversation.alone(room)[0] if alone else conversation.within(room)
    if _bytes(fragments) < _bytes(sent):
        return True
    conversation.ceiling = before  # the conversation is not the part that was too long
    return False


def _bytes(fragments: Iterable[Fragment]) -> int:
    return sum(len(fragment.data) for fragment in fragments)
