"""What the workflow is told of a step fits a payload, whatever a model writes."""

from __future__ import annotations

import pytest

from holdfast_activities.session.model_call import step_result
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_CALLS, MAX_PAYLOAD
from holdfast_workflows.contracts.names import UPDATE_PLAN, WRITE_NOTES
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.text.unicode import dump_json, size


@pytest.mark.parametrize("settled", [True, False])
def test_plans_and_notes_too_long_to_be_kept_do_not_travel(settled: bool) -> None:
    calls = tuple(
        ToolCall(id=f"c{n}", name=(UPDATE_PLAN, WRITE_NOTES)[n % 2], arguments="n" * 60_000)
        for n in range(MAX_CALLS)
    )
    reply = ReplyEntry(seq=1, text="", calls=calls, finish="tool_calls")
    results = {
        2 + n: ResultEntry(seq=2 + n, call_id=call.id, name=call.name, text="too long", status="invalid")
        for n, call in enumerate(calls)
        if settled
    }
    view = step_result.step_view(reply, results, "")
    assert size(dump_json(view.model_dump())) < MAX_PAYLOAD // 2
    assert all(len(call.preview) <= 200 for call in view.calls)


def test_a_plan_that_is_kept_travels_whole() -> None:
    call = ToolCall(id="c", name=UPDATE_PLAN, arguments="p" * INLINE_TEXT)
    reply = ReplyEntry(seq=1, text="", calls=(call,), finish="tool_calls")
    result = ResultEntry(seq=2, call_id="c", name=UPDATE_PLAN, text="plan kept")
    [shown] = step_result.step_view(reply, {2: result}, "").calls
    assert shown.arguments == call.arguments
