"""Patterns: the figures of a period, and what changed since the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast import BadInput, Pattern
from holdfast.testing import call, say, unauthorized
from holdfast_activities.debugging.patterns import patterns_of
from holdfast_activities.state.content.patterns import Case
from holdfast_client.command.debugging.patterns import bars
from holdfast_workflows.contracts.operations.patterns import ReadPatterns, changes, percentile

from ..command.test_command import holdfast, lines
from ..conftest import Running


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert (percentile([7.0], 0.99), percentile([], 0.5)) == (7.0, 0.0)


def test_cases_become_counts_durations_errors_and_hours() -> None:
    ask = ReadPatterns(since=0.0, until=7_200.0)
    cases = [Case("a", 10.0 + at, 1.0 + at, cost=0.5, tokens=3, session="quick") for at in range(4)]
    cases += [Case("a", 3_700.0, 10.0, "model_transient", session="slow"), Case("b", 7_199.0, 2.0)]
    a, b = patterns_of("agent", cases, ask)
    assert (a.name, a.count, a.failed, a.errors) == ("a", 5, 1, {"model_transient": 1})
    assert (a.min, a.mean, a.max, a.p50, a.p95) == (1.0, 4.0, 10.0, 3.0, 10.0)
    assert (a.cost, a.tokens, a.per_hour, b.per_hour) == (2.0, 12, (4, 1), (0, 1))
    assert bars(a.per_hour) == "█▂"
    assert a.slowest == "slow"


def test_only_real_changes_are_reported() -> None:
    def pattern(name: str, **fields: object) -> Pattern:
        return Pattern.model_validate({"kind": "tool", "name": name, "count": 100, "p95": 1.0} | fields)

    before = [pattern(name) for name in ("same", "slow", "failing", "busy", "gone")]
    now = [
        pattern("same", p95=1.2),
        pattern("slow", p95=8.4),
        pattern("failing", failed=12, errors={"failed": 12}),
        pattern("busy", count=250),
        pattern("new"),
    ]
    assert changes(now, before) == (
        "tool failing: 12% failed, before 0%",
        "tool failing: new errors: failed (12)",
        "tool slow: p95 8.40 s, before 1.00 s",
        "tool busy: 250, before 100",
        "tool new: new, 100 in the period",
        "tool gone: none, before 100",
    )
    rare = [pattern("rare", count=3, p95=9.0)]
    assert changes(rare, [pattern("rare", count=3)]) == ()


async def test_patterns_come_from_turns_and_calls_that_happened(running: Running) -> None:
    script = [call("look", {"at": "it"}), say("Seen."), say("Hi."), *[unauthorized()] * 3]
    async with running(script) as environment:
        sessions: list[str] = []
        for text in ("Look.", "Hi!", "Fail."):
            session = await environment.client.start("helper", text)
            await session.wait(raise_on_error=False)
            sessions.append(session.id)
        found = await environment.client.patterns(timedelta(hours=2))
        by = {(each.kind, each.name): each for each in found.patterns}
        turns, model, tool = by["agent", "helper"], by["model", "openai:scripted"], by["tool", "look"]
        assert (turns.count, turns.failed, turns.errors) == (3, 1, {"model_rejected": 1})
        assert (model.count, tool.count, tool.failed) == (3, 1, 0)
        assert {turns.slowest, model.slowest} <= set(sessions)
        assert tool.slowest == sessions[0]
        assert 0 < turns.min <= turns.p50 <= turns.p95 <= turns.max
        assert (sum(turns.per_hour), len(turns.per_hour), turns.tokens > 0) == (3, 2, True)
        assert (found.before, found.changes, found.cut) == ((), (), False)
        later = await environment.client.patterns(until=datetime.now(UTC) + timedelta(hours=24, minutes=1))
        assert later.changes == ()
        assert {each.name for each in later.before} == {"helper", "openai:scripted", "look"}
        assert (await environment.client.patterns(agent="other")).patterns == ()
        code, out, _ = await holdfast(environment, "patterns", "--for", "1h")
        assert code == 0
        assert "1 (33%)" in out
        assert "model_rejected 1" in out
        _, out, _ = await holdfast(environment, "patterns", "--json")
        assert {each["kind"] for each in lines(out)[0]["patterns"]} == {"agent", "model", "tool"}
        with pytest.raises(BadInput, match="31 days"):
            await environment.client.patterns(timedelta(days=99))
