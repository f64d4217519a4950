"""Audit records of a session: written once each, at once while it is idle, and all of them by its end."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress

import pytest

from holdfast import Budget
from holdfast.testing import call, say
from holdfast_activities.state import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.audit import AuditRecord, Trail
from holdfast_workflows.session.state.reporting.trail import AuditTrail

from ...support import Gate, eventually, make_app
from ..conftest import Start


async def records(state: State, tenant: str = "") -> list[AuditRecord]:
    return [AuditRecord.model_validate_json(row.body) for row in await state.audit.rows(tenant)]


def actions(found: Sequence[AuditRecord]) -> list[tuple[str, str]]:
    return [(record.kind, record.action) for record in found]


def _texts(value: object) -> list[str]:
    """The texts of a history, with its payloads decoded."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - JSON
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - JSON
    with suppress(ValueError):
        return [b64decode(str(value), validate=True).decode()]
    return [str(value)]


async def test_what_an_operator_does_to_an_idle_session_is_recorded_at_once(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi", tenant="acme")
        await session.wait()
        await session.pause()

        async def recorded() -> bool:
            return bool(await records(it.holdfast.state, "acme"))

        await eventually(recorded)
        await session.resume()
        await session.close()
        await it.holdfast.temporal.get_workflow_handle(session.id).result()
        found = await records(it.holdfast.state, "acme")
        assert actions(found) == [("operator", "paused"), ("operator", "resumed"), ("operator", "closed")]
        assert {(record.session, record.principal, record.tenant) for record in found} == {
            (session.id, "local", "acme")
        }
        assert await it.holdfast.state.audit.rows("") == []


async def test_a_raised_budget_and_a_cancelled_turn_are_recorded(start: Start) -> None:
    gate = Gate()
    async with start([call("hold", {"name": "a"}), say("Done.")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go", budget=Budget(steps=5))
        await gate.arrived()
        await session.raise_budget(steps=3)
        await session.cancel("not needed")
        await session.close()
        await it.holdfast.temporal.get_workflow_handle(session.id).result()
        raised, cancelled, closed = await records(it.holdfast.state)
        assert (raised.kind, raised.action, raised.details) == ("budget", "raised", {"steps": "8"})
        assert raised.subject == names.run_account(session.id)
        assert (cancelled.action, cancelled.reason, cancelled.details) == (
            "cancelled",
            "not needed",
            {"turn": "1"},
        )
        assert closed.action == "closed"


async def test_a_session_without_records_has_no_event_for_them(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say("Done.")]) as it:
        session = await it.holdfast.client.start_task("helper", "Go")
        await session.result()
        history = await it.holdfast.temporal.get_workflow_handle(session.id).fetch_history()
        data = [text for text in _texts(history.to_json_dict()) if "audit" in text]
        assert len(data) == 1  # the worker's answer that it can append records
        assert await it.holdfast.state.audit.rows("") == []


def test_records_are_kept_until_an_activity_has_written_them() -> None:
    first, second = (AuditRecord(id=id, kind="permission", action="deny") for id in "ab")
    trail = AuditTrail(Trail(records=(first, second), made=2, at_once=True), "acme")
    due = [trail.due]

    def fail() -> None:
        with trail.handing_over() as handed:
            assert handed.records == (first, second)
            # A second activity at the same time does not get them too.
            with trail.handing_over() as other:
                assert other.records == ()
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()
    with trail.handing_over():
        pass  # it succeeded, but could not write
    assert trail.carried() == Trail(records=(first, second), made=2, at_once=True)
    with trail.handing_over() as handed:
        handed.written = True
    assert [*due, trail.due] == [True, False]
    assert trail.carried() == Trail(made=2, at_once=True)
    assert AuditTrail(None, "acme").carried() is None
