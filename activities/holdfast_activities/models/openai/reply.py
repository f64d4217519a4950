"""Reading a chat completion, whole or in a stream."""

from typing import Any

from holdfast_workflows.contracts.session.entries import Finish, ToolCall

from .. import arguments, finish, usage, wire
from ..http.exchange import Accumulator
from . import extra
from .calls import Calls, arguments_of, function_of, parts_of


def parse(name: str, answer: dict[str, Any]) -> usage.Answer:
    """Read the answer of the model ``name``."""
    choice = answer["choices"][0]
    message: dict[str, Any] = choice.get("message") or {}
    text = wire.received(wire.text_of(message.get("content")))
    ended: Finish = finish.meaning(name, finish.reason(choice.get("finish_reason")))
    if message.get("refusal"):
        text, ended = wire.received(wire.text_of(message["refusal"])), "refusal"
    # A reply that was cut short may end in half a call, so calls count only if the model finished.
    parsed = _expanded(message) if ended == "stop" else []
    calls = _calls(parsed)
    return usage.Answer(
        text=text,
        ended=ended,
        calls=calls,
        counts=usage.openai(_usage(answer)),
        thought=wire.text_of(message.get("reasoning_content")),
        extra=extra.of_message(message, parsed, calls),
    )


def _expanded(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls in a message, one for each object of arguments."""
    calls: list[dict[str, Any]] = []
    for call in parts_of(message):
        function = function_of(call)
        first, *others = arguments.objects(arguments_of(function))
        # A signature belongs to the first of the calls that came under one id.
        bare = {key: value for key, value in call.items() if key not in extra.of_call(call)}
        calls.append({**call, "function": {**function, "arguments": first}})
        calls += [{**bare, "function": {**function, "arguments": other}} for other in others]
    return calls


def _calls(parsed: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    ids = wire.unique([str(call.get("id") or "") for call in parsed])
    functions = [call["function"] for call in parsed]
    return tuple(
        wire.call(id, each["name"], each["arguments"]) for id, each in zip(ids, functions, strict=True)
    )


def _usage(answer: dict[str, Any]) -> Any:
    """The usage in an answer or event; some servers put it into the choice or a field of their own."""
    groq: dict[str, Any] = answer.get("x_groq") or {}
    holders = (answer, *(choice for choice in answer.get("choices") or () if choice), groq)
    return next((holder["usage"] for holder in holders if holder.get("usage")), None)


class ChatAccumulator(Accumulator):
    """A streamed chat completion."""

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        """No event yet; ``known`` are the names of the request's tools."""
        super().__init__()
        self._refusal = ""
        self._extra = extra.StreamedExtra()
        self._calls = Calls(known)

    def add(self, event: dict[str, Any]) -> None:
        """Add one event."""
        self._usage = usage.merged(self._usage, _usage(event))
        for choice in event.get("choices") or ():
            if choice and not choice.get("index"):
                self.finish = finish.reason(choice.get("finish_reason")) or self.finish
                delta: dict[str, Any] | None = choice.get("delta")
                if not delta and not self.characters:
                    delta = choice.get("message")  # the whole answer as one event
                self._delta(delta or {})

    def _delta(self, delta: dict[str, Any]) -> None:
        text, refusal = wire.text_of(delta.get("content")), wire.text_of(delta.get("refusal"))
        reasoning = self._extra.add(delta)
        self.text += text
        self._refusal += refusal
        self.characters += len(text) + len(refusal) + len(reasoning)
        for part in parts_of(delta):
            self.characters += self._calls.add(part)

    def whole(self) -> dict[str, Any]:
        """See ``Accumulator.whole``."""
        message: dict[str, Any] = {
            "content": self.text,
            "refusal": self._refusal,
            "tool_calls": self._calls.whole(),
            **self._extra.whole(),
        }
        return {"choices": [{"message": message, "finish_reason": self.finish}], "usage": self._usage}
