"""Calls whose result comes later: their tokens, and their end."""

from base64 import urlsafe_b64encode

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_activities.tools.questions import Needed
from holdfast_workflows.contracts.errors import StateBehind, ToolFailed
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.steps import ActInput, ActResult
from holdfast_workflows.contracts.text.unicode import preview
from holdfast_workflows.contracts.tools.tickets import TOKEN, TicketOpened, TicketToken

from .approvals import keys_of
from .ledger import Ledger
from .request import CallRequest, call_of, effect_row


def token_of(state: State, request: ActInput) -> TicketToken:
    """The token of a call's ticket: its session, its number, and the deployment's signature of both."""

    def make() -> str:
        place = f"{urlsafe_b64encode(request.session.encode()).decode()}.{request.seq}"
        signed = keys_of(state).sign("ticket", place.encode())
        return f"{place}.{signed.signature.replace('+', '-').replace('/', '_')}".replace("=", "")

    return TicketToken(make)


def needed(work: CallRequest, error: ToolFailed) -> ActResult | None:
    """What a call needs before it has a result, such as an answer, or its ticket's result; None for a failure."""
    if isinstance(error, Needed):
        return error.result
    if isinstance(error, TicketOpened) and work.in_log:
        token = TOKEN.get()
        return ActResult(ticket=error.opened(token.digest if token else ""))
    return None


async def text_of(state: State, request: ActInput) -> str:
    """The result that a person or a ticket gives."""
    if not request.ref:
        return request.text
    text = await state.load_text(request.session, request.ref)
    if text is None:
        raise StateBehind(f"the text {request.ref} of session {request.session} is not in the database")
    return text


async def row_of(ledger: Ledger, request: ActInput) -> EffectView | None:
    """The row of a call that a person or a ticket settles; None for one without an effect."""
    now = await ledger.standing(request.key)
    if now is not None:
        return now.row
    if request.late == "none":
        return None
    # The database may have lost the row; an idempotent call has none yet.
    call = call_of(request, request.name, request.arguments, request.key)
    return effect_row(call, request.late or "once", "unknown")


def failed_row(row: EffectView, text: str) -> EffectView:
    """The row of a call that was not made, or whose ticket has failed."""
    return row.model_copy(update={"status": "failed", "result": preview(text), "settled": clock.now()})
