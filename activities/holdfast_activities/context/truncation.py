"""The forms of an entry: whole, or its head and tail with a reference by which the rest can be read."""

from dataclasses import replace
from typing import Final

from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.names import READ_MORE
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    UserEntry,
)
from holdfast_workflows.contracts.session.manifests import Part
from holdfast_workflows.contracts.text.unicode import clean, dump_json, size

from . import rendering
from .prompt_parts import PromptPart, Reason

CAP: Final = 8_192
"""Tokens of a tool result that are shown at most, from the start."""

_LEAST_CAP = 2_000
_LARGE = 400
"""Tokens from which on an entry has a shorter form for when it is old."""

_SHORT = 400  # characters of that form
_LEAST_SHOWN = 150
_FRAME = 60  # tokens that a message takes beside its text, with the note of what is left out
_HEAD = 0.75
_TRIES = 8
_QUICK = 1_000  # characters that are serialised whatever they are cut to
_CHARS = 4  # a token, when guessing

CAPPED = Reason("", "a large result")


def cap(room: int) -> int:
    """Tokens of a result that are shown from the start, where a prompt has so much room."""
    return max(_LEAST_SHOWN, min(room // 4, max(_LEAST_CAP, min(CAP, room // 10))))


def cut(text: str, chars: int, seq: int, *, reference: bool) -> str:
    """The head and tail of a text with more than so many characters, and between them what is left out."""
    head = int(chars * _HEAD)
    tail = chars - head
    left = len(text) - chars
    rest = f"; {READ_MORE}(result={seq}, offset={head}) shows them" if reference else ""
    note = f"[… {left:,} of {len(text):,} characters left out{rest}]"
    if left <= len(note):
        return text
    return "\n".join(part for part in (text[:head], note, text[len(text) - tail :]) if part)


class Truncations:
    """Makes the forms of a session's entries for one wire format."""

    def __init__(self, model: Model, cap: int = CAP, *, reference: bool = True) -> None:
        """For a model.

        Args:
            model: Gives the wire format.
            cap: Tokens of a result that are shown from the start.
            reference: Whether the agent has the tool that reads the rest.
        """
        self._model = model
        self._cap = cap
        self._reference = reference

    def piece(self, entry: Entry) -> PromptPart:
        """The entry as it is shown at first."""
        capped = isinstance(entry, ResultEntry)
        fragment, full = self._fit(entry, self._cap) if capped else self._whole(entry)
        reason = CAPPED if full > fragment.tokens else None
        short = None
        if fragment.tokens > _LARGE and isinstance(entry, ResultEntry | UserEntry):
            short = self._cut(entry, _SHORT)
        part: Part = "memory" if isinstance(entry, MemoryEntry) else "conversation"
        return PromptPart(entry.seq, fragment, part, full, fragment.tokens, short, reason)

    def written(self, seq: int, part: Part, text: str) -> PromptPart:
        """A text that stands before the conversation, in the user's role."""
        # No entry of the log is sent there, so it has no number there either.
        fragment = self._model.fragment(UserEntry(seq=0, text=text))
        return PromptPart(seq, fragment, part, fragment.tokens, fragment.tokens)

    def summary(self, entry: SummaryEntry) -> PromptPart:
        """What stands for the entries it covers."""
        return self.written(entry.seq, "summary", rendering.summary(entry))

    def fitted(self, entry: Entry, tokens: int) -> Fragment:
        """The entry in at most so many tokens, or as few as can be.

        Results and messages are cut to head and tail, memories go from the last on. A reply's own words and
        arguments are only cut where nothing else is left to cut.
        """
        return self._fit(entry, tokens)[0]

    def _whole(self, entry: Entry) -> tuple[Fragment, int]:
        fragment = self._fragment(entry)
        return fragment, fragment.tokens

    def _fit(self, entry: Entry, most: int) -> tuple[Fragment, int]:
        """The entry in at most ``most`` tokens, and how many it would take whole."""
        if _longest(entry) <= max(most * _CHARS, _QUICK):
            whole = self._fragment(entry)
            if whole.tokens <= most:
                return whole, whole.tokens
            full = whole.tokens
        else:
            # Not serialised only to be counted: it may be megabytes.
            whole, full = None, _FRAME + _bytes(entry) // _CHARS
        if isinstance(entry, MemoryEntry) and len(entry.memories) > 1:
            fragment = self._fit(entry.model_copy(update={"memories": entry.memories[:-1]}), most)[0]
            return fragment, full
        chars = min(_longest(entry), max(0, most - _FRAME) * _CHARS)
        fragment = self._fragment(self._cut(entry, chars))
        for _ in range(_TRIES):
            if fragment.tokens <= most or not chars:
                break
            chars = int(chars * most / fragment.tokens * 0.9) if chars > _FRAME else 0
            fragment = self._fragment(self._cut(entry, chars))
        if whole is not None and fragment.tokens >= full:
            return whole, full
        return fragment, max(full, fragment.tokens)

    def _cut(self, entry: Entry, chars: int) -> Entry:
        if isinstance(entry, MemoryEntry):
            kept = tuple(memory.model_copy(update={"text": memory.text[:chars]}) for memory in entry.memories)
            return entry.model_copy(update={"text": entry.text[:chars], "memories": kept})
        # What the model said itself is nothing that it can read again.
        readable = self._reference and not isinstance(entry, ReplyEntry)
        text = cut(entry.text, chars, entry.seq, reference=readable)
        if not isinstance(entry, ReplyEntry):
            return entry.model_copy(update={"text": text})
        calls = tuple(
            call
            if len(call.arguments) <= chars
            else call.model_copy(update={"arguments": _cut_arguments(call.arguments, chars)})
            for call in entry.calls
        )
        # What the provider wants back verbatim would bring back what was cut.
        return entry.model_copy(update={"text": text, "calls": calls, "extra": {}})

    def _fragment(self, entry: Entry) -> Fragment:
        if isinstance(entry, MemoryEntry):
            fragment = self._model.fragment(UserEntry(seq=entry.seq, text=rendering.memories(entry)))
            return replace(fragment, kind=entry.kind)
        return self._model.fragment(entry)


def _cut_arguments(text: str, chars: int) -> str:
    return dump_json({"left_out": f"{len(text):,} characters of arguments", "began": clean(text[:chars])})


def _texts(entry: Entry) -> list[str]:
    texts = [entry.text]
    if isinstance(entry, ReplyEntry):
        texts += [call.arguments for call in entry.calls]
    elif isinstance(entry, MemoryEntry):
        texts += [memory.text for memory in entry.memories]
    return texts


def _longest(entry: Entry) -> int:
    return max(map(len, _texts(entry)))


def _bytes(entry: Entry) -> int:
    return sum(map(size, _texts(entry)))
