"""What a provider wants back verbatim with the conversation goes back so, and only to its own wire."""

import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.testing import Reply, ScriptedModel, call, say
from holdfast_activities.models import ModelReply
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, UserEntry

from .conversations import NAMES, ask, conversation

THOUGHT = (say("I look.") + call("look", {"at": "it"}) + call("look", {"at": "me"})).but(thinking="Hmm. 😀")


async def _again(server: ScriptedModel, name: str, entry: ReplyEntry) -> Any:
    """The reply as it stands in the next request."""
    entries: list[Entry] = [UserEntry(seq=1, text="Hello"), entry]
    await ask(server, name, entries=entries)
    return json.loads(server.requests[-1].body)["messages"]


def _entry(reply: ModelReply, calls: int = 2) -> ReplyEntry:
    return ReplyEntry(seq=2, text=reply.text, calls=reply.calls[:calls], extra=reply.extra)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_signed_thinking_goes_back_with_its_calls(stream: bool) -> None:
    async with ScriptedModel([THOUGHT, say("Done.")]) as server:
        reply = await ask(server, NAMES[1], stream=stream)
        messages = await _again(server, NAMES[1], _entry(reply))
    assert messages[1]["content"] == [
        {"type": "thinking", "thinking": "Hmm. 😀", "signature": "sig-1"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": reply.calls[0].id, "name": "look", "input": {"at": "it"}},
        {"type": "tool_use", "id": reply.calls[1].id, "name": "look", "input": {"at": "me"}},
    ]


async def test_a_call_that_was_not_taken_does_not_go_back() -> None:
    async with ScriptedModel([THOUGHT, say("Done.")]) as server:
        reply = await ask(server, NAMES[1])
        messages = await _again(server, NAMES[1], _entry(reply, calls=1))
    kinds = [block["type"] for block in messages[1]["content"]]
    assert kinds == ["thinking", "text", "tool_use"]


async def test_what_one_wire_signed_does_not_reach_the_other() -> None:
    async with ScriptedModel([THOUGHT, say("Done.")]) as server:
        reply = await ask(server, NAMES[1])
        messages = await _again(server, NAMES[0], _entry(reply))
    assert "Hmm." not in json.dumps(messages)
    assert [made["function"]["arguments"] for made in messages[2]["tool_calls"]] == [
        '{"at":"it"}',
        '{"at":"me"}',
    ]


async def test_reasoning_and_signatures_of_openai_like_servers_go_back_with_their_calls() -> None:
    signed = {"google": {"thought_signature": "abc"}}
    function = {"name": "look", "arguments": "{}"}
    message = {
        "content": None,
        "reasoning_content": "Hmm.",
        "tool_calls": [{"id": "a", "type": "function", "function": function, "extra_content": signed}],
    }
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    async with ScriptedModel([Reply(raw=body), say("Done.")]) as server:
        reply = await ask(server, NAMES[0])
        messages = await _again(server, NAMES[0], _entry(reply))
    assert messages[2]["reasoning_content"] == "Hmm."
    assert messages[2]["tool_calls"][0]["extra_content"] == signed


TEXT = {"type": "reasoning.text", "index": 0}
SEALED = {"type": "reasoning.encrypted", "data": "SIG", "index": 1}


def _stream(*deltas: dict[str, Any]) -> bytes:
    function = {"name": "look", "arguments": "{}"}
    called = {"tool_calls": [{"index": 0, "id": "a", "function": function}]}
    events: list[Any] = [{"choices": [{"delta": delta}]} for delta in (*deltas, called)]
    events.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    return (
        b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    )


@pytest.mark.parametrize(
    ("deltas", "kept"),
    [
        ([{"reasoning_content": "H"}, {"reasoning_content": "m."}], {"reasoning_content": "Hm."}),
        ([{"reasoning_content": ""}], {"reasoning_content": ""}),
        ([{"reasoning_content": None}], {}),
        ([{"reasoning": "not wanted back"}], {}),
        (
            [
                {"reasoning_details": [{**TEXT, "text": "H"}]},
                {"reasoning_details": [{**TEXT, "text": "m.", "signature": None}, SEALED]},
                {"reasoning_details": [{**TEXT, "signature": "S"}]},
            ],
            {"reasoning_details": [{**TEXT, "text": "Hm.", "signature": "S"}, SEALED]},
        ),
        (
            [{"reasoning_details": [{"type": "reasoning.encrypted", "data": data}]} for data in "ab"],
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": data} for data in "ab"]},
        ),
        (
            [
                {"thinking_blocks": [{"type": "thinking", "thinking": "H"}]},
                {"thinking_blocks": [{"type": "thinking", "thinking": "m.", "signature": "S"}]},
            ],
            {"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "S"}]},
        ),
    ],
    ids=["content", "empty", "null", "reasoning", "details", "sealed", "blocks"],
)
async def test_streamed_reasoning_goes_back_whole(deltas: list[dict[str, Any]], kept: dict[str, Any]) -> None:
    script = [Reply(raw=_stream(*deltas), content_type="text/event-stream"), say("Done.")]
    async with ScriptedModel(script) as server:
        reply = await ask(server, NAMES[0], stream=True)
        [_, _, assistant, *_] = await _again(server, NAMES[0], _entry(reply))
    assert {key: assistant[key] for key in assistant if key not in ("role", "content", "tool_calls")} == kept


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_came_with_a_call_goes_back_with_that_call(stream: bool) -> None:
    fields = {"provider_specific_fields": {"thought_signature": "abc"}}
    function = {"name": "look", "arguments": "{}"}
    calls = [
        {"index": 0, "id": "a", "type": "function", "function": function},
        {
            "index": 1,
            "id": "a",
            "type": "function",
            "function": {"name": "look", "arguments": '{"at":"b"}'},
            **fields,
        },
    ]
    events: list[Any] = [{"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls]
    events.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    streamed = (
        b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    )
    message = {"content": None, "tool_calls": calls}
    whole = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    raw = Reply(raw=streamed, content_type="text/event-stream") if stream else Reply(raw=whole)
    async with ScriptedModel([raw, say("Done.")]) as server:
        reply = await ask(server, NAMES[0], stream=stream)
        [_, _, assistant, *_] = await _again(server, NAMES[0], _entry(reply))
    assert [fields.items() <= call.items() for call in assistant["tool_calls"]] == [False, True]


async def test_a_call_without_tools_goes_to_anthropic_with_a_stand_in_that_it_may_not_call() -> None:
    async with ScriptedModel([say("Done.")]) as server:
        await ask(server, NAMES[1], entries=conversation(), change=lambda asked: replace(asked, tools=b""))
    body = json.loads(server.requests[0].body)
    assert [tool["name"] for tool in body["tools"]] == ["none"]
    assert body["tool_choice"] == {"type": "none"}
