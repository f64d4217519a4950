"""Boards of teams and tenants, read and written through activities of the workers."""

from __future__ import annotations

from contextlib import suppress

from holdfast_client import messages
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput, SessionNotFound
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.board import BoardEntry, BoardPage, ReadBoard, WriteBoard


@public
class BoardClient:
    """A board: that of a session's team, made by ``Session.board``, or a tenant's, made by ``Client.board``."""

    def __init__(self, requests: Requests, *, session: str = "", name: str = "", tenant: str = "") -> None:
        self._requests = requests
        self._session = session
        self._name = name
        self._tenant = tenant

    async def list(self) -> tuple[BoardEntry, ...]:
        """Return the entries without their texts, ordered by key."""
        return (await self._read(ReadBoard())).entries

    async def read(self, key: str) -> BoardEntry | None:
        """Return the present version of an entry; None for a key without one, or if it was removed."""
        found = await self.versions(key, limit=1)
        return found[0] if found and found[0].size else None

    async def versions(self, key: str, *, limit: int = 20) -> tuple[BoardEntry, ...]:
        """Return the newest versions of an entry, the newest first. Maintenance removes old ones.

        Raises:
            BadInput: The key is empty, or ``limit`` is not from 1 to 100.
        """
        if not key:
            raise BadInput("the key is empty; use list for all entries")
        with bad_input():
            request = ReadBoard(key=key, limit=limit)
        return (await self._read(request)).entries

    async def write(
        self, key: str, text: str, *, version: int = 0, by: str = "", id: str | None = None
    ) -> BoardEntry:
        """Write an entry over the version that was read; return the new version, without its text.

        Args:
            key: Up to 100 letters, digits and ``._/:-``. Keys are not encrypted.
            text: The whole text, up to 65,536 characters; an empty one removes the entry.
            version: The version that this one replaces; 0 for a new entry.
            by: Who writes it.
            id: The write's id; the same id again writes once.

        Raises:
            BoardConflict: The entry has another version; the detail has its text.
            BoardFull: The board has no room for another entry.
            BadInput: The key or the text is not valid.
        """
        id = id or messages.new_id("b")
        with bad_input():
            request = WriteBoard(key=key, text=text, version=version, by=by, id=id)
        request = request.model_copy(update=await self._place())
        name = names.WRITE_TENANT_BOARD if self._name else names.WRITE_TEAM_BOARD
        return await self._requests.activity(name, request, BoardEntry, session=self._session)

    async def _read(self, request: ReadBoard) -> BoardPage:
        request = request.model_copy(update=await self._place())
        name = names.READ_TENANT_BOARD if self._name else names.READ_TEAM_BOARD
        return await self._requests.activity(name, request, BoardPage, session=self._session)

    async def _place(self) -> dict[str, str]:
        if self._name:
            return {"board": self._name, "tenant": self._tenant}
        root = self._session
        with suppress(SessionNotFound):  # its history may be older than what the server keeps
            root = (await self._requests.describe(self._session)).root_id or root
        return {"session": root}
