"""Personal data as tokens in prompts, and back in replies and arguments.

The log holds the values, encrypted like all content. A vault is made from the log each time a conversation is read: it
numbers what it meets, so nothing else has to be stored, erased or carried over. Tokens exist only in prompts and in
what a model answers to them.
"""

import json
import re
from typing import Final

from holdfast_workflows.contracts.agent.pii import PersonalData
from holdfast_workflows.contracts.session.entries import Entry, MemoryEntry, ReplyEntry
from holdfast_workflows.contracts.text.personal_data import find

RULE: Final = (
    "Tokens such as <EMAIL_1> stand for personal data that you cannot see. Use them unchanged wherever the value is "
    "meant, also in arguments of tools."
)
"""What an agent's instructions say once."""

_TOKEN: Final = re.compile(r"(?:<|&lt;)([A-Z][A-Z0-9_]{0,30}_\d{1,6})(?:>|&gt;)")
_BEGUN: Final = re.compile(r"(?:<|&)[a-z;]{0,3}[A-Z0-9_]{0,38}(?:&[gt;]{0,3})?$")


class Vault:
    """The personal data of one conversation; without ``pii`` it changes nothing."""

    def __init__(self, pii: PersonalData | None = None) -> None:
        self.pii = pii
        self._patterns = {kind: re.compile(each) for kind, each in pii.patterns.items()} if pii else {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hidden(self, text: str) -> str:
        """The text with tokens for personal data."""
        if self.pii is None:
            return text
        parts: list[str] = []
        end = 0
        for start, stop, kind in find(text, self.pii.kinds, self._patterns):
            parts += [text[end:start], self._token(kind, text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def hide(self, entry: Entry) -> Entry:
        """The entry with tokens, as a prompt shows it."""
        if self.pii is None:
            return entry
        update: dict[str, object] = {"text": self.hidden(entry.text)}
        if isinstance(entry, ReplyEntry):
            calls = [
                call.model_copy(update={"arguments": self.hidden(call.arguments)}) for call in entry.calls
            ]
            update["calls"] = tuple(calls)
            if update != {"text": entry.text, "calls": entry.calls}:
                update["extra"] = {}  # what a provider wants back verbatim repeats the text
        elif isinstance(entry, MemoryEntry):
            update["memories"] = tuple(
                each.model_copy(update={"text": self.hidden(each.text), "speaker": self.hidden(each.speaker)})
                for each in entry.memories
            )
        return entry.model_copy(update=update)

    def restored(self, text: str, *, is_json: bool = False) -> str:
        """The text with the values of its tokens; within JSON they are escaped. Unknown tokens stay."""
        if not self._values or "_" not in text:
            return text

        def value(found: re.Match[str]) -> str:
            known = self._values.get(found[1])
            if known is None:
                return found[0]
            return json.dumps(known, ensure_ascii=False)[1:-1] if is_json else known

        return _TOKEN.sub(value, text)

    def partial(self, text: str) -> str:
        """A reply that is being streamed, without a token that is not complete."""
        if not self._values:
            return text
        begun = _BEGUN.search(text, max(0, len(text) - 50))
        return self.restored(text[: begun.start()] if begun else text)

    def _token(self, kind: str, value: str) -> str:
        token = self._tokens.get((kind, value))
        if token is None:
            self._counts[kind] = number = self._counts.get(kind, 0) + 1
            name = f"{kind.upper()}_{number}"
            token = self._tokens[kind, value] = f"<{name}>"
            self._values[name] = value
        return token
