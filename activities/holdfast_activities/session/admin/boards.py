"""Standalone activities to view and change boards."""

from dataclasses import dataclass

from temporalio import activity

from holdfast_activities.state.coordination.boards import BoardWrite
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.teams.board import BoardEntry, BoardPage, ReadBoard, WriteBoard
from holdfast_workflows.contracts.text.redaction import redact
from holdfast_workflows.contracts.text.unicode import clean

from ..common.audited import operated
from ..common.failures import reports_failures
from .payload import fitting


@dataclass(frozen=True, slots=True)
class Boards:
    """The activities for the boards of teams and of tenants; access to the two is checked in different ways."""

    state: State

    @activity.defn(name=names.READ_TEAM_BOARD)
    @reports_failures
    async def read_team_board(self, ask: ReadBoard) -> BoardPage:
        """Read the board of a session's tree."""
        return await self._read(names.board_of(ask.session, ask.tenant), ask)

    @activity.defn(name=names.READ_TENANT_BOARD)
    @reports_failures
    async def read_tenant_board(self, ask: ReadBoard) -> BoardPage:
        """Read a tenant's board."""
        return await self._read(names.board_of("", ask.tenant, ask.board), ask)

    @activity.defn(name=names.WRITE_TEAM_BOARD)
    @reports_failures
    async def write_team_board(self, given: WriteBoard) -> BoardEntry:
        """Write to the board of a session's tree."""
        return await self._write(names.board_of(given.session, given.tenant), given)

    @activity.defn(name=names.WRITE_TENANT_BOARD)
    @reports_failures
    async def write_tenant_board(self, given: WriteBoard) -> BoardEntry:
        """Write to a tenant's board."""
        return await self._write(names.board_of("", given.tenant, given.board), given)

    async def _read(self, board: str, ask: ReadBoard) -> BoardPage:
        boards = self.state.boards
        found = await (boards.versions(board, ask.key, ask.limit) if ask.key else boards.entries(board))
        return BoardPage(entries=fitting(found))

    async def _write(self, board: str, given: WriteBoard) -> BoardEntry:
        record = operated("board_written", tenant=given.tenant, session=given.session, subject=given.key)
        await self.state.append_audit(record)
        written = await self.state.boards.write(
            BoardWrite(
                board=board,
                key=given.key,
                text=redact(clean(given.text)),
                over=given.version,
                call=given.id,
                tenant=given.tenant,
                session=given.session,
                agent=f"person:{given.by}" if given.by else "a client",
            )
        )
        return written.model_copy(update={"text": ""})
