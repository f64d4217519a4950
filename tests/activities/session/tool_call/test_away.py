"""A state database that is away: calls wait for it instead of failing."""

import asyncio
import uuid

from holdfast import ToolContext, tool
from holdfast_activities.state import open_state, upgrade
from holdfast_workflows.contracts.session.steps import ThinkInput, ThinkResult
from tests.postgres_server import PostgresServer

from .call_runner import CallRunner


async def test_a_call_waits_for_a_database_that_does_not_answer(postgres_server: PostgresServer) -> None:
    @tool(effect="idempotent")
    async def note(ctx: ToolContext) -> str:
        """Note something."""
        return ctx.key

    url = await postgres_server.create(f"away_{uuid.uuid4().hex}")
    await upgrade(url)
    state = await open_state(url)
    runner = CallRunner(state, f"s-{uuid.uuid4().hex}", note)
    think = runner.activities.all()[1]
    step = ThinkInput(
        session=runner.session, agent="clerk", digest="never seen", turn=1, step=1, seq=1, tried=2
    )
    await asyncio.to_thread(postgres_server.halt)
    try:
        thought: ThinkResult = await runner.environment.run(think, step)
    finally:
        await asyncio.to_thread(postgres_server.go_on)
    assert thought.wait is not None
    assert (thought.wait.kind, thought.wait.error_code) == ("state", "state_unavailable")
    assert thought.wait.tried == 2, "waiting began a new count of attempts"
    await runner.resilience.close()
    await state.close()
