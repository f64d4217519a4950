"""The commands for retention, legal holds and maintenance."""

from __future__ import annotations

import json
import time
from datetime import timedelta

from holdfast.testing import say
from holdfast_client import sync

from ..conftest import Running
from .test_command import holdfast


async def test_rules_holds_and_runs_are_set_and_shown(running: Running) -> None:
    async with running([say("Hello."), say("Hello.")]) as environment:
        gone, kept = [await environment.client.start("poster", "Hi") for _ in range(2)]
        for each in (gone, kept):
            await each.wait()
            await each.close()
            await each.result()
        assert (await holdfast(environment, "retention", "set", "log", "0.000001s"))[0] == 0
        _, out, _ = await holdfast(environment, "retention", "set", "session", "never", "--tenant", "acme")
        assert "for ever" in out
        _, out, _ = await holdfast(environment, "retention", "show", "--json")
        rules = {(rule["tenant"], rule["kind"]): rule for rule in map(json.loads, out.splitlines())}
        assert rules["acme", "session"]["days"] is None
        assert rules["*", "session"]["days"] == 365.0
        assert rules["*", "log"]["by"]
        hold = ("hold", "add", "session", kept.id, "--reason", "case 7", "--name", "h-1")
        assert (await holdfast(environment, *hold))[:2] == (0, "h-1\n")
        _, out, _ = await holdfast(environment, "hold", "list")
        assert f"session {kept.id}" in out
        assert "case 7" in out
        code, _, err = await holdfast(environment, "memory", "erase", "session", kept.id, "--yes")
        assert (code, "case 7" in err) == (2, True)

        code, out, _ = await holdfast(environment, "maintain", "run", "retention")
        assert (code, out.split()[-4:]) == (0, ["retention", "1", out.split()[-2], "done"])
        _, out, _ = await holdfast(environment, "maintain", "show")
        assert "by hand" in out
        assert "retention: 1 in" in out
        _, out, _ = await holdfast(environment, "show", gone.id)
        assert "removed by retention: log on 2" in out
        _, out, _ = await holdfast(environment, "show", kept.id)
        assert "removed by" not in out
        code, out, _ = await holdfast(environment, "hold", "remove", "h-1", "--reason", "closed")
        assert (code, out) == (0, f"the hold on session {kept.id} is removed\n")
        code, _, err = await holdfast(environment, "hold", "remove", "h-1", "--reason", "closed")
        assert (code, "no hold" in err) == (2, True)

        await holdfast(environment, "retention", "set", "session", "0.000001s")
        await holdfast(environment, "maintain", "run", "retention")
        code, _, err = await holdfast(environment, "show", gone.id)
        assert (code, "everything on 2" in err) == (4, True)


async def test_a_removed_session_is_not_shown_although_the_server_still_has_its_history(
    running: Running,
) -> None:
    async with running([say("Hello.")]) as environment:
        session = await environment.client.start("poster", "Hi")
        await session.wait()
        await session.close()
        await session.result()
        await environment.client.retention.set("session", timedelta(microseconds=1))
        rules = await environment.state.retention_rules.load()
        assert await environment.state.retention.remove(session.id, rules, time.time()) == ("session",)
        code, out, err = await holdfast(environment, "show", session.id)
        assert (code, out, "everything on 2" in err) == (4, "", True)


def test_the_client_without_async_has_the_same_methods() -> None:
    for handle, methods in (
        (sync.MaintenanceClient, {"run", "runs", "schedule"}),
        (sync.RetentionClient, {"list", "set"}),
        (sync.HoldClient, {"add", "list", "remove"}),
    ):
        assert {name for name in vars(handle) if not name.startswith("_")} == methods
