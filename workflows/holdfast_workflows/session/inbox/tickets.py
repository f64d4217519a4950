"""Results of tickets: who may give them. The session takes one; the call settles it."""

import hmac

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal
from holdfast_workflows.contracts.control.inbox import Answer, OpenTicket, may_answer
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.text.unicode import preview, size
from holdfast_workflows.contracts.tools.tickets import Settlement, digest_of

from .. import validators
from ..state.state import SessionState
from . import waits


def check(state: SessionState, given: Settlement, principal: Principal) -> None:
    """Check a result; a ticket must wait for it.

    Raises:
        ApplicationError: The result is refused.
    """
    if state.ended:
        raise validators.refused(validators.closed(state))
    open_now = {each.id: each.ticket for each in state.inbox.unanswered if each.ticket is not None}
    ticket = open_now.get(state.inbox.id_of(given.ticket))
    if ticket is None:
        now = ", ".join(open_now) or "none"
        raise validators.refused(
            errors.NothingToDo(f"no ticket {preview(given.ticket)} waits for a result; waiting: {now}")
        )
    if size(given.text) > INLINE_TEXT:
        raise validators.refused(
            errors.MessageTooLarge("a long result is stored first and sent by reference")
        )
    if not _may_settle(state, ticket, given, principal):
        raise validators.refused(
            errors.NotPermitted(
                "the ticket is settled with its token, by an operator, or by the client it is for"
            )
        )


def _may_settle(state: SessionState, ticket: OpenTicket, given: Settlement, principal: Principal) -> bool:
    if given.token:  # also without an identity provider: a wrong token means the wrong ticket
        return hmac.compare_digest(digest_of(given.token), ticket.token)
    # Who may not act for the session's user has been refused before.
    return ticket.client or principal == LOCAL_OPERATOR or may_answer(("role:operator",), principal)


def apply(state: SessionState, given: Settlement, principal: Principal) -> None:
    """Store a result for the call that waits for it.

    Raises:
        ApplicationError: The result is refused.
    """
    # Again, since a validator does not know the principal of its update.
    check(state, given, principal)
    by = given.by if principal == LOCAL_OPERATOR else principal.id
    if given.token:
        by = f"ticket: {by}" if by else "ticket"
    item = state.inbox[state.inbox.id_of(given.ticket)]
    action = "confirm" if given.status == "ok" else "give_up"
    answer = Answer(id=item.id, action=action, text=given.text, ref=given.ref, by=by)
    waits.record(state, item, "settled" if given.status == "ok" else "failed", "", by=by or None)
    state.answer(answer)
