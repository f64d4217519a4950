"""The tree of a team: a session, the sessions that it started, and so on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.operations.sessions import ListSessions, query
from holdfast_workflows.contracts.public import public

from . import listing
from .listing import SessionInfo

LIMIT: Final = 1_000
_ERRORS: Final = 20
"""Failed sessions whose error is read, with one request each."""

_SECONDS: Final = 10.0


@public
@dataclass(frozen=True)
class SessionTree:
    """A session and the sessions that it started.

    Attributes:
        session: The session as in a list; its cost is its own, up to its last ended turn.
        children: The sessions that it started, in that order.
        error: Why it failed; empty for others, and for failed sessions after the first 20 of a tree.
        cut: Whether sessions are missing, since the tree has more than were asked for.
    """

    session: SessionInfo
    children: tuple[SessionTree, ...] = ()
    error: str = ""
    cut: bool = False

    @property
    def cost(self) -> float:
        """US dollars of all its sessions."""
        return sum(each.session.cost for _, each in self.walk())

    @property
    def size(self) -> int:
        """The number of its sessions."""
        return sum(1 for _ in self.walk())

    def part(self, session: str) -> SessionTree:
        """Return the part that begins with a session; the whole tree if it does not have it."""
        return next((part for _, part in self.walk() if part.session.id == session), self)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, SessionTree]]:
        """Yield each part of the tree with its depth, a parent before its children."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


async def tree(requests: Requests, session: str, limit: int) -> SessionTree:
    """Return the tree that a session belongs to."""
    await requests.expect_visible(session)
    root = (await requests.describe(session)).root_id or session
    found: dict[str, SessionInfo] = {}
    async for each in _listed(requests, root, limit + 1):
        # Newest first; a session that was reset has several runs.
        found.setdefault(each.id, each)
    for missing in {root, session} - set(found):
        found[missing] = await listing.one(requests, missing)
    cut = len(found) > limit
    errors = await _errors(requests, [each.id for each in found.values() if each.status == "failed"])
    return _built(root, list(found.values())[:limit] if cut else list(found.values()), errors, cut=cut)


async def _listed(requests: Requests, root: str, limit: int) -> AsyncGenerator[SessionInfo]:
    listed = (
        listing.sessions(requests, query(root=root), limit)
        if requests.grants is None
        else listing.permitted(requests, ListSessions(root=root), limit)
    )
    async for each in listed:
        yield each


def _built(root: str, found: Sequence[SessionInfo], errors: Mapping[str, str], *, cut: bool) -> SessionTree:
    """Build the tree. A session whose parent is missing stands under the root."""
    known = {each.id: each for each in found}
    below: dict[str, list[SessionInfo]] = {}
    for each in _in_order(found):
        if each.id != root:
            below.setdefault(each.parent if each.parent in known else root, []).append(each)

    def part(info: SessionInfo) -> SessionTree:
        children = tuple(part(each) for each in below.get(info.id, ()))
        return SessionTree(info, children, errors.get(info.id, ""), cut and info.id == root)

    return part(known[root])


def _in_order(found: Sequence[SessionInfo]) -> list[SessionInfo]:
    """Sort sessions by their start, and those of one call, which start together, by their number."""
    calls = {each.id: _call(each.id) for each in found}
    began: dict[str, datetime] = {}
    for each in found:
        call, _ = calls[each.id]
        began[call] = min(began.get(call, each.started), each.started)
    return sorted(found, key=lambda info: (began[calls[info.id][0]], calls[info.id]))


def _call(session: str) -> tuple[str, int]:
    """Split the id of a child session into that of its call and its number."""
    call, _, number = session.rpartition(".")
    return (call, int(number)) if call and number.isdecimal() else (session, 0)


async def _errors(requests: Requests, failed: Sequence[str]) -> dict[str, str]:
    """Return why sessions failed."""

    async def why(id: str) -> str:
        try:
            await requests.result(id, _SECONDS)
        except HoldfastError as error:
            return str(error)
        except TimeoutError:
            return ""
        return ""

    asked = failed[:_ERRORS]
    return dict(zip(asked, await asyncio.gather(*map(why, asked)), strict=True))
