"""The cost of a model call, divided among the tools that take part in it.

A tool takes a part of the prompt, by the size of its results in it, and a part of the reply, by the size of its calls.
The rest belongs to no tool: instructions, messages and text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast_activities.models.base import Model
from holdfast_activities.state.log.extras import MICROS, ModelCost
from holdfast_workflows.contracts.session.entries import ToolCall, Usage
from holdfast_workflows.contracts.text.unicode import size


@dataclass(frozen=True, slots=True)
class ToolShares:
    """What tools take of a call.

    ``results`` are tokens of the prompt by tool, out of ``prompt``, both estimated. ``calls`` and the ``text`` are
    those of the reply.
    """

    results: Mapping[str, int]
    prompt: int
    calls: Sequence[ToolCall]
    text: str


def divided(model: Model, used: Usage, of: ToolShares | None) -> tuple[ModelCost, ...]:
    """The usage of a call by tool, first what belongs to no tool. The sum of the parts is exactly the whole."""
    tools = ["", *sorted({*of.results, *(call.name for call in of.calls)} - {""})] if of else [""]
    read, written = _prompt_weights(tools, of), _reply_weights(tools, of)
    micros = round(used.cost * MICROS)
    replied = round(micros * model.reply_share(used))
    dollars = zip(apportioned(micros - replied, read), apportioned(replied, written), strict=True)
    rows = zip(
        tools,
        apportioned(used.input_tokens, read),
        apportioned(used.output_tokens, written),
        apportioned(used.cached_tokens, read),
        dollars,
        strict=True,
    )
    return tuple(
        ModelCost(
            model=model.name,
            tool=tool,
            model_calls=0 if tool else 1,
            tool_calls=sum(call.name == tool for call in of.calls) if of and tool else 0,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            unpriced_tokens=0 if model.priced else input_tokens + output_tokens,
            micros=sum(parts),
        )
        for tool, input_tokens, output_tokens, cached_tokens, parts in rows
    )


def _prompt_weights(tools: Sequence[str], of: ToolShares | None) -> list[int]:
    if of is None:
        return [1]
    of_tools = [of.results.get(tool, 0) for tool in tools[1:]]
    return [max(1, of.prompt - sum(of_tools)), *of_tools]


def _reply_weights(tools: Sequence[str], of: ToolShares | None) -> list[int]:
    if of is None:
        return [1]
    sizes = dict.fromkeys(tools, 0)
    for call in of.calls:
        sizes[call.name] += size(call.name) + size(call.arguments)
    text = sizes.pop("") + size(of.text)
    return [text if text or any(sizes.values()) else 1, *sizes.values()]


def apportioned(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a whole number by weights; what rounding leaves goes to the largest remainders."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda n: total * weights[n] % whole, reverse=True)
    for index in remainders[: total - sum(parts)]:
        parts[index] += 1
    return parts
