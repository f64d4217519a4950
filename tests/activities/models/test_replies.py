import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.testing import ScriptedModel, call, say
from holdfast_activities.models import ModelRequest
from holdfast_activities.models.anthropic.client import AnthropicModel
from holdfast_activities.models.openai.client import OpenAIModel
from holdfast_workflows.contracts.agent.spec import OutputSpec

from .conversations import NAMES, ask, conversation, models_of, request

pytestmark = pytest.mark.parametrize("name", NAMES)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

TEXT = "The 😀 is on the table: naïve, 表, \x00, and so on for a while."


@both_ways
async def test_a_reply_is_its_text(name: str, stream: bool) -> None:
    async with ScriptedModel([say(TEXT)]) as server:
        reply = await ask(server, name, stream=stream)
    assert (reply.text, reply.calls, reply.finish) == (TEXT.replace("\x00", "\ufffd"), (), "stop")
    assert reply.model == name


@both_ways
async def test_parallel_calls_come_in_order_with_their_arguments(name: str, stream: bool) -> None:
    scripted = say("Two things.") + call("look", {"at": "表 table"}) + call("look", {"at": ["chair", 1]})
    async with ScriptedModel([scripted]) as server:
        reply = await ask(server, name, stream=stream)
    assert reply.finish == "tool_calls"
    assert reply.text == "Two things."
    assert [json.loads(made.arguments) for made in reply.calls] == [{"at": "表 table"}, {"at": ["chair", 1]}]
    assert len({made.id for made in reply.calls}) == 2


@both_ways
@pytest.mark.parametrize("finish", ["length", "content_filter", "refusal"])
async def test_a_reply_that_did_not_end_by_itself_says_so_and_has_no_calls(
    name: str, stream: bool, finish: Any
) -> None:
    async with ScriptedModel([(say("I ca") + call("look", {})).but(finish=finish)]) as server:
        reply = await ask(server, name, stream=stream)
    # Anthropic has one word for both.
    told = "refusal" if name.startswith("anthropic") and finish == "content_filter" else finish
    assert (reply.text, reply.calls, reply.finish) == ("I ca", (), told)


@both_ways
async def test_usage_and_cost_are_the_providers_figures(name: str, stream: bool) -> None:
    scripted = say("Yes.", input_tokens=1_000, cached_tokens=400, output_tokens=50)
    async with ScriptedModel([scripted]) as server:
        usage = (await ask(server, name, stream=stream)).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (1_000, 400, 50)
    dollars = {
        "openai:gpt-5-mini": (600 * 0.25 + 400 * 0.025 + 50 * 2) / 1e6,
        "anthropic:claude-sonnet-4-5": (600 * 3 + 400 * 0.3 + 50 * 15) / 1e6,
    }
    assert usage.cost == pytest.approx(dollars[name])


@both_ways
async def test_a_count_of_tokens_that_cannot_be_is_brought_within_bounds(name: str, stream: bool) -> None:
    """Sums of what is counted are kept in 63 bits: one absurd count must not keep a session from being stored."""
    reply = say("Hello.", input_tokens=10**30, output_tokens=10**30)
    async with ScriptedModel([reply]) as server:
        usage = (await ask(server, name, stream=stream)).usage
    assert (usage.input_tokens, usage.output_tokens) == (10**9, 10**9)


@both_ways
@pytest.mark.parametrize("told", [0, -5])
async def test_tokens_are_estimated_by_size_where_the_provider_counts_none(
    name: str, stream: bool, told: int
) -> None:
    async with ScriptedModel([say("Hello there.", input_tokens=told, output_tokens=told)]) as server:
        reply = await ask(server, name, stream=stream)
        sent = len(server.requests[0].body)
    assert reply.usage.input_tokens == sent // 4
    assert reply.usage.output_tokens == len("Hello there.") // 4 + 1
    assert reply.usage.cost > 0
    assert not reply.counted


@both_ways
async def test_two_calls_with_one_id_get_distinct_ids(name: str, stream: bool) -> None:
    scripted = call("look", {"at": "a"}, id="same") + call("look", {"at": "b"}, id="same")
    async with ScriptedModel([scripted]) as server:
        reply = await ask(server, name, stream=stream)
    assert [json.loads(made.arguments)["at"] for made in reply.calls] == ["a", "b"]
    assert len({made.id for made in reply.calls}) == 2


@both_ways
async def test_arguments_that_are_no_json_reach_the_tool_to_be_refused(name: str, stream: bool) -> None:
    async with ScriptedModel([call("look", '{"at": ')]) as server:
        (made,) = (await ask(server, name, stream=stream)).calls
    assert not _is_object(made.arguments)


async def test_text_grows_while_it_streams_and_ends_as_the_reply(name: str) -> None:
    seen: list[str] = []
    async with ScriptedModel([say(TEXT, pace=0.001)]) as server:
        reply = await ask(server, name, stream=True, on_text=seen.append)
    assert seen[-1] == reply.text
    assert len(seen) > 1
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(seen))


async def test_a_conversation_goes_out_as_the_provider_wants_it(name: str) -> None:
    async with ScriptedModel([say("Yes.")]) as server:
        await ask(server, name, entries=conversation())
        sent = json.loads(server.requests[0].body)
    if name.startswith("openai"):
        roles = [message["role"] for message in sent["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "tool", "user"]
        assert sent["messages"][3]["tool_call_id"] == "a"
    else:
        assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
        kinds = [block["type"] for block in sent["messages"][2]["content"]]
        assert kinds == ["tool_result", "tool_result", "text"]
        assert [block["is_error"] for block in sent["messages"][2]["content"][:2]] == [False, True]
        assert sent["system"][0]["text"] == "Be brief."


@both_ways
async def test_nul_and_lone_surrogates_anywhere_go_out_as_valid_json(name: str, stream: bool) -> None:
    bad = "a\x00b\ud800c\udfff"
    entries = conversation(text=bad, result=bad)
    async with ScriptedModel([say("Yes.")]) as server:
        await ask(server, name, entries=entries, stream=stream)
        sent = server.requests[0].body.decode()
    assert sent.count("a\ufffdb\ufffdc\ufffd") == 2
    json.loads(sent)


@both_ways
async def test_a_reply_may_be_as_long_as_the_request_says(name: str, stream: bool) -> None:
    async with ScriptedModel([say("Yes.")]) as server:
        await ask(server, name, stream=stream, change=lambda wanted: replace(wanted, max_tokens=123))
        assert json.loads(server.requests[0].body)["max_tokens"] == 123


async def test_the_same_entry_makes_the_same_bytes_and_they_stand_in_the_body(name: str) -> None:
    async with ScriptedModel([]) as server:
        models = models_of(server)
        model, twin = models.get(name), models_of(server).get(name)
        for entry in conversation():
            assert model.fragment(entry) == twin.fragment(entry)
        wanted = request(model, conversation())
        assert isinstance(model, OpenAIModel | AnthropicModel)
        body = model.body(wanted)
        assert all(fragment.data[:-1] in body for fragment in wanted.fragments)
        await models.close()


@both_ways
async def test_a_shape_binds_the_reply(name: str, stream: bool) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    def with_output(wanted: ModelRequest) -> ModelRequest:
        return ModelRequest(
            wanted.instructions,
            wanted.fragments,
            output=OutputSpec(name="n", json_schema=schema),
            stream=stream,
        )

    async with ScriptedModel([say('{"n":1}')]) as server:
        reply = await ask(server, name, change=with_output)
        sent = json.loads(server.requests[0].body)
    assert reply.text == '{"n":1}'
    closed = {**schema, "additionalProperties": False}
    if name.startswith("openai"):
        form = {"name": "n", "schema": closed, "strict": True}
        assert sent["response_format"] == {"type": "json_schema", "json_schema": form}
    else:
        assert sent["output_config"] == {"format": {"type": "json_schema", "schema": closed}}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


async def test_forbidden_calls_are_sent_as_tool_choice_with_the_tools(name: str) -> None:
    wanted = "none" if name.startswith("openai") else {"type": "none"}
    async with ScriptedModel([say("So be it.")]) as server:
        await ask(server, name, change=lambda request: replace(request, no_calls=True))
        body = json.loads(server.requests[0].body)
    assert body["tool_choice"] == wanted
    assert body["tools"]
