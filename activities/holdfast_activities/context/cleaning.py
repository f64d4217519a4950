"""What is sent once more after a provider would not answer what it was sent: never the same again.

After a content filter stopped a reply, the running turn is sent without what its tools
returned and without what filters trip over in the user's words. After a prompt turned out
to be too long, half of it is sent. The conversation keeps to either from then on, so that
the turn's next step does not meet the same refusal.
"""

import re
from collections.abc import Iterable, Sequence

from holdfast_activities.models import wire
from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.entries import Entry, ReplyEntry, ResultEntry
from holdfast_workflows.contracts.text import size

from .conversation import Conversation

LEFT_OUT = "[left out: a content filter stopped the reply to it]"
"""What stands in place of a tool's result."""

_LEAST = 1_000  # bytes to which a text is cut at most
_BYTES_PER_TOKEN = 4

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


def cleaned(
    conversation: Conversation, sent: Sequence[Fragment], entries: Iterable[Entry], model: Model
) -> list[Fragment] | None:
    """What to send after a content filter stopped the reply to ``sent``; None if it would be the same.

    Args:
        conversation: Where ``sent`` comes from; it keeps what is changed.
        sent: What the filter stopped.
        entries: Those of the running turn that ``sent`` holds, from ``Conversations.behind``.
        model: Gives the wire format.
    """
    changed: list[Entry] = []
    for entry in entries:
        if not isinstance(entry, ReplyEntry):
            text = LEFT_OUT if isinstance(entry, ResultEntry) else stripped(entry.text)
            changed.append(entry.model_copy(update={"text": text}))
    return _changed(conversation, sent, changed, model)


def smaller(
    conversation: Conversation, sent: Sequence[Fragment], entries: Iterable[Entry], model: Model
) -> list[Fragment] | None:
    """At most half of ``sent``, which was too long, if that can be; None if nothing can be taken away.

    The oldest goes first; the message of the running turn and the newest reply with its
    results stay. Where these alone are more than half, their long texts are cut to head and tail.

    Args:
        conversation: Where ``sent`` comes from; it stays within that half from now on.
        sent: What was too long.
        entries: Those of the running turn that ``sent`` holds, from ``Conversations.behind``.
        model: Gives the wire format.
    """
    half = sum(fragment.tokens for fragment in sent) // 2
    before, conversation.ceiling = conversation.ceiling, half
    kept = conversation.within(half)
    if sum(fragment.tokens for fragment in kept) > half:
        limit = max(_LEAST, half * _BYTES_PER_TOKEN // len(kept))
        long = (e for e in entries if not isinstance(e, ReplyEntry) and size(e.text) > limit)
        cut = [entry.model_copy(update={"text": wire.cut(entry.text, limit)}) for entry in long]
        kept = _changed(conversation, kept, cut, model) or kept
    if _bytes(kept) < _bytes(sent):
        return kept
    conversation.ceiling = before  # it was not the conversation that was too long
    return None


def _changed(
    conversation: Conversation, sent: Sequence[Fragment], entries: Iterable[Entry], model: Model
) -> list[Fragment] | None:
    fresh = {entry.seq: model.fragment(entry) for entry in entries}
    found = [fresh.get(fragment.seq, fragment) for fragment in sent]
    if found == list(sent):
        return None
    conversation.replace(fresh)
    return found


def _bytes(fragments: Iterable[Fragment]) -> int:
    return sum(len(fragment.data) for fragment in fragments)
