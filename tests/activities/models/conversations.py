"""What the tests of this folder share: both wires over one scripted server, and a conversation."""

from collections.abc import Callable
from dataclasses import replace

from holdfast.testing import ScriptedModel
from holdfast_activities.models import Model, ModelReply, ModelRequest, Models, ProviderConfig
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, UserEntry

KEY = "sk-secret-1234567890abcdef"
NAMES = ("openai:gpt-5-mini", "anthropic:claude-sonnet-4-5")

LOOK = ToolSpec(
    name="look",
    description="Look at a thing.",
    parameters={"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
)


def models_of(server: ScriptedModel) -> Models:
    """Models of both wires at the scripted server."""
    return Models(
        {
            "openai": ProviderConfig("openai", server.openai_url, key=KEY),
            "anthropic": ProviderConfig("anthropic", server.url, key=KEY),
        }
    )


def conversation(text: str = "Where is it?", result: str = "on the table") -> list[Entry]:
    """A message, a reply with two calls, their results, and a second message."""
    calls = (
        ToolCall(id="a", name="look", arguments='{"at":"table"}'),
        ToolCall(id="b", name="look", arguments='{"at":"chair"}'),
    )
    return [
        UserEntry(seq=1, text=text),
        ReplyEntry(seq=2, text="Let me look.", calls=calls, finish="tool_calls"),
        ResultEntry(seq=3, call_id="a", name="look", text=result),
        ResultEntry(seq=4, call_id="b", name="look", text="nothing", status="failed"),
        UserEntry(seq=5, text="Look again.", role="steer"),
    ]


def request(model: Model, entries: list[Entry] | None = None, *, stream: bool = False) -> ModelRequest:
    """A request with one tool."""
    fragments = [model.fragment(entry) for entry in entries or [UserEntry(seq=1, text="Hello")]]
    return ModelRequest("Be brief.", fragments, tools=model.tools([LOOK]), stream=stream, timeout=20.0)


async def ask(
    server: ScriptedModel,
    name: str,
    *,
    stream: bool = False,
    entries: list[Entry] | None = None,
    change: Callable[[ModelRequest], ModelRequest] = lambda request: request,
    on_text: Callable[[str], None] | None = None,
) -> ModelReply:
    """One call of one model."""
    models = models_of(server)
    try:
        model = models.get(name)
        return await model.complete(change(request(model, entries, stream=stream)), on_text)
    finally:
        await models.close()


def within(seconds: float) -> Callable[[ModelRequest], ModelRequest]:
    """A change that gives the call less time."""
    return lambda request: replace(request, timeout=seconds)
