"""Boards: what the agents of a team write for each other."""

from __future__ import annotations

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.names import OWN_TOOLS, RESERVED
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.board_tools import board_tools

from .. import declare


@public
class Board:
    """A board for ``Agent(tools=[…])``: the agent lists, reads and writes short texts that other agents see.

    Attributes:
        name: The name of a board of the tenant; empty for the board of the session's own team.
        specs: Its tools, as the model sees them.
    """

    @known_options("Board")
    def __init__(self, name: str = "", *, description: str = "", write: bool = True) -> None:
        """Declare the access of an agent to a board.

        Args:
            name: Empty for the board that a session shares with the sessions it starts, and that is erased with it. With
                a name, one board for all sessions of the tenant: its tools are ``list_<name>``, ``read_<name>``
                and ``write_<name>``.
            description: What the board is for, as the model sees it.
            write: Whether the agent may write.

        Raises:
            InvalidDeclaration: The name is invalid or reserved.
        """
        self.name = declare.name(name, "Board") if name else ""
        self.specs = board_tools(name, description, write=write)
        for spec in self.specs:
            declare.name(spec.name, "Board")
            if spec.name in RESERVED or spec.name in OWN_TOOLS:
                raise InvalidDeclaration(
                    f"Board {name!r} has the tool {spec.name!r}, which is a reserved name; choose another name"
                )

    def __repr__(self) -> str:
        return f"Board({self.name!r})"
