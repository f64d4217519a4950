"""The view of a step for the workflow: small texts whole, long ones as a preview."""

from collections.abc import Mapping

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import Reservation
from holdfast_workflows.contracts.limits import INLINE_ARGUMENTS, INLINE_TEXT, PREVIEW_CHARS
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.session.steps import CallView, StepView
from holdfast_workflows.contracts.text.unicode import digest, preview, size

from ..common.judged import Judged

_KEPT = frozenset({names.UPDATE_PLAN, names.WRITE_NOTES, names.HAND_OVER})

_INLINE_REMARK = 512
"""Bytes up to which text that accompanies tool calls is passed whole."""


def step_view(
    reply: ReplyEntry,
    results: Mapping[int, ResultEntry],
    output_problem: str,
    hold: Reservation | None = None,
    context: int = 0,
    instead: str = "",
    judged: Mapping[int, Judged] | None = None,
) -> StepView:
    """The view of a settled reply, with the results that the same activity settled."""
    bytes_ = size(reply.text)
    limit = _INLINE_REMARK if reply.calls else INLINE_TEXT
    return StepView(
        seq=reply.seq,
        finish=reply.finish,
        text=reply.text if bytes_ <= limit else preview(reply.text),
        size=bytes_,
        calls=tuple(
            _judged(
                _call(reply.seq + 1 + index, call, results.get(reply.seq + 1 + index)),
                (judged or {}).get(reply.seq + 1 + index),
            )
            for index, call in enumerate(reply.calls)
        ),
        usage=reply.usage,
        model=reply.model,
        seconds=reply.seconds,
        output_problem=output_problem,
        reservation=hold,
        context=context,
        instead=instead,
    )


def _judged(view: CallView, judged: Judged | None) -> CallView:
    return view if judged is None else view.model_copy(update={"values": judged[0], "named": judged[1]})


def _call(seq: int, call: ToolCall, result: ResultEntry | None) -> CallView:
    # The workflow stores plan and notes. Their tools reject arguments that are too long.
    kept = call.name in _KEPT and size(call.arguments) <= INLINE_TEXT
    if result is None:
        whole = call.arguments if kept or size(call.arguments) <= INLINE_ARGUMENTS else ""
        shown = "" if whole else descriptions.arguments(call.arguments)
        return CallView(
            id=call.id,
            name=call.name,
            seq=seq,
            arguments=whole,
            preview=shown,
            digest="" if whole else digest(call.name, call.arguments),
        )
    short = kept or size(call.arguments) <= PREVIEW_CHARS
    return CallView(
        id=call.id,
        name=call.name,
        seq=seq,
        arguments=call.arguments if short else "",
        preview="" if short else descriptions.arguments(call.arguments),
        done=True,
        status=result.status,
        result=preview(result.text),
        size=size(result.text),
        seconds=round(result.seconds, 4),
        digest=digest(call.name, call.arguments),
        result_digest=digest(result.text),
    )
