"""From what the workflow decided to the entries of the log."""

from collections.abc import Sequence

from holdfast_activities.state.database import State
from holdfast_workflows.contracts.entries import Entry, ResultEntry, UserEntry
from holdfast_workflows.contracts.errors import StateBehind
from holdfast_workflows.contracts.steps import NewEntry


async def entries(
    state: State, session: str, new: Sequence[NewEntry], *, turn: int = 0, step: int = 0
) -> list[Entry]:
    """The entries for what the workflow has decided, to be answered by ``turn``, or only written.

    Raises:
        StateBehind: A long text that the turn has to answer is not in this state database. One
            that is lost fails its own turn; the others go on with its preview.
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
