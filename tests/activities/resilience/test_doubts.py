"""A breaker that quick failures of a burst opened, while answers to the same burst are still on their way."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from holdfast_activities.resilience.breakers import Breakers
from holdfast_workflows.contracts.errors import BreakerOpen

from .conftest import DOUBT, NAME, Clock, Counting, on_both_databases, refresh


@on_both_databases
async def test_of_calls_sent_together_failures_come_first_and_answers_have_it_probed_at_once(
    fleet: list[Breakers],
) -> None:
    sent = [(breakers, await breakers.admit(NAME)) for breakers in fleet for _ in range(5)]
    for breakers, admission in sent[:5]:
        await breakers.failed(admission, "529")
    await refresh(fleet)
    with pytest.raises(BreakerOpen) as refused:
        await fleet[2].admit(NAME)
    assert (refused.value.retry_after or 9) <= 3, "whoever is refused in doubt comes again soon"
    for breakers, admission in sent[5:]:
        await breakers.succeeded(admission)
    await refresh(fleet)
    # The answers stand for all probes but one, which a new call has to pass.
    probe = await fleet[0].admit(NAME)
    assert probe.probe
    with pytest.raises(BreakerOpen):
        await fleet[1].admit(NAME)
    await fleet[0].succeeded(probe)
    await refresh(fleet)
    assert not (await fleet[1].admit(NAME)).probe


@on_both_databases
async def test_after_a_probe_that_failed_no_late_answer_is_heard(fleet: list[Breakers], clock: Clock) -> None:
    sent = [await fleet[0].admit(NAME) for _ in range(8)]
    for admission in sent[:5]:
        await fleet[0].failed(admission, "529")
    await fleet[0].succeeded(sent[5])
    probe = await fleet[0].admit(NAME)
    await fleet[0].failed(probe, "529")
    await fleet[0].succeeded(sent[6])
    with pytest.raises(BreakerOpen) as refused:
        await fleet[0].admit(NAME)
    assert (refused.value.retry_after or 0) >= 60


async def test_what_comes_back_late_from_before_it_opened_is_not_reported(
    breakers: Breakers, circuits: Counting, clock: Clock
) -> None:
    admissions = [await breakers.admit(NAME) for _ in range(60)]
    await asyncio.gather(*(breakers.failed(admission, "dead") for admission in admissions))
    assert Counter(circuits.asked)["failed"] == 5
    clock.now += DOUBT
    await breakers.succeeded(admissions[0])
    with pytest.raises(BreakerOpen):
        await breakers.admit(NAME)
    assert "succeeded" not in circuits.asked
