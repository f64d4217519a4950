"""``holdfast agents --load``: what is not counted has a dash."""

from __future__ import annotations

from holdfast.testing import say

from ..conftest import Running
from .test_command import holdfast, lines


async def test_agents_are_listed_with_their_load(running: Running) -> None:
    async with running([say("Hello.")]) as environment:
        _, out, _ = await holdfast(environment, "agents", "--load")
        [heading, *rows] = out.splitlines()
        assert heading.split() == [
            "agent",
            "capabilities",
            "cost",
            "running",
            "waiting",
            "success",
            "p95",
            "breaker",
            "queue",
            "workers",
        ]
        assert next(row.split() for row in rows if row.startswith("helper"))[1:8] == ["-"] * 6 + ["closed"]
        _, out, _ = await holdfast(environment, "agents", "--load", "--json")
        assert {(each["agent"], each["running"], each["workers"]) for each in lines(out)} == {
            ("helper", None, 1), ("quick", None, 1), ("poster", None, 1),
        }  # fmt: skip
