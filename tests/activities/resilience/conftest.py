"""Workers as far as resilience goes: several copies over one database, and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from holdfast_activities.resilience import refreshing
from holdfast_activities.resilience.breakers import Breakers
from holdfast_activities.state import State, open_state, upgrade
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_activities.state.coordination.breakers import BreakerStore
from tests.postgres_server import PostgresServer

on_both_databases = pytest.mark.parametrize("state", ["sqlite", "postgres"], indirect=True)
"""For the tests that depend on what the database does when several workers ask at once."""


NAME = "provider:openai"
DOUBT = BreakerRule().doubt


class Clock:
    """The time, which passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def read_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker knows does not depend on how fast the machine is: it reads when a test says so, and waits."""
    monkeypatch.setattr(refreshing, "REFRESH_SECONDS", 3_600.0)
    monkeypatch.setattr(refreshing, "ANSWER_SECONDS", 30.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def state(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[State]:
    """A state of this test alone, in SQLite if it does not ask for another."""
    if getattr(request, "param", "sqlite") == "sqlite":
        url = f"sqlite:///{tmp_path / 'state.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = await server.create(f"test_{uuid.uuid4().hex}")
    await upgrade(url)
    state = await open_state(url)
    yield state
    await state.close()


class Counting:
    """A part of the state with a count of what it is asked.

    ``down`` makes it fail, ``hung`` not answer, ``held`` keep back the answers to ``load``.
    """

    def __init__(self, part: object) -> None:
        self._part = part
        self.asked: list[str] = []
        self.down: Exception | None = None
        self.hung = False
        self.held: asyncio.Event | None = None
        self.holding = asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def ask(*args: object, **named: object) -> object:
            self.asked.append(name)
            if self.hung:
                await asyncio.Event().wait()
            if self.down is not None:
                raise self.down
            answer: object = await getattr(self._part, name)(*args, **named)
            if name == "load" and self.held is not None:
                self.holding.set()
                await self.held.wait()
            return answer

        return ask


@pytest.fixture
async def fleet(state: State, clock: Clock) -> AsyncIterator[list[Breakers]]:
    """Three workers on one database."""
    workers = [Breakers(state.breakers, clock=clock) for _ in range(3)]
    yield workers
    for worker in workers:
        await worker.close()


@pytest.fixture
def circuits(state: State) -> Counting:
    return Counting(state.breakers)


@pytest.fixture
async def breakers(circuits: Counting, clock: Clock) -> AsyncIterator[Breakers]:
    """One worker whose questions to the database are counted."""
    breakers = Breakers(cast("BreakerStore", circuits), clock=clock)
    yield breakers
    await breakers.close()


async def fail(breakers: Breakers, times: int = 1, name: str = NAME) -> None:
    for _ in range(times):
        await breakers.failed(await breakers.admit(name), "503")


async def refresh(fleet: list[Breakers]) -> None:
    for breakers in fleet:
        await breakers.refresh()
