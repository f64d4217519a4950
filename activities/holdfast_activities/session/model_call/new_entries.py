"""Log entries for what the workflow has decided."""

from collections.abc import Sequence

from holdfast_activities.state.database import State
from holdfast_workflows.contracts.errors import StateBehind
from holdfast_workflows.contracts.session.entries import Entry, ResultEntry, UserEntry
from holdfast_workflows.contracts.session.steps import NewEntry


async def entries(
    state: State, session: str, new: Sequence[NewEntry], *, turn: int = 0, step: int = 0
) -> list[Entry]:
    """Build the entries for what the workflow has decided. ``turn`` is the one that answers them, if any.

    Raises:
        StateBehind: A long text of that turn is missing from the state database. For other turns its
            preview is used.
    """
    return [await _entry(state, session, one, turn, step) for one in new]


async def _entry(state: State, session: str, new: NewEntry, turn: int, step: int) -> Entry:
    if new.kind == "failed" or new.kind == "cancelled":
        return ResultEntry(
            seq=new.seq,
            turn=new.turn,
            step=step,
            call_id=new.call_id,
            name=new.name,
            text=new.text,
            status=new.kind,
        )
    text = new.text
    if new.ref:
        stored = await state.load_text(session, new.ref)
        if stored is None and new.turn == turn:
            raise StateBehind(f"text {new.ref} of session {session} is not in it")
        text = text if stored is None else stored
    return UserEntry(seq=new.seq, turn=new.turn, step=step, role=new.kind, text=text)
