"""Truncate entries: head and tail of a text, with a reference by which the model can read the rest."""

from collections.abc import Collection
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

from ..untrusted.frames import framed
from . import rendering
from .prompt_parts import PromptPart, Reason

CAP: Final = 8_192  # maximum tokens of a tool result, however large the window is

_LEAST_CAP = 2_000
_LARGE = 400  # tokens from which an entry has a shorter version
_SHORT = 400  # characters of that version
_LEAST_SHOWN = 150
_FRAME = 60  # tokens of a message besides its text, including the truncation note
_HEAD = 0.75
_TRIES = 8
_QUICK = 1_000  # characters up to which a text is serialised to measure it
_CHARS = 4  # a token, as a first guess

CAPPED = Reason("", "a large result")


def cap(room: int) -> int:
    """Return the maximum tokens of a result in a prompt of ``room`` tokens."""
    return max(_LEAST_SHOWN, min(room // 4, max(_LEAST_CAP, min(CAP, room // 10))))


def cut(text: str, chars: int, seq: int, *, reference: bool) -> str:
    """Return the head and tail of a text of more than ``chars`` characters, with a note between them."""
    head = int(chars * _HEAD)
    left = len(text) - chars
    rest = f"; {READ_MORE}(result={seq}, offset={head}) shows them" if reference else ""
    note = f"[… {left:,} of {len(text):,} characters left out{rest}]"
    if left <= len(note):
        return text
    return "\n".join(part for part in (text[:head], note, text[head + left :]) if part)


class Truncations:
    """Whole and truncated versions of entries in the wire format of a model."""

    def __init__(
        self,
        model: Model,
        cap: int = CAP,
        *,
        reference: bool = True,
        trusted: Collection[str] | None = None,
    ) -> None:
        """See ``Conversation``; ``cap`` is the maximum tokens of a result.

        ``reference``: the agent has the tool that reads the rest. ``trusted`` are the tools whose results are not
        framed; None for all.
        """
        self._trusted = trusted
        self._model = model
        self._cap = cap
        self._reference = reference

    def piece(self, entry: Entry) -> PromptPart:
        """Return an entry as it is first shown."""
        if isinstance(entry, ResultEntry):
            fragment, full = self._fit(entry, self._cap)
        else:
            fragment = self._fragment(entry)
            full = fragment.tokens
        short = None
        if fragment.tokens > _LARGE and isinstance(entry, ResultEntry | UserEntry):
            short = self._cut(entry, _SHORT)
        part: Part = "memory" if isinstance(entry, MemoryEntry) else "conversation"
        reason = CAPPED if full > fragment.tokens else None
        return PromptPart(entry.seq, fragment, part, full, fragment.tokens, short, reason)

    def leading(self, seq: int, part: Part, text: str) -> PromptPart:
        """Return a text that stands before the conversation, in the user's role."""
        fragment = self._model.fragment(UserEntry(seq=0, text=text))  # 0: not an entry of the log
        return PromptPart(seq, fragment, part, fragment.tokens, fragment.tokens)

    def summary(self, entry: SummaryEntry) -> PromptPart:
        return self.leading(entry.seq, "summary", rendering.summary(entry))

    def fitted(self, entry: Entry, tokens: int) -> Fragment:
        """Return an entry in at most ``tokens``, or as few as possible.

        Results and messages keep head and tail; memories lose the last ones first. In a reply, text and arguments
        are cut.
        """
        return self._fit(entry, tokens)[0]

    def _fit(self, entry: Entry, most: int) -> tuple[Fragment, int]:
        """Return the entry in at most ``most`` tokens, and the number of tokens of the whole."""
        lengths = [len(text) for text in _texts(entry)]
        if max(lengths) <= max(most * _CHARS, _QUICK):
            whole = self._fragment(entry)
            if whole.tokens <= most:
                return whole, whole.tokens
            full = whole.tokens
        else:
            # Not serialised only to be counted: it may be megabytes.
            whole, full = None, _FRAME + sum(map(size, _texts(entry))) // _CHARS
        if isinstance(entry, MemoryEntry) and len(entry.memories) > 1:
            return self._fit(entry.model_copy(update={"memories": entry.memories[:-1]}), most)[0], full
        chars = min(max(lengths), max(0, most - _FRAME) * _CHARS)
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
            short = tuple(
                memory.model_copy(update={"text": memory.text[:chars]}) for memory in entry.memories
            )
            return entry.model_copy(update={"text": entry.text[:chars], "memories": short})
        # The tool does not read replies.
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
        # ``extra`` may repeat the text that was cut.
        return entry.model_copy(update={"text": text, "calls": calls, "extra": {}})

    def _fragment(self, entry: Entry) -> Fragment:
        if isinstance(entry, MemoryEntry):
            fragment = self._model.fragment(UserEntry(seq=entry.seq, text=rendering.memories(entry)))
            return replace(fragment, kind=entry.kind)
        if self.is_untrusted(entry):
            entry = entry.model_copy(update={"text": framed(entry.text)})
        return self._model.fragment(entry)

    def is_untrusted(self, entry: Entry) -> bool:
        """Whether an entry repeats what comes from outside: results of tools that are not trusted, memories of such."""
        if self._trusted is None:
            return False
        if isinstance(entry, MemoryEntry):
            return any(memory.trust == "tool" for memory in entry.memories)
        if not isinstance(entry, ResultEntry) or entry.status not in ("ok", "failed"):
            return False  # the text of other results is our own
        return bool(entry.text) and entry.name not in self._trusted


def _cut_arguments(text: str, chars: int) -> str:
    return dump_json({"left_out": f"{len(text):,} characters of arguments", "began": clean(text[:chars])})


def _texts(entry: Entry) -> list[str]:
    texts = [entry.text]
    if isinstance(entry, ReplyEntry):
        texts += [call.arguments for call in entry.calls]
    elif isinstance(entry, MemoryEntry):
        texts += [memory.text for memory in entry.memories]
    return texts
