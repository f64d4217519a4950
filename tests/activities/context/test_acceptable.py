"""Whatever a log holds, the prompt that is made of it is one that its provider accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.context import Conversation
from holdfast_activities.context.prompt.prompt_parts import Reason
from holdfast_activities.models import ModelRequest, Models, ProviderConfig
from holdfast_activities.models.anthropic.client import AnthropicModel
from holdfast_activities.models.openai.client import OpenAIModel
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    RecalledMemory,
    ReplyEntry,
    ResultEntry,
    ToolCall,
    UserEntry,
)
from tests.activities.models import rules

Served = OpenAIModel | AnthropicModel


def served(kind: Any, url: str, model: str = "m", *, alternating: bool = False) -> Served:
    config = ProviderConfig(kind, base_url=url, key="k", alternating=alternating)
    found = Models({"own": config}).get(f"own:{model}")
    assert isinstance(found, Served)
    return found


OPENAI = re.compile(r"[a-zA-Z0-9_-]{1,40}")
MISTRAL = re.compile(r"[a-zA-Z0-9]{9}")
CASES: dict[str, tuple[Served, Callable[[Any], str]]] = {
    "any": (served("openai", "http://localhost/v1"), rules.openai),
    "openai": (served("openai", "https://api.openai.com/v1"), lambda body: rules.openai(body, id=OPENAI)),
    "mistral": (
        served("openai", "https://api.mistral.ai/v1"),
        lambda body: rules.openai(body, id=MISTRAL, answered=True),
    ),
    "deepseek": (
        served("openai", "https://api.deepseek.com"),
        lambda body: rules.openai(body, reasoning=True),
    ),
    "alternating": (
        served("openai", "http://localhost/v1", alternating=True),
        lambda body: rules.openai(body, alternating=True),
    ),
    "anthropic": (served("anthropic", "https://api.anthropic.com"), rules.anthropic),
}
each_server = pytest.mark.parametrize("server", CASES)

TEXTS = st.sampled_from(["", " ", "\n\n", "Hello.", "\x00", "\ud800", "a" * 2_000])
IDS = st.sampled_from(
    ["a", "b", "call_0", "functions.f:0", "t" * 100, "x" * 300, "c00000002", "", " ", "größe", "\ud800"]
)
NAMES = st.sampled_from(["look", "functions.look", "größe", "n" * 90, "a b", "?"])
ARGUMENTS = st.sampled_from(["{}", '{"a": 1}', "", "[1]", "{", "null", '"x"', "\ud800"])
BLOCKS: list[Any] = [
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "thinking", "thinking": "", "signature": "s"},
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "redacted_thinking", "data": ""},
    {"type": "text", "text": "I look."},
    {"type": "text", "text": ""},
    {"type": "text", "text": " \n"},
]


@st.composite
def replies(draw: st.DrawFn, seq: int) -> ReplyEntry:
    ids: list[str] = draw(st.lists(IDS, max_size=3, unique=True))
    calls = tuple([ToolCall(id=id, name=draw(NAMES), arguments=draw(ARGUMENTS)) for id in ids])
    blocks = draw(st.lists(st.sampled_from(BLOCKS), max_size=3))
    uses: list[Any] = [{"type": "tool_use", "id": call.id, "name": call.name, "input": {}} for call in calls]
    more = draw(st.integers(-1, 1))  # a call too many, or one that is missing
    uses = (
        uses[:more]
        if more < 0
        else uses + [{"type": "tool_use", "id": "more", "name": "f", "input": {}}] * more
    )
    carried: Any = {
        "anthropic": {"content": [*blocks, *uses]},
        "openai": {
            "message": {"reasoning_content": "hm"},
            "calls": [{"extra_content": {"a": 1}} for _ in calls],
        },
    }
    carries: bool = draw(st.booleans())
    return ReplyEntry(
        seq=seq,
        text=draw(TEXTS),
        calls=calls,
        model=draw(st.sampled_from(["own:m", "own:other", "other:m", "cached own:m", "person"])),
        extra=carried if carries and ids else {},
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    entries: list[Entry] = [UserEntry(seq=1, text=draw(TEXTS))] if draw(st.booleans()) else []
    seq = 2
    for kind in draw(
        st.lists(st.sampled_from(["user", "steer", "memory", "reply", "reply", "stray"]), max_size=10)
    ):
        if kind == "reply":
            reply = draw(replies(seq))
            entries.append(reply)
            for index, call in enumerate(reply.calls):
                if draw(st.integers(0, 3)):
                    entries.append(
                        ResultEntry(seq=seq + 1 + index, call_id=call.id, name=call.name, text=draw(TEXTS))
                    )
            seq += 1 + len(reply.calls)
            continue
        if kind == "stray":
            entries.append(ResultEntry(seq=seq, call_id="z", name="z", text="z"))
        elif kind == "memory":
            entries.append(MemoryEntry(seq=seq, memories=(RecalledMemory(id="m", text=draw(TEXTS)),)))
        else:
            role = "message" if kind == "user" else "steer"
            entries.append(UserEntry(seq=seq, role=role, text=draw(TEXTS)))
        seq += 1
    return [*entries, UserEntry(seq=seq, text="Go.")] if draw(st.booleans()) else entries


def sent(model: Served, entries: list[Entry], limit: int, instructions: str = "") -> Any:
    conversation = Conversation(model)
    conversation.complete(max((entry.seq for entry in entries), default=0) + 1, entries)
    fragments = conversation.within(limit)
    request = ModelRequest(instructions, fragments, plain=conversation.plain)
    return json.loads(model.body(request))


@each_server
@given(log=logs(), limit=st.sampled_from([200, 1_000, 100_000]), instructions=TEXTS)
def test_any_log_makes_a_prompt_that_the_server_accepts(
    server: str, log: list[Entry], limit: int, instructions: str
) -> None:
    model, problem = CASES[server]
    body = sent(model, log, limit, instructions)
    assert all(message["role"] == "system" for message in body["messages"]) or problem(body) == ""


@each_server
@given(log=logs())
def test_any_log_makes_a_plain_prompt_that_the_server_accepts(server: str, log: list[Entry]) -> None:
    model, problem = CASES[server]
    conversation = Conversation(model)
    conversation.complete(max((entry.seq for entry in log), default=0) + 1, log)
    carried = conversation.without_extras()
    body = json.loads(
        model.body(ModelRequest("Be brief.", conversation.within(100_000), plain=conversation.plain))
    )
    assert len(body["messages"]) < 2 or problem(body) == ""
    assert "hm" not in json.dumps(body)
    assert carried or "extra_content" not in json.dumps(body)


TURN: list[Entry] = [
    UserEntry(seq=1, text="How warm?"),
    ReplyEntry(
        seq=2,
        calls=(ToolCall(id="call_0", name="look", arguments="{}"),),
        model="other:m",
        extra={
            "openai": {"message": {"reasoning_content": "hm"}, "calls": [{"extra_content": {"a": 1}}]},
            "anthropic": {
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "tool_use", "id": "call_0", "name": "look", "input": {}},
                ]
            },
        },
    ),
    ResultEntry(seq=3, call_id="call_0", name="look", text="4 C"),
]


@each_server
def test_extra_of_another_provider_is_not_sent(server: str) -> None:
    said = json.dumps(sent(CASES[server][0], TURN, 100_000))
    assert "hm" not in said
    assert "extra_content" not in said
    assert "call_0" not in said


@each_server
@pytest.mark.parametrize("model", ["own:m", "own:larger", ""])
def test_extra_goes_back_to_its_provider(server: str, model: str) -> None:
    log = [entry.model_copy(update={"model": model}) if entry.kind == "reply" else entry for entry in TURN]
    assert '"hm"' in json.dumps(sent(CASES[server][0], log, 100_000))


@each_server
def test_a_duplicate_call_id_is_replaced(server: str) -> None:
    model, problem = CASES[server]
    log: list[Entry] = [UserEntry(seq=1, text="Go")]
    for seq in (2, 4, 6):
        call = ToolCall(id="callcall0", name="look", arguments="{}")
        log += [ReplyEntry(seq=seq, calls=(call,), model="own:m")]
        log += [ResultEntry(seq=seq + 1, call_id="callcall0", name="look", text=str(seq))]
    body = sent(model, log, 100_000)
    assert problem(body) == ""
    assert json.dumps(body).count("callcall0") == 2


def test_a_long_call_id_is_sent_back_unchanged() -> None:
    long = "call_" + "x" * 1_600
    call = ToolCall(id=long[:192] + "_0", name="look", arguments="{}")
    extra = {"openai": {"calls": [{"id": long}]}}
    log: list[Entry] = [
        UserEntry(seq=1, text="Go"),
        ReplyEntry(seq=2, calls=(call,), model="own:m", extra=extra),
        ResultEntry(seq=3, call_id=call.id, name="look", text="4 C"),
    ]
    messages = sent(CASES["any"][0], log, 100_000)["messages"]
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"] == long


def test_a_result_sent_again_without_its_text_keeps_the_id_of_its_call() -> None:
    conversation = Conversation(CASES["any"][0])
    conversation.complete(4, TURN)
    conversation.within(100_000)
    cleaned = TURN[2].model_copy(update={"text": "-"})
    assert conversation.replace({3: cleaned}, Reason("", "cleaned"))
    body = json.loads(CASES["any"][0].body(ModelRequest("", conversation.within(100_000))))
    assert rules.openai(body) == ""


def test_gemini_gets_a_signature_for_calls_of_another_model() -> None:
    model = served("openai", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-3-pro")
    [call] = sent(model, TURN, 100_000)["messages"][1]["tool_calls"]
    assert call["extra_content"] == {"google": {"thought_signature": "skip_thought_signature_validator"}}
    own = [entry.model_copy(update={"model": "own:m"}) if entry.kind == "reply" else entry for entry in TURN]
    [call] = sent(model, own, 100_000)["messages"][1]["tool_calls"]
    assert call["extra_content"] == {"a": 1}


def test_a_server_that_once_sent_reasoning_gets_it_with_every_reply() -> None:
    model = served("openai", "http://localhost/v1")
    other = [entry.model_copy(update={"seq": entry.seq + 3}) for entry in TURN]
    own = [entry.model_copy(update={"model": "own:m"}) if entry.kind == "reply" else entry for entry in TURN]
    body = sent(model, [*own, *other], 100_000)
    assert rules.openai(body, reasoning=True) == ""
    assert [message.get("reasoning_content") for message in body["messages"]] == [
        None,
        "hm",
        None,
        None,
        "",
        None,
    ]


def test_consecutive_user_messages_are_joined_if_the_server_requires_it() -> None:
    log: list[Entry] = [
        UserEntry(seq=1, text='a "b"\n'),
        UserEntry(seq=2, text=" "),
        UserEntry(seq=3, text="ü"),
    ]
    assert sent(CASES["alternating"][0], log, 100_000)["messages"] == [
        {"role": "user", "content": 'a "b"\n\n\n(empty)\n\nü'}
    ]
    assert len(sent(CASES["any"][0], log, 100_000)["messages"]) == 3
