"""The spans of sessions, at a collector."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from holdfast.testing import Reply, Request, call, failed, say

from .conftest import Application, Traced
from .receiver import Receiver

CANARY = "canary-7714"
KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


async def test_a_turn_has_one_span_for_itself_and_each_of_its_calls(
    collector: Receiver, traced: Traced
) -> None:
    asked: list[Request] = []

    def script(request: Request) -> Reply:
        asked.append(request)
        return call("look", {"at": CANARY}) if len(asked) == 1 else say("A boat.")

    async with traced(script) as holdfast:
        session = await holdfast.client.start("clerk", "What is there?", tenant="acme", user="u-1")
        await session.wait()
        await collector.has("invoke_agent clerk")
    turn, look = collector.one("invoke_agent clerk"), collector.one("execute_tool look")
    first, second = collector.named("chat gpt-test")
    assert len(collector.spans) == 4
    assert {each.trace for each in collector.spans} == {turn.trace}
    assert (turn.parent, {each.parent for each in (first, look, second)}) == ("", {turn.id})
    assert turn.start <= first.start < look.start < second.start < turn.end
    common = {
        "gen_ai.conversation.id": session.id,
        "gen_ai.agent.name": "clerk",
        "holdfast.tenant": "acme",
        "holdfast.turn": 1,
    }
    assert all(common.items() <= each.attributes.items() for each in collector.spans)
    wanted: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test",
        "gen_ai.response.finish_reasons": ["tool_call"],
        "user.id": "u-1",
        "holdfast.step": 1,
    }
    assert wanted.items() <= first.attributes.items()
    assert (first.kind, second.attributes["holdfast.step"]) == (3, 2)  # 3 is a client
    assert look.attributes["gen_ai.tool.name"] == "look"
    assert turn.attributes["gen_ai.usage.input_tokens"] == sum(
        each.attributes["gen_ai.usage.input_tokens"] for each in (first, second)
    )
    # The provider, or a gateway before it, can continue the trace.
    sent = [request.headers["traceparent"] for request in asked]
    assert sent == [f"00-{each.trace}-{each.id}-01" for each in (first, second)]
    # Content is off by default.
    assert CANARY not in repr(collector.spans)
    assert turn.resource["service.name"] == "shop"


async def test_spans_have_prompts_and_results_without_secrets_if_that_is_wanted(
    collector: Receiver, traced: Traced
) -> None:
    async with traced([call("look", {"at": KEY}), say("A boat.")], tracing_content="true") as holdfast:
        await holdfast.client.run("clerk", f"Find {CANARY} with {KEY}.")
        await collector.has("invoke_agent clerk")
    first, second = collector.named("chat gpt-test")
    prompt = json.loads(second.attributes["gen_ai.input.messages"])
    assert [each["role"] for each in prompt] == ["user", "assistant", "tool"]
    assert prompt[1]["parts"][0]["type"] == "tool_call"
    assert CANARY in first.attributes["gen_ai.input.messages"]
    [reply] = json.loads(second.attributes["gen_ai.output.messages"])
    assert reply["parts"] == [{"type": "text", "content": "A boat."}]
    look = collector.one("execute_tool look")
    assert look.attributes["gen_ai.tool.call.result"] == "[redacted:openai-key]: seen"
    assert KEY not in repr(collector.spans)


async def test_no_span_has_personal_data_that_the_model_does_not_see(
    collector: Receiver, traced: Traced
) -> None:
    def script(request: Request) -> Reply:
        return say("Found <EMAIL_1>.") if request.results else call("look", {"at": "<EMAIL_1>"})

    async with traced(script, tracing_content="true") as holdfast:
        reply = await holdfast.client.run("discreet", "Find ada@example.org.")
        await collector.has("invoke_agent discreet")
    assert reply == "Found ada@example.org."
    assert "<EMAIL_1>" in collector.named("chat gpt-test")[1].attributes["gen_ai.input.messages"]
    assert "ada@example.org" not in repr(collector.spans)


async def test_a_failed_call_has_its_error_and_its_repetition_a_span_of_its_own(
    collector: Receiver, traced: Traced
) -> None:
    async with traced([failed(503), say("Hello.")]) as holdfast:
        await holdfast.client.run("clerk", "Hello?")
        await collector.has("invoke_agent clerk")
    first, second = collector.named("chat gpt-test")
    assert (first.attributes["error.type"], first.attributes["holdfast.attempt"]) == ("model_transient", 1)
    assert "503" in first.error
    assert ("error.type" in second.attributes, second.attributes["holdfast.attempt"]) == (False, 2)


async def test_the_work_of_another_agent_is_within_the_call_that_asked_for_it(
    collector: Receiver, traced: Traced
) -> None:
    def script(request: Request) -> Reply:
        if "lead" not in str(request.body):
            return say("A boat.")
        return say("Done.") if request.results else call("delegate_to_clerk", {"task": "Look."})

    async with traced(script) as holdfast:
        await holdfast.client.run("lead", "Delegate.")
        await collector.has("invoke_agent lead")
    turn, child = collector.one("invoke_agent lead"), collector.one("invoke_agent clerk")
    delegated = collector.one("execute_tool delegate_to_clerk")
    assert (delegated.parent, child.parent) == (turn.id, delegated.id)
    assert {each.trace for each in collector.spans} == {turn.trace}
    assert delegated.start <= child.start
    assert child.end <= delegated.end


async def test_a_team_has_a_span_for_each_decision_of_its_plan(collector: Receiver, traced: Traced) -> None:
    async with traced([say("A boat.")]) as holdfast:
        await holdfast.client.run("press", "What is there?")
        await collector.has("invoke_agent press")
    turn = collector.one("invoke_agent press")
    plans = collector.named("plan press")
    assert [each.parent for each in plans] == [turn.id, turn.id]
    assert plans[0].attributes["gen_ai.operation.name"] == "plan"


async def test_memories_have_spans(collector: Receiver, traced: Traced) -> None:
    async with traced([say("Noted."), say("Teal.")]) as holdfast:
        session = await holdfast.client.start("keeper", "My favourite colour is teal.")
        await session.wait()
        await collector.has("update_memory")
        await session.send("Which is my favourite colour?")
        await collector.has("search_memory", 2)
        await collector.has("invoke_agent keeper", 2)
    first, second = collector.named("invoke_agent keeper")
    before, after = collector.named("search_memory")
    assert [before.parent, after.parent] == [first.id, second.id]
    assert collector.named("update_memory")[0].parent == first.id


async def test_a_turn_continues_the_trace_of_the_application_and_follows_its_sampling(
    collector: Receiver, traced: Traced, application: Application
) -> None:
    calls = [call("look", {"at": f"pier {number}"}) for number in range(3)]
    async with traced([say("One."), *calls, say("Two.")]) as holdfast:
        session = await holdfast.client.start("clerk", continue_as_new_after=20)
        with application(ALWAYS_OFF):
            await session.send("Not sampled.")
        with application(ALWAYS_ON):
            await session.send("Sampled, and continued as new runs.")
        await collector.has("invoke_agent clerk")
        run = await holdfast.temporal.get_workflow_handle(session.id).describe()
        known = (await session.trace(last=None)).turns
    assert run.raw_description.workflow_execution_info.first_run_id != run.run_id
    turn, sent = collector.one("invoke_agent clerk"), collector.one("send_message")
    request = collector.one("request")
    assert (request.parent, sent.parent, turn.parent) == ("", request.id, sent.id)
    assert {each.trace for each in collector.spans} == {request.trace}
    assert (turn.attributes["holdfast.turn"], sent.attributes["gen_ai.conversation.id"]) == (2, session.id)
    assert [each.parent for each in collector.named("chat gpt-test")] == 4 * [turn.id]
    assert known[1].trace_id == request.trace


async def test_turns_that_are_not_sampled_have_no_span_at_all(collector: Receiver, traced: Traced) -> None:
    async with traced([say("One.")], tracing_sample=0.0) as holdfast:
        await holdfast.client.run("clerk", "Hello?")
    # The end of the worker has exported what there was.
    assert collector.spans == []


async def test_turns_in_debug_mode_are_sampled_always(collector: Receiver, traced: Traced) -> None:
    async with traced([say("One."), say("Two.")], tracing_sample=0.0) as holdfast:
        session = await holdfast.client.start("clerk", "Hello?")
        await session.wait()
        await session.debug()
        await session.send("And now?")
        [record] = [each async for each in session.debug_records()]
        await collector.has("invoke_agent clerk")
    assert {each.trace for each in collector.spans} == {record.trace}


async def test_spans_wait_for_a_collector_that_is_away(collector: Receiver, traced: Traced) -> None:
    collector.refusing = True
    async with traced([say("One.")]) as holdfast:
        await holdfast.client.run("clerk", "Hello?")
        await collector.has_refused()
        collector.refusing = False
        await collector.has("invoke_agent clerk")
    assert len(collector.spans) == 2
