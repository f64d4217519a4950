"""Play cases as whole sessions: a worker, a Temporal server, a state database and a model over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from holdfast import App, NeedsPerson, Permissions
from holdfast.testing import Call, Environment, Reply, Request, ScriptedModel, say

from .cases import Case, Planned, agent

_AT_ONCE = 8
_LONGEST = 120.0
"""Seconds for one session on a busy machine."""


@dataclass
class Sessions:
    """Plays cases; each has its own agent, by whose model's name the scripted model knows it."""

    permissions: Callable[[str], Permissions | None]
    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    _current: dict[str, Planned] = field(default_factory=dict[str, Planned])

    def model(self, request: Request) -> Reply:
        """Make the case's next call, or end the turn."""
        case = self.cases[request.model]
        results = [message for message in request.messages if message["role"] == "tool"]
        if results:
            case.read(len(results) - 1, str(results[-1]["content"]))
        if len(results) >= len(case.plan):
            return say(case.reply)
        planned = self._current[case.name] = case.plan[len(results)]
        return Reply(calls=(Call(planned.call.function, planned.arguments),))

    async def play(self, environment: Environment, case: Case) -> None:
        """Run the case's session to the end of its turn, and answer for the person."""
        async with asyncio.timeout(_LONGEST):
            session = await environment.client.start(case.name, case.task.PROMPT)
            async for event in session.stream():
                if not isinstance(event, NeedsPerson):
                    continue
                planned = self._current[case.name]
                case.asked.append(planned)
                if planned.injected:
                    await session.reject(event.item_id, "The user did not ask for this.", by="person")
                else:
                    await session.approve(event.item_id, by="person")

    @asynccontextmanager
    async def running(self, cases: Sequence[Case], server: str | None = None) -> AsyncGenerator[Environment]:
        """Start what the sessions of these cases need."""
        self.cases |= {case.name: case for case in cases}
        app = App(
            agents=[
                agent(case.name, case.suite, self.cases.__getitem__, self.permissions(case.suite))
                for case in cases
            ]
        )
        async with (
            ScriptedModel(self.model) as model,
            Environment.start(app, model, server=server) as started,
        ):
            yield started

    async def play_all(self, cases: Sequence[Case], server: str | None = None) -> None:
        """Play the cases, a few at once."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def play(case: Case) -> None:
            async with free:
                await self.play(environment, case)

        async with self.running(cases, server) as environment:
            await asyncio.gather(*map(play, cases))
