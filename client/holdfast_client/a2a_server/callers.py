"""Who calls, and which of the caller's sessions a context or a task is.

Ids of sessions are made from the caller's identity, so a caller has no name for the sessions of others.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from a2a.utils.errors import InvalidParamsError, TaskNotFoundError

from holdfast_client.client import Client
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.control.inbox import InboxItem, ItemKind, may_answer
from holdfast_workflows.contracts.text.unicode import dump_json

_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TASK: Final = re.compile(r"([A-Za-z0-9_-]{1,100})\.([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Place:
    """A task: the turn ``turn`` of the session of the context ``context``."""

    context: str
    turn: int

    @property
    def task(self) -> str:
        """The task's id."""
        return f"{self.context}.{self.turn}"

    @classmethod
    def of(cls, task: str) -> "Place":
        """Read a task's id.

        Raises:
            TaskNotFoundError: It is not the id of a task of this server.
        """
        found = _TASK.fullmatch(task)
        if found is None:
            raise TaskNotFoundError(f"no task has the id {task!r}")
        return cls(found[1], int(found[2]))


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller of an agent. ``queue`` is the task queue of its workers.

    ``principal`` is None where callers are not verified; they may then answer items of the ``kinds`` only.
    """

    client: Client
    queue: str
    agent: str
    tenant: str
    user: str
    principal: Principal | None
    kinds: frozenset[ItemKind]

    def session_id(self, context: str) -> str:
        """The id of the session of a context."""
        return f"{self.prefix}{context}"

    @property
    def prefix(self) -> str:
        """The beginning of the ids of the caller's sessions with the agent."""
        return f"a2a-{self.agent}-{self._digest()}-"

    def context_for(self, message: str) -> str:
        """The id of the context that a message without one begins: the same if the message is sent again."""
        return self._digest(message)

    def may_answer(self, item: InboxItem) -> bool:
        """Whether the caller may answer an item of the inbox."""
        if self.principal is None:
            return item.kind in self.kinds
        return may_answer(item.owners, self.principal)

    def _digest(self, *more: str) -> str:
        who = (
            [self.tenant, self.user] if self.principal is None else [self.principal.tenant, self.principal.id]
        )
        return hashlib.sha256(dump_json([*who, self.queue, self.agent, *more]).encode()).hexdigest()[
            : 24 if more else 16
        ]


def checked_context(context: str) -> str:
    """Check a context's id that a client has chosen.

    Raises:
        InvalidParamsError: It cannot be part of a session's id.
    """
    if not _CONTEXT.fullmatch(context):
        raise InvalidParamsError(
            f"contextId {context[:100]!r} cannot be used; use 1 to 100 ASCII letters, digits, '_' and '-'"
        )
    return context
