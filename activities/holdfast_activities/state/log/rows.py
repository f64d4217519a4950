"""Log entries as rows of text.

A body is JSON in which NUL and lone surrogates are escaped, so both databases accept it and it is read
back exactly; only an adjacent pair of surrogates becomes one character. Ids are keys, where replacing a
character could make two ids equal, so ids with such characters are refused.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import TypeAdapter, ValidationError

from holdfast_workflows.contracts.errors import BadInput, KeysMissing
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from ..encryption.cipher import CLEAR, ENCRYPTED, Cipher

MAX_ROWS = 1_000
"""Entries in one settle: one statement writes them all, and SQLite limits its parameters."""

END = 2**63 - 1
"""Every sequence number is below this."""

_ENTRIES: TypeAdapter[list[Entry]] = TypeAdapter(list[Entry])

BODY: Final = "log.body"

Row = tuple[str, int, str]
"""Session, sequence number, body."""


def identifier(value: str) -> str:
    """The id, if it can be a key in every database; BadInput if it is empty or has NUL or a lone surrogate."""
    if not value or clean(value) != value:
        raise BadInput("an id is empty, or contains NUL or a lone surrogate")
    return value


def encode(session: str, entries: Sequence[Entry], cipher: Cipher = CLEAR) -> list[Row]:
    """Encode entries as rows; BadInput if an id or number cannot be a key, or the entries are too many."""
    identifier(session)
    if len(entries) > MAX_ROWS:
        raise BadInput(f"{len(entries)} entries in one write; the most is {MAX_ROWS}")
    if any(not 0 <= entry.seq < END for entry in entries):
        raise BadInput("a sequence number is out of range")
    return [
        (session, entry.seq, cipher.encrypt(dump_json(entry.model_dump()), BODY, session, entry.seq))
        for entry in entries
    ]


def decode(session: str, rows: Iterable[tuple[int, str]], cipher: Cipher = CLEAR) -> list[Entry]:
    """Decode numbers and bodies to entries. Without keys, a body may be several, joined by commas."""
    # Parsed as one JSON array.
    text = f"[{','.join(cipher.decrypt(body, BODY, session, seq) for seq, body in rows)}]"
    try:
        return _ENTRIES.validate_json(text)
    except ValidationError:
        if cipher is CLEAR and f",{ENCRYPTED}" in text:  # after a clear one, in the same text
            raise KeysMissing(f"the state database, {BODY}") from None
        # pydantic's parser refuses an escaped lone surrogate; Python's accepts it.
        return _ENTRIES.validate_python(json.loads(text))
