"""An ended session with something in every table."""

from sqlalchemy import update
from sqlmodel import col

from holdfast_activities.state import State
from holdfast_activities.state.retention.rules import DAY
from holdfast_activities.state.setup.tables import SessionTable

from ..test_erasing import fill

NOW = 2_000_000_000.0


async def ended(
    state: State,
    session: str,
    *,
    tenant: str,
    days: float,
    user: str = "ann",
    status: str = "closed",
) -> None:
    """Make a session that ended so many days before ``NOW``."""
    await fill(state, session, "secret", tenant=tenant, user=user)
    row = update(SessionTable).where(col(SessionTable.session) == session)
    await state.resets._transactions.write(row.values(status=status, updated=NOW - days * DAY))  # pyright: ignore[reportPrivateUsage] - the clock of the past
