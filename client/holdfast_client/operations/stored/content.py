"""Log content, read and stored through activities outside any session."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import NothingToDo, SessionNotFound, StateBehind
from holdfast_workflows.contracts.limits import INLINE_TEXT, PREVIEW_CHARS
from holdfast_workflows.contracts.operations import content as contracts
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry
from holdfast_workflows.contracts.session.manifests import Manifest, Manifests, ReadManifests
from holdfast_workflows.contracts.session.session import SessionView, TurnView
from holdfast_workflows.contracts.tools.session_values import SessionValue

_PAGE = 100
_MANIFESTS = 100
"""Manifests per page."""


async def log(requests: Requests, session: str, start: int = 0) -> AsyncGenerator[Entry]:
    """Yield a session's entries from a sequence number on; long texts as previews."""
    position: int | None = start
    while position is not None:
        page = await _page(requests, session, position)
        if page.unknown:
            await expect_fresh(requests, session)
        for entry in page.entries:
            yield entry
        position = page.next


async def expect_fresh(requests: Requests, session: str) -> None:
    """Raise StateBehind if a session that the workers' database lacks has written to another one."""
    try:
        view = await requests.query(session, "view", 0, SessionView)
    except SessionNotFound:
        return  # erased, with its history
    if view.model:  # its agent was loaded, which wrote the row
        raise StateBehind(f"session {session} has begun, but the workers' database has no row of it")


async def turn_log(requests: Requests, session: str, turn: int, stop: int) -> list[Entry]:
    """Return a turn's entries before a sequence number, reading backwards."""
    found: list[Entry] = []
    start = stop
    while start > 0 and (not found or found[0].turn >= turn):
        stop, start = start, max(0, start - _PAGE)
        page = await span(requests, session, start, stop)
        # A gap in the numbers can be wider than a page.
        found = page + found
    return [entry for entry in found if entry.turn >= turn]


async def span(requests: Requests, session: str, start: int, stop: int) -> list[Entry]:
    """Return the entries with ``start <= seq < stop``."""
    found: list[Entry] = []
    async for entry in log(requests, session, start):
        if entry.seq >= stop:
            break
        found.append(entry)
    return found


async def whole(requests: Requests, session: str, entry: Entry) -> Entry:
    """Return the entry with its full text."""
    if len(entry.text) > PREVIEW_CHARS or not entry.text.endswith("…"):
        return entry
    return entry.model_copy(update={"text": await text(requests, session, entry.seq)})


async def arguments(requests: Requests, session: str, seq: int) -> dict[int, str]:
    """Return the arguments of a reply's calls, by the number of the call's result; empty if the log lacks it."""
    page = await _page(requests, session, seq, 1)
    found = next((each for each in page.entries if isinstance(each, ReplyEntry) and each.seq == seq), None)
    return {seq + place: call.arguments for place, call in enumerate(found.calls, 1)} if found else {}


async def text(requests: Requests, session: str, seq: int) -> str:
    """Return one entry's full text."""
    parts: list[str] = []
    offset, total = 0, 1
    while offset < total:
        part = await requests.activity(
            names.READ_TEXT,
            contracts.ReadText(session=session, seq=seq, offset=offset),
            contracts.TextPart,
            session=session,
        )
        if not part.text:
            break
        parts.append(part.text)
        offset, total = part.offset + len(part.text), part.total
    return "".join(parts)


async def store(requests: Requests, session: str, id: str, text: str) -> str:
    """Store a text too large for a history; return its reference."""
    request = contracts.StoreText(session=session, id=id, text=text)
    stored = await requests.activity(names.STORE_TEXT, request, contracts.StoredText, session=session)
    return stored.ref


async def turn(requests: Requests, session: str, number: int) -> TurnView | None:
    """Return an ended turn from the state database; None if it is missing."""
    request = contracts.ReadTurn(session=session, turn=number)
    return (await requests.activity(names.READ_TURN, request, contracts.StoredTurn, session=session)).view


async def turns(requests: Requests, session: str, last: int) -> AsyncGenerator[TurnView]:
    """Yield a session's turns up to ``last``, in order; long texts as previews."""
    after, page = 0, await _turns(requests, session, 1)
    while page:
        for stored in page:
            after = stored.turn
            # The session has the whole error of a recent turn.
            yield (await requests.turn(session, after) if stored.error else None) or stored
        page = await _turns(requests, session, after + 1)
    for number in range(after + 1, last + 1):  # running, or not stored yet
        if view := await requests.turn(session, number):
            yield view


async def stored_turns(requests: Requests, session: str, first: int) -> tuple[TurnView, ...]:
    """Return the ended turns from one on, as the state database has them: their errors in short."""
    found: list[TurnView] = []
    while page := await _turns(requests, session, first):
        found += page
        first = page[-1].turn + 1
    return tuple(found)


async def _turns(requests: Requests, session: str, first: int) -> tuple[TurnView, ...]:
    request = contracts.ReadTurn(session=session, turn=first, count=_PAGE)
    return (await requests.activity(names.READ_TURN, request, contracts.StoredTurn, session=session)).views


async def prompts(requests: Requests, session: str) -> AsyncGenerator[Manifest]:
    """Yield the manifests of a session's model calls, in order."""
    after, more = 0, True
    while more:
        request = ReadManifests(session=session, after=after, limit=_MANIFESTS)
        page = await requests.activity(names.READ_MANIFESTS, request, Manifests, session=session)
        for manifest in page.manifests:
            yield manifest
            after = manifest.seq
        more = page.more and bool(page.manifests)
    if not after:
        await requests.describe(session)


async def prompt(requests: Requests, session: str, step: int | None, turn: int | None) -> Manifest:
    """Return the last manifest that matches."""
    found: Manifest | None = None
    async for manifest in prompts(requests, session):
        if step in {None, manifest.step} and turn in {None, manifest.turn}:
            found = manifest
    if found is None:
        raise NothingToDo(f"{session} has no such model call with a manifest; `holdfast prompt` lists them")
    return await prompt_at(requests, session, found.seq) or found


async def prompt_at(requests: Requests, session: str, seq: int) -> Manifest | None:
    """Return the manifest of the reply at ``seq``, with the instructions of its prompt."""
    request = ReadManifests(session=session, seq=seq)
    page = await requests.activity(names.READ_MANIFESTS, request, Manifests, session=session)
    return page.manifests[0] if page.manifests else None


async def _page(requests: Requests, session: str, start: int, count: int = _PAGE) -> contracts.LogPage:
    request = contracts.ReadLog(session=session, start=start, count=count, text_limit=INLINE_TEXT)
    return await requests.activity(names.READ_LOG, request, contracts.LogPage, session=session)


async def values(requests: Requests, session: str, key: str = "") -> tuple[SessionValue, ...]:
    """Return the values that a session's tools keep, or one of them."""
    await requests.expect_visible(session)
    found: list[SessionValue] = []
    after, more = "", True
    while more:
        ask = contracts.ReadValues(session=session, key=key, after=after)
        page = await requests.activity(names.READ_VALUES, ask, contracts.ValuePage, session=session)
        found += (SessionValue(each.key, json.loads(each.text), each.version) for each in page.values)
        after, more = page.next, bool(page.next)
    if not found:
        await requests.describe(session)
    return tuple(found)
