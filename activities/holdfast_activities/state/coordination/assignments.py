"""Places of agents: which turns run, which requests wait, and how the last ones ended.

A place is given in one transaction that all workers wait for, so each of 50 requests that arrive at once sees the
places given a moment before. A place that becomes free goes to the first request that waits for it.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, delete, exists, func, literal, or_, update
from sqlalchemy import insert as insert_from
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.teams.routed import RankedAgent
from holdfast_workflows.contracts.teams.routing import Routing

from ..log.rows import identifier
from ..setup.tables import AssignmentTable
from ..setup.transactions import Transactions
from .scope import Scope

RECENT = 900.0
"""Seconds for which an ended turn counts in success rates and latencies. An agent that failed is tried again then."""

_MOST_RECENT = 50
"""Ended turns of an agent that count."""

_MOST_READ = 2_000

_START = 0
"""The turn of a request that was routed; the session's number of its first turn is not known yet."""


@dataclass(slots=True)
class Load:
    """Turns of an agent that run, and requests that wait with it as their first choice."""

    running: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Recent:
    """How an agent's last turns ended. Cancelled ones do not count. Times are in seconds, with the wait for a model."""

    done: int = 0
    failed: int = 0
    mean: float = 0.0
    p95: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """A session that needs one of these agents. A smaller ``priority`` is served first, then the older request."""

    session: str
    agents: tuple[str, ...]
    priority: int
    since: float
    may_wait: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """The agent that a request got; without one its ``position`` in the queue, or 0 if the queues are full too.

    ``ranking`` is the one by which it was decided. ``woken`` are other sessions that got a place at the same time.
    """

    agent: str
    ranking: tuple[RankedAgent, ...]
    position: int = 0
    woken: tuple[str, ...] = ()


Rank = Callable[[Sequence[str], Mapping[str, Load]], list[RankedAgent]]
"""Ranks agents by their load, the best first."""


@dataclass(slots=True)
class _Queue:
    """The open rows of an app at the time of a change."""

    loads: dict[str, Load] = field(default_factory=dict[str, Load])
    waiting: list[AssignmentTable] = field(default_factory=list[AssignmentTable])


class AssignmentStore:
    """Places of agents, shared by all workers of an app."""

    def __init__(self, transactions: Transactions, scope: Scope) -> None:
        self._transactions = transactions
        self._scope = scope
        self._alone = asyncio.Lock()
        """Held during a change: within a process the next one waits here instead of asking the database again."""

    async def place(self, request: Request, rank: Rank, limits: Mapping[str, Routing], now: float) -> Placed:
        """Give a request a place with the best agent that has one, or let it wait.

        Requests that have waited longer, or have a higher priority, come first. A session that has a place keeps it,
        so a repeated call returns the same agent.
        """
        session = identifier(request.session)
        async with self._alone, self._transactions.begin() as db:
            await self._transactions.lock(db, AssignmentTable)
            rows = await self._open(db)
            queue = self._queue(rows)
            own = next((row for row in rows if row.session == session), None)
            if own is not None and own.status == "running":
                agent = self._scope.name(own.agent)
                return Placed(agent, tuple(rank(request.agents, queue.loads)))
            if own is None:
                # An earlier start of the same session.
                ended = (col(AssignmentTable.session) == session, col(AssignmentTable.turn) == _START)
                await db.exec(delete(AssignmentTable).where(*ended))
                own = self._row(request, now)
                queue.waiting.append(own)
            own.agents, own.checked = json.dumps(request.agents), now
            return await self._serve(db, queue, own, request, rank, limits, now)

    async def claim(self, session: str, turn: int, agent: str, now: float) -> None:
        """Count a turn of a session that was not routed, or that was routed for an earlier turn."""
        table, id = AssignmentTable, identifier(session)
        taken = exists().where(col(table.session) == id, or_(col(table.ended) == 0, col(table.turn) == turn))
        values = {
            "session": id, "turn": turn, "agent": self._scope.stored(agent), "agents": "[]", "status": "running",
            "priority": 3, "at": now, "checked": now, "ended": 0.0,
        }  # fmt: skip
        row = select_columns(*map(literal, values.values())).where(~taken)
        await self._transactions.write(insert_from(table).from_select(list(values), row))

    async def claim_next(self, session: str, agent: str, now: float) -> None:
        """Count the turn of a session that goes on with another agent, after its place was freed."""
        async with self._transactions.begin() as db:
            last = select(func.min(col(AssignmentTable.turn))).where(
                col(AssignmentTable.session) == identifier(session)
            )
            first = (await db.exec(last)).one_or_none()
        # Below all others: the numbers of turns are those of the session.
        await self.claim(session, min(first or 0, _START) - 1, agent, now)

    async def finish(
        self, sessions: Sequence[str], status: str, limits: Mapping[str, Routing], now: float
    ) -> tuple[str, ...]:
        """Free the places of sessions, and give them to requests that wait; return these requests' sessions."""
        async with self._alone, self._transactions.begin() as db:
            await self._transactions.lock(db, AssignmentTable)
            rows = await self._open(db)
            ended = [row for row in rows if row.session in sessions]
            if not ended:
                return ()
            for row in ended:
                if row.status == "waiting":
                    await db.delete(row)
                else:
                    row.status, row.ended = status, now
                    db.add(row)
            queue = self._queue(row for row in rows if row not in ended)
            woken: list[str] = []
            for name in sorted({self._scope.name(row.agent) for row in ended}):
                woken += self._hand_on(db, queue, name, limits, now)
            return tuple(woken)

    async def stale(self, before: float, most: int = 20) -> list[AssignmentTable]:
        """Open rows whose session was last checked before that time."""
        return await self._transactions.all(
            select(AssignmentTable)
            .where(self._mine(), col(AssignmentTable.ended) == 0, col(AssignmentTable.checked) < before)
            .order_by(col(AssignmentTable.checked))
            .limit(most)
        )

    async def checked(self, sessions: Sequence[str], now: float) -> None:
        """Note that these sessions still need their places."""
        own = (col(AssignmentTable.session).in_(sessions), col(AssignmentTable.ended) == 0)
        await self._transactions.write(update(AssignmentTable).where(*own).values(checked=now))

    async def loads(self) -> dict[str, Load]:
        """The load of each agent that has any."""
        async with self._transactions.begin() as db:
            return self._queue(await self._open(db)).loads

    async def recent(self, now: float) -> dict[str, Recent]:
        """How the last turns of each agent ended."""
        table = AssignmentTable
        rows = await self._transactions.all(
            select(table)
            .where(self._mine(), col(table.ended) > now - RECENT, col(table.status).in_(("done", "failed")))
            .order_by(col(table.ended).desc())
            .limit(_MOST_READ)
        )
        found: dict[str, list[AssignmentTable]] = {}
        for row in rows:
            found.setdefault(self._scope.name(row.agent), []).append(row)
        return {agent: _recent(ended[:_MOST_RECENT]) for agent, ended in found.items()}

    async def _serve(
        self,
        db: AsyncSession,
        queue: _Queue,
        own: AssignmentTable,
        request: Request,
        rank: Rank,
        limits: Mapping[str, Routing],
        now: float,
    ) -> Placed:
        """Give places to all that wait, in their order, and return what ``own`` got."""
        woken: list[str] = []
        ranking: list[RankedAgent] = []
        position = 0
        for row in sorted(queue.waiting, key=_order):
            ranked = rank(json.loads(row.agents), queue.loads)
            if row is own:
                ranking = ranked
            best = next((each.agent for each in ranked if _free(each.agent, queue.loads, limits)), None)
            if best is not None:
                self._give(db, queue, row, best, now)
                if row is not own:
                    woken.append(row.session)
            elif row is own:
                position = (
                    sum(_order(each) < _order(own) for each in queue.waiting if each.status == "waiting") + 1
                )
        if own.status == "waiting" and not self._wait(db, queue, own, request, ranking, limits):
            position = 0
        agent = self._scope.name(own.agent) if own.status == "running" else ""
        return Placed(agent, tuple(ranking), position, tuple(woken))

    def _wait(
        self,
        db: AsyncSession,
        queue: _Queue,
        own: AssignmentTable,
        request: Request,
        ranking: Sequence[RankedAgent],
        limits: Mapping[str, Routing],
    ) -> bool:
        """Keep a request in the queue of the best agent that has room; False if no queue has any."""
        if not own.agent:
            room = (
                each.agent
                for each in ranking
                if queue.loads.get(each.agent, Load()).waiting < limits[each.agent].max_queue
            )
            first = next(room, "") if request.may_wait else ""
            if not first:
                return False
            own.agent = self._scope.stored(first)
        db.add(own)
        return True

    def _hand_on(
        self, db: AsyncSession, queue: _Queue, agent: str, limits: Mapping[str, Routing], now: float
    ) -> list[str]:
        woken: list[str] = []
        for row in sorted(queue.waiting, key=_order):
            if (
                row.status == "waiting"
                and agent in json.loads(row.agents)
                and _free(agent, queue.loads, limits)
            ):
                self._give(db, queue, row, agent, now)
                woken.append(row.session)
        return woken

    def _give(self, db: AsyncSession, queue: _Queue, row: AssignmentTable, agent: str, now: float) -> None:
        if row.agent:
            queue.loads.setdefault(self._scope.name(row.agent), Load()).waiting -= 1
        queue.loads.setdefault(agent, Load()).running += 1
        row.agent, row.status, row.at, row.checked = self._scope.stored(agent), "running", now, now
        db.add(row)

    def _row(self, request: Request, now: float) -> AssignmentTable:
        return AssignmentTable(
            session=request.session,
            turn=_START,
            agent="",
            agents=json.dumps(request.agents),
            status="waiting",
            priority=request.priority,
            at=request.since,
            checked=now,
            ended=0.0,
        )

    def _queue(self, rows: Iterable[AssignmentTable]) -> _Queue:
        queue = _Queue()
        for row in rows:
            load = queue.loads.setdefault(self._scope.name(row.agent), Load())
            if row.status == "waiting":
                load.waiting += 1
                queue.waiting.append(row)
            else:
                load.running += 1
        return queue

    async def _open(self, db: AsyncSession) -> list[AssignmentTable]:
        return list(
            await db.exec(select(AssignmentTable).where(self._mine(), col(AssignmentTable.ended) == 0))
        )

    def _mine(self) -> ColumnElement[bool]:
        return self._scope.own(col(AssignmentTable.agent))


def _order(row: AssignmentTable) -> tuple[int, float, str]:
    return row.priority, row.at, row.session


def _free(agent: str, loads: Mapping[str, Load], limits: Mapping[str, Routing]) -> bool:
    routing = limits.get(agent)
    if routing is None:  # not an agent of this worker's app any more, or not yet
        return False
    return routing.max_sessions is None or loads.get(agent, Load()).running < routing.max_sessions


def _recent(ended: Sequence[AssignmentTable]) -> Recent:
    took = sorted(max(0.0, row.ended - row.at) for row in ended if row.status == "done")
    failed = sum(row.status == "failed" for row in ended)
    if not took:
        return Recent(failed=failed)
    return Recent(len(took), failed, sum(took) / len(took), took[min(len(took) - 1, int(len(took) * 0.95))])
