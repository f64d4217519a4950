"""Validation of messages and ids."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode

from holdfast_client.operations.stored import content
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.agent.spec import WhenBusy
from holdfast_workflows.contracts.errors import BadInput, MessageTooLarge
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_MESSAGE, MAX_NAME, MAX_PAYLOAD
from holdfast_workflows.contracts.session.session import Message
from holdfast_workflows.contracts.text.personal_data import find
from holdfast_workflows.contracts.text.redaction import redact
from holdfast_workflows.contracts.text.unicode import dump_json, preview, size

_MAX_ID = 200
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]+")


def is_text(value: object) -> bool:
    """Whether a value is a str; callers without a type checker may pass anything."""
    return isinstance(value, str)


def new_id(prefix: str) -> str:
    """Return a random id. It contains no personal data, since ids are logged and listed."""
    return f"{prefix}-{b32encode(secrets.token_bytes(13)).decode()[:20].lower()}"


def session_id(agent: str) -> str:
    """Return a random id that begins with the agent's name, and that no shell or URL has to quote."""
    return new_id(_NOT_IN_IDS.sub("-", agent[:64]))


def checked_id(id: str) -> str:
    """Return a session id chosen by the user, or raise BadInput."""
    if not is_text(id) or not id or len(id) > _MAX_ID or not id.isprintable() or id != id.strip():
        raise BadInput(f"a session id is 1 to {_MAX_ID} printable characters without spaces at its ends")
    return id


def expect_opaque(**values: object) -> None:
    """Refuse personal data and secrets in what is not encrypted: ids, and the attributes by which sessions are listed.

    Raises:
        BadInput: A value contains some; the detail names its option and does not repeat it.
    """
    for name, value in values.items():
        if not isinstance(value, str):
            continue
        # Cards are not looked for: a tenth of all long numbers would pass for one.
        found = next(iter(find(value, ("email", "phone", "iban"))), None)
        kind = f"personal data ({found[2]})" if found else "a secret" if redact(value) != value else ""
        if kind:
            raise BadInput(
                f"{name} contains {kind}; give an id that says nothing to others, since Temporal shows and lists it"
            )


def check(text: str) -> int:
    """Return the size of a message in bytes; MessageTooLarge if it is over the limit as text or as JSON."""
    if not is_text(text):
        raise BadInput(f"the message {preview(repr(text), 60)} is not a str; give a text")
    if not text:
        raise BadInput("the message is empty; give a text")
    length = size(text)
    if length > MAX_MESSAGE:
        raise MessageTooLarge(f"{length:,} bytes; at most {MAX_MESSAGE:,}")
    # Control characters take six bytes each in JSON, and a payload is JSON.
    if length * 6 > MAX_PAYLOAD and (weight := size(dump_json(text))) > MAX_PAYLOAD:
        raise MessageTooLarge(
            f"{length:,} bytes, which take {weight:,} as JSON with their control characters escaped; "
            f"at most {MAX_PAYLOAD:,}"
        )
    return length


async def prepare(
    requests: Requests, session: str, text: str, *, id: str, when_busy: WhenBusy | None, streaming: bool
) -> Message:
    """Make the message for a text; store a long text first and send a reference."""
    if len(id) > MAX_NAME:
        raise BadInput(f"a message's id is at most {MAX_NAME} characters")
    length = check(text)
    ref = await content.store(requests, session, id, text) if length > INLINE_TEXT else ""
    with bad_input():
        return Message(
            id=id,
            text=preview(text) if ref else text,
            ref=ref,
            size=length,
            when_busy=when_busy,
            streaming=streaming,
        )
