"""Probes that do not come back."""

from __future__ import annotations

import threading

import pytest

from holdfast_activities.session.tool_call import once
from holdfast_activities.state import State

from .call_runner import WAIT, CallRunner
from .payment_tools import PaymentTools


async def test_a_probe_that_hangs_in_its_thread_is_not_waited_for(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "_PROBE_SECONDS", 0.05)
    line = threading.Event()

    def busy() -> str | None:
        line.wait(WAIT)
        return None

    runner = CallRunner(state, session, PaymentTools().pay(probe=busy))
    await runner.claimed("pay", ago=100)
    try:
        told = await runner.act("pay", again=True)
    finally:
        line.set()
    assert told.unknown
    assert "no answer" in told.preview
