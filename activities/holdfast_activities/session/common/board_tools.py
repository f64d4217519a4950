"""The board tools of agents: list, read, write."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from holdfast_activities.state.coordination.boards import BoardStore, BoardWrite
from holdfast_activities.tools.contract_tool import ContractTool
from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.spec import BoardTool, ToolSpec
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.names import board_of
from holdfast_workflows.contracts.teams.board import BoardEntry
from holdfast_workflows.contracts.teams.board_tools import ListEntries, ReadEntries, WriteEntry
from holdfast_workflows.contracts.text.redaction import redact
from holdfast_workflows.contracts.text.unicode import clean


def board_tool(spec: ToolSpec, boards: BoardStore) -> ContractTool:
    """The tool of a spec that has a board."""
    about = spec.board
    assert about is not None
    tools = _BoardTools(about, boards)
    functions: dict[str, tuple[type[Contract], Callable[[Any, ToolContext], Awaitable[str]]]] = {
        "list": (ListEntries, tools.list),
        "read": (ReadEntries, tools.read),
        "write": (WriteEntry, tools.write),
    }
    return ContractTool(spec, *functions[about.operation])


class _BoardTools:
    """The tools of one board."""

    def __init__(self, about: BoardTool, boards: BoardStore) -> None:
        self._about = about
        self._boards = boards

    async def list(self, asked: ListEntries, context: ToolContext) -> str:
        found = await self._boards.entries(self._board(context), asked.prefix)
        lines = [f"{each.key}: {_about(each)}, {each.size:,} characters" for each in found]
        return "\n".join(lines) or "the board has no such entries"

    async def read(self, asked: ReadEntries, context: ToolContext) -> str:
        found = await self._boards.read(self._board(context), asked.keys)
        return "\n\n".join(_shown(key, found.get(key)) for key in dict.fromkeys(asked.keys))

    async def write(self, asked: WriteEntry, context: ToolContext) -> str:
        written = await self._boards.write(
            BoardWrite(
                board=self._board(context),
                key=asked.key,
                text=redact(clean(asked.text)),
                over=asked.version,
                call=context.key,
                tenant=context.tenant,
                session=context.session,
                agent=context.agent,
            )
        )
        done = "written" if written.size else "removed"
        return f"{done}: {written.key} is at version {written.version}"

    def _board(self, context: ToolContext) -> str:
        return board_of(context._root, context.tenant, self._about.board)  # noqa: SLF001 - for Holdfast's own tools only


def _about(entry: BoardEntry) -> str:
    return f"version {entry.version} by {entry.agent}, {datetime.fromtimestamp(entry.at, UTC):%Y-%m-%d %H:%M} UTC"


def _shown(key: str, entry: BoardEntry | None) -> str:
    if entry is None:
        return f"{key}: no entry; write it with version=0"
    if not entry.size:
        return f"{key}: removed; write it with version={entry.version}"
    return f"{key}: {_about(entry)}\n{entry.text}"
