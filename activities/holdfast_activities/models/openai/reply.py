"""A chat completion as it comes back, whole or in a stream."""

from typing import Any

from holdfast_workflows.contracts.session.entries import Finish, ToolCall

from .. import arguments, carried, finish, usage, wire
from ..base import ModelReply
from ..errors import errors
from ..http.exchange import NONSENSE
from ..prices import Cost
from .calls import Calls, arguments_of, function_of, parts_of


def read(name: str, answer: dict[str, Any], sent: int, cost: Cost) -> ModelReply:
    """The reply in an answer.

    Args:
        name: The model's name.
        answer: The answer, parsed.
        sent: The size of the request in bytes, for servers that tell no usage.
        cost: The model's price.

    Raises:
        MalformedReply: It is not a reply.
    """
    try:
        choice = answer["choices"][0]
        message: dict[str, Any] = choice.get("message") or {}
        text = wire.received(wire.text_of(message.get("content")))
        ended: Finish = finish.meaning(name, finish.reason(choice.get("finish_reason")))
        if message.get("refusal"):
            text, ended = wire.received(wire.text_of(message["refusal"])), "refusal"
        # A reply cut short may end in half a call; a call counts only if the model came to its end.
        asked = _asked(message) if ended == "stop" else []
        calls = _calls(asked)
        thought = wire.text_of(message.get("reasoning_content"))
        used, counted = usage.openai(_usage(answer), sent, usage.written(text, calls, thought), cost)
        return ModelReply(
            text=text,
            calls=calls,
            finish="tool_calls" if calls else ended,
            usage=used,
            model=name,
            extra=carried.of_message(message, asked, calls),
            counted=counted,
        )
    except NONSENSE as error:
        what = f"the answer is not a chat completion ({type(error).__name__}: {error})"
        raise errors.malformed(name, what) from None


def _asked(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls in a message, one for each object of arguments."""
    found: list[dict[str, Any]] = []
    for call in parts_of(message):
        function = function_of(call)
        first, *others = arguments.objects(arguments_of(function))
        # A signature is of the call, which is the first of those that came under its id.
        bare = {key: value for key, value in call.items() if key not in carried.of_call(call)}
        found.append({**call, "function": {**function, "arguments": first}})
        found += [{**bare, "function": {**function, "arguments": other}} for other in others]
    return found


def _calls(asked: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    ids = wire.unique([wire.received(str(call.get("id") or "")) for call in asked])
    found: list[ToolCall] = []
    for name, call in zip(ids, asked, strict=True):
        function = call["function"]
        called = wire.received(function["name"]).strip()
        if not called:
            raise ValueError("a call without a name")
        found.append(ToolCall(id=name, name=called, arguments=wire.received(function["arguments"])))
    return tuple(found)


def _usage(told: dict[str, Any]) -> Any:
    """The usage in an answer or event, which some servers put into the choice or a field of their own."""
    if told.get("usage"):
        return told["usage"]
    for choice in told.get("choices") or ():
        if choice and choice.get("usage"):
            return choice["usage"]
    groq: dict[str, Any] = told.get("x_groq") or {}
    return groq.get("usage")


class Gathered:
    """A streamed answer, put together as the whole one would be."""

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        """Nothing gathered yet; ``known`` are the names of the tools that were sent."""
        self.text = ""
        self.finish = ""
        self.ended = False
        self.characters = 0
        self._refusal = ""
        self._carried = carried.Carried()
        self._calls = Calls(known)
        self._usage: dict[str, Any] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        self._usage = usage.merged(self._usage, _usage(event))
        for choice in event.get("choices") or ():
            if choice and not choice.get("index"):
                self.finish = finish.reason(choice.get("finish_reason")) or self.finish
                self._choice(choice)

    def _choice(self, choice: dict[str, Any]) -> None:
        delta: dict[str, Any] | None = choice.get("delta")
        if not delta and not self.characters:
            delta = choice.get("message")  # the whole answer as one event
        self._delta(delta or {})

    def _delta(self, delta: dict[str, Any]) -> None:
        text, refusal = wire.text_of(delta.get("content")), wire.text_of(delta.get("refusal"))
        reasoning = self._carried.add(delta)
        self.text += text
        self._refusal += refusal
        self.characters += len(text) + len(refusal) + len(reasoning)
        for part in parts_of(delta):
            self.characters += self._calls.add(part)

    def whole(self) -> dict[str, Any]:
        """The answer."""
        message = {
            "content": self.text,
            "refusal": self._refusal,
            "tool_calls": self._calls.whole(),
            **self._carried.whole(),
        }
        return {"choices": [{"message": message, "finish_reason": self.finish}], "usage": self._usage}
