"""The audit log through the client and the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from holdfast.testing import say

from ...support import eventually
from ..command.test_command import holdfast
from ..conftest import Running


async def test_records_are_listed_by_session_principal_kind_and_time(running: Running) -> None:
    async with running([say("Hello.")]) as environment:
        client = environment.client
        session = await client.start("helper", "Hi", tenant="acme")
        await session.wait()
        await session.pause()
        await session.resume()

        async def recorded() -> bool:
            return len(await client.audit(session=session.id)) == 2

        await eventually(recorded)
        paused, resumed = await client.audit(session=session.id)
        assert (paused.n, paused.record.action, paused.record.principal) == (1, "paused", "local")
        assert (resumed.n, resumed.record.action) == (2, "resumed")
        assert await client.audit(tenant="acme", principal="local", kind="operator") == (paused, resumed)
        assert await client.audit(session=session.id, limit=1) == (resumed,)
        for nothing in (
            client.audit(tenant=""),
            client.audit(kind="erasure"),
            client.audit(principal="eve"),
            client.audit(since=datetime.now(UTC) + timedelta(hours=1)),
            client.audit(until=datetime.now(UTC) - timedelta(hours=1)),
        ):
            assert await nothing == ()
        code, out, _ = await holdfast(environment, "audit", "show", "--session", session.id, "--json")
        assert code == 0
        assert [json.loads(line) for line in out.splitlines()] == [
            paused.model_dump(mode="json"),
            resumed.model_dump(mode="json"),
        ]
        code, out, _ = await holdfast(environment, "audit", "show", "--tenant", "acme")
        assert f"operator paused {session.id} by local (acme 1)" in " ".join(out.split())
        code, _, err = await holdfast(environment, "audit", "show", "--kind", "happy")
        assert code == 2
        assert "'happy' is not a kind" in err
