"""What providers really send can be had by name, and the client makes of it what the name promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.testing import (
    FAULTS,
    FORMS,
    PROVIDER_FAULTS,
    Faults,
    Reply,
    Request,
    ScriptedModel,
    call,
    fault,
    say,
)
from holdfast_activities.models import ModelReply, Models, ProviderConfig
from holdfast_activities.models.base import ModelRequest
from holdfast_workflows.contracts.errors import ModelError
from holdfast_workflows.contracts.session.entries import UserEntry

NAMES = ("openai:m", "anthropic:m")
TEXT = "Ich höre 表 😀."
CALLS = say(TEXT) + call("look", {"at": "table"}) + call("look", {"at": "表"})


async def ask(server: ScriptedModel, name: str, count: int, *, stream: bool) -> list[ModelReply | ModelError]:
    """So many answers of one model, one after the other."""
    models = Models(
        {
            "openai": ProviderConfig("openai", server.openai_url, key="k"),
            "anthropic": ProviderConfig("anthropic", server.url, key="k"),
        }
    )
    model = models.get(name)
    request = ModelRequest(
        "Be brief.", [model.fragment(UserEntry(seq=1, text="Hi"))], stream=stream, timeout=10
    )
    found: list[ModelReply | ModelError] = []
    for _ in range(count):
        try:
            found.append(await model.complete(request))
        except ModelError as error:
            found.append(error)
    await models.close()
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_fault_by_its_name_is_the_error_it_promises(name: str, stream: bool) -> None:
    names = [each.name for each in PROVIDER_FAULTS]
    async with ScriptedModel([fault(each, after=2.5) for each in names]) as server:
        found = await ask(server, name, len(names), stream=stream)
        assert [seen.fault for seen in server.requests] == names
    codes = {
        each: error.code if isinstance(error, ModelError) else error
        for each, error in zip(names, found, strict=True)
    }
    assert codes == {each.name: each.code for each in PROVIDER_FAULTS}
    for each, error in zip(PROVIDER_FAULTS, found, strict=True):
        assert isinstance(error, ModelError)
        assert error.retryable is (each.ends in ("retried", "waited")), each.name
        assert error.retry_after == (2.5 if each.ends == "waited" else None), each.name


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_reply_in_any_form_is_read_as_the_same(name: str, stream: bool) -> None:
    async with ScriptedModel([CALLS.but(form=form) for form in FORMS]) as server:
        found = await ask(server, name, len(FORMS), stream=stream)
    for form, reply in zip(FORMS, found, strict=True):
        assert isinstance(reply, ModelReply), (form, reply)
        assert (reply.text, reply.finish) == (TEXT, "tool_calls"), form
        assert [(each.name, each.arguments.replace('": "', '":"')) for each in reply.calls] == [
            ("look", '{"at":"table"}'),
            ("look", '{"at":"表"}'),
        ], form
        assert reply.counted is (form not in ("no_usage", "zero_usage")), form
        assert reply.usage.input_tokens > 0


async def test_a_form_really_changes_what_is_sent() -> None:
    from holdfast.testing.replies import anthropic, forms, openai

    for wire, path in ((openai, "/chat/completions"), (anthropic, "/messages")):
        request = Request(1, path, b"", b'{"stream":true,"stream_options":{"include_usage":true}}')
        events = wire.events(CALLS, request)
        plain = forms.sent("", wire.whole(CALLS, request), events)
        same = {
            form
            for form in FORMS
            if forms.sent(form, wire.whole(CALLS, request), wire.events(CALLS, request)) == plain
        }
        of_openai = {"no_end", "index_0", "name_repeated", "name_split", "one_id", "arguments_parsed"}
        assert same == ({"server_tool"} if wire is openai else of_openai)


def test_faults_of_providers_are_dealt_out_by_a_seed_too() -> None:
    faults = Faults(lambda _: say("Fine."), seed=3, rate=1.0, kinds=PROVIDER_FAULTS)
    dealt = [faults.fault("Hi", number) for number in range(1, 20)]
    assert len({each.name for each in dealt if each is not None}) > 5


async def test_a_finish_reason_of_any_word_is_sent_as_it_is() -> None:
    async with ScriptedModel([say("Hi", finish="LENGTH"), say("Hi", finish="sensitive")]) as server:
        for name, expected in (("openai:m", "length"), ("anthropic:m", "content_filter")):
            (reply,) = await ask(server, name, 1, stream=False)
            assert isinstance(reply, ModelReply)
            assert reply.finish == expected


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'too_long_gemni' is not a fault. Use one of: .*too_long_gemini"):
        fault("too_long_gemni")
    with pytest.raises(ValueError, match=r"'no_usages' is not a form. Use one of: .*no_usage"):
        say("Hi").but(form="no_usages")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_no_two_faults_have_one_name() -> None:
    names = [each.name for each in (*FAULTS, *PROVIDER_FAULTS)]
    assert len(names) == len(set(names))
    assert isinstance(fault("overloaded").make(Request(1, "/messages", b"", b""), 1.0), Reply)


def test_every_name_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    names = [each.name.removeprefix("too_long_") for each in PROVIDER_FAULTS]
    assert [name for name in (*names, *FORMS) if f"`{name}`" not in page] == []
