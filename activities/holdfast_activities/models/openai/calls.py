"""Joining the tool calls of a streamed chat completion from their parts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .. import arguments
from . import extra

_MAX_PIECES = 64
"""Pieces of a tool's name that are accepted."""


@dataclass(slots=True)
class _Call:
    id: str
    names: list[str] = field(default_factory=list[str])
    pieces: list[str] = field(default_factory=list[str])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def begun(self) -> bool:
        """Whether some arguments have come."""
        return bool(self.pieces)

    @property
    def whole(self) -> bool:
        """Whether all arguments seem to have come."""
        # The last piece is checked first: joining all pieces for each part would be quadratic.
        return (
            self.begun
            and self.pieces[-1].rstrip().endswith("}")
            and arguments.is_whole(arguments.joined(self.pieces))
        )


@dataclass(frozen=True, slots=True)
class _Part:
    index: int | None
    id: str
    name: str
    arguments: str


class Calls:
    """The calls of one answer.

    By the interface, a call's first part has an index, an id and a name, and its other parts
    have only the index. Servers omit each of them, repeat them in every part, or number every
    call 0. A part is therefore assigned by all of them together.
    """

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        """No call yet; ``known`` are the names of the request's tools."""
        self._known = known
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def add(self, given: dict[str, Any]) -> int:
        """Add one part of a call; return its number of characters."""
        function = function_of(given)
        part = _Part(
            _index(given.get("index")),
            str(given.get("id") or ""),
            str(function.get("name") or "").strip(),
            arguments_of(function),
        )
        call = self._continued(part)
        if call is None or self._begins(call, part):
            call = _Call(part.id)
            self._calls.append(call)
        self._take(call, part)
        call.extra.update(extra.of_call(given))
        return len(part.name) + len(part.arguments)

    def _take(self, call: _Call, part: _Part) -> None:
        call.id = call.id or part.id
        if part.index is not None:
            self._by_index[part.index] = call
        if part.id:
            self._by_id[part.id] = call
        # The name is complete once the arguments have begun; after that it is a repetition.
        if part.name and not (call.begun and call.names) and len(call.names) < _MAX_PIECES:
            call.names.append(part.name)
        if part.arguments.strip() or (call.begun and part.arguments):
            call.pieces.append(part.arguments)

    def _continued(self, part: _Part) -> _Call | None:
        """The call that a part belongs to, unless it begins a new one."""
        at_index = None if part.index is None else self._by_index.get(part.index)
        with_id = self._by_id.get(part.id) if part.id else None
        if at_index is not None:
            return with_id or at_index
        if with_id is not None:
            return with_id
        # Some servers make up a new id for a part that has only arguments.
        begins = part.name or not part.arguments
        if (part.id and (begins or part.index is not None)) or (part.name and part.index is not None):
            return None
        return self._calls[-1] if self._calls else None

    def _begins(self, call: _Call, part: _Part) -> bool:
        """Whether a part with a name begins a new call."""
        if not part.name:
            return False
        name = _name(call.names, self._known)
        same = bool(part.id) and part.id == call.id
        other = bool(part.id and call.id) and not same
        if other or (part.index is not None and part.index not in self._by_index):
            # Some servers make up a new id or index for each part of a call.
            return part.name != name or call.whole or not (same or call.begun)
        if part.name == name:
            return not same and bool(part.arguments.strip()) and call.whole
        if call.begun or not name:
            return bool(name)
        # Two names before any arguments: two calls, or one name in two pieces.
        if same or any(tool.startswith(name + part.name) for tool in self._known):
            return False
        return part.index is None or part.name in self._known or name in self._known

    def whole(self) -> list[dict[str, Any]]:
        """The calls as an answer in one piece has them."""
        return [
            {
                "id": call.id,
                "function": {
                    "name": _name(call.names, self._known),
                    "arguments": arguments.joined(call.pieces),
                },
                **call.extra,
            }
            for call in self._calls
        ]


def parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls, or parts of calls, in a message or delta; a single one may come without a list."""
    given: Any = message.get("tool_calls")
    old: dict[str, Any] | None = message.get("function_call")  # the interface's first form
    if isinstance(given, dict):
        return [given]  # pyright: ignore[reportUnknownVariableType] - JSON
    return [part for part in given or ([{"function": old}] if old else ()) if part]


def function_of(given: dict[str, Any]) -> dict[str, Any]:
    """The object with a call's name and arguments; some servers do not nest it."""
    return given.get("function") or (given if "name" in given or "arguments" in given else {})


def arguments_of(function: dict[str, Any]) -> str:
    """A call's arguments as text; some servers name the field ``parameters``."""
    given = function.get("arguments")
    return arguments.text(function.get("parameters") if given is None else given)


def _index(given: Any) -> int | None:
    return None if given is None or given == "" else int(given)


def _name(pieces: Sequence[str], known: frozenset[str]) -> str:
    """The name from its pieces: parts of it, or the whole name repeated."""
    if not pieces:
        return ""
    whole, last = "".join(pieces), pieces[-1]
    repeated = all(piece == last for piece in pieces)
    if repeated and last in known:
        return last
    if whole in known:
        return whole
    for piece in reversed(pieces):
        if piece in known:
            return piece
    if repeated:
        return last
    return last if arguments.grows(pieces) else whole


@lru_cache(maxsize=256)
def tool_names(tools: bytes) -> frozenset[str]:
    """The names of the tools in a request, which are the same at every step."""
    return frozenset(tool["function"]["name"] for tool in json.loads(tools)) if tools else frozenset()
