"""The tenant and the user of stored sessions, which do not change."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from holdfast_activities.state.database import State
from holdfast_workflows.contracts.control.access import Owner

_KEPT: Final = 10_000


class Owners:
    """Looks owners up in the state database, once each."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: OrderedDict[str, Owner] = OrderedDict()

    async def of(self, session: str) -> Owner | None:
        """Return a session's owner; None if the database has no row of it, or it was erased."""
        if session in self._known:
            self._known.move_to_end(session)
            return self._known[session]
        row = await self._state.load_session(session)
        if row is None:
            return None
        self._known[session] = owner = (row.tenant, row.user)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return owner
