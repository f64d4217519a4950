"""The methods of ``Client`` for several agents."""

from __future__ import annotations

from holdfast_client.operations.stored.boards import BoardClient
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.errors import BadInput

from .fleets import Fleets


class TeamMethods:
    """The part of ``Client`` that works with several agents."""

    _requests: Requests

    @property
    def fleets(self) -> Fleets:
        """One agent over many items."""
        return Fleets(self._requests)

    def board(self, name: str, *, tenant: str = "") -> BoardClient:
        """Return a tenant's board, which agents have by ``Board(name)``; that of a team is ``session.board``."""
        if not name:
            raise BadInput("the name of the board is empty; use client.session(id).board for that of a team")
        return BoardClient(self._requests, name=name, tenant=tenant)
