"""Positions in a stream of events. An event's id is the position after it, so any process can continue there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Annotated, Final, NamedTuple, Self

from pydantic import Field, TypeAdapter, ValidationError

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.unicode import preview

_FORMAT: Final = b"1"
_LONGEST: Final = 8_192

Count = Annotated[int, Field(ge=0)]


class TextPosition(NamedTuple):
    """How much of a step's text was emitted, and of which attempt.

    ``source`` is a digest of the model call's activity, ``digest`` one of the emitted text.
    """

    turn: Count = 0
    step: Count = 0
    source: str = ""
    attempt: Count = 1
    length: Count = 0
    digest: str = ""


class Reported(NamedTuple):
    """Digests of what was emitted about the present state: status, wait, pending decisions, progress of tools."""

    status: str = ""
    waiting: str = ""
    pending: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()


class Position(NamedTuple):
    """A position in a session's stream.

    ``first`` is the turn that the stream began with, ``next`` the number of the session's next event,
    ``turn`` the turn that began last, ``ended`` the one that ended last. ``place`` is the turn and step that
    ended last, ``reply`` that step's sequence number, ``started`` and ``finished`` its calls as bits.
    """

    first: Count
    next: Count
    turn: Count
    ended: Count
    place: tuple[Count, Count]
    reply: Count = 0
    started: Count = 0
    finished: Count = 0
    text: TextPosition = TextPosition()
    reported: Reported = Reported()

    @classmethod
    def before(cls, turn: int) -> Self:
        """Return the position before a turn."""
        return cls(first=turn, next=0, turn=0, ended=turn - 1, place=(turn, 0))

    @property
    def followed(self) -> int:
        """The turn at this position."""
        return max(self.first, self.turn)

    def encode(self, session: str) -> str:
        """Return the position as the id of an event of a session."""
        body = json.dumps(self, separators=(",", ":")).encode()
        return f"{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{_check(body, session)}"

    @classmethod
    def decode(cls, id: str, session: str) -> Position:
        """Return the position of an event's id.

        Raises:
            BadInput: The id is not one of this session's.
        """
        text, _, check = id[:_LONGEST].partition(".")
        try:
            body = base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True)
            if check == _check(body, session):
                return _READER.validate_json(body)
        except (binascii.Error, ValueError, ValidationError):
            pass
        raise BadInput(
            f"after={preview(id, 60)!r} is not the id of an event of session {session!r}; give event.id of this "
            "session's stream (Last-Event-ID), or leave it out to begin with the turn"
        )


_READER: Final = TypeAdapter(Position)


def digest(*values: object) -> str:
    """Return a short digest of values."""
    text = json.dumps(values)  # ASCII, also with lone surrogates
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _check(body: bytes, session: str) -> str:
    text = b"\0".join((_FORMAT, session.encode(errors="surrogatepass"), body))
    return hashlib.blake2b(text, digest_size=5).hexdigest()
