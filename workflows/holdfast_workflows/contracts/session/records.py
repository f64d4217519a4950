"""What the state database has of turns and calls."""

from .. import names
from ..text.unicode import preview
from .session import TurnView
from .steps import ActInput, TurnRecord


def turn_record(view: TurnView) -> TurnRecord:
    """Return a turn as it is stored."""
    return TurnRecord(
        turn=view.turn,
        status=view.status,
        request=view.request,
        reply=preview(view.reply),
        reply_seq=view.reply_seq,
        steps=view.steps,
        usage=view.usage,
        error_code=view.error.code if view.error else "",
        error=view.error.message if view.error else "",
        started=view.started,
        ended=view.ended,
    )


def ledger_key(call: ActInput) -> str:
    """Return the idempotency key under which the effect ledger has a call."""
    return call.key or names.call_key(call.session, call.seq)
