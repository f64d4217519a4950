"""Errors of refused queries. The SDK reports them as text; the answers of newer servers have the failure itself."""

from __future__ import annotations

from temporalio.api.errordetails.v1 import QueryFailedFailure
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from holdfast_workflows.contracts.errors import HoldfastError, tree
from holdfast_workflows.contracts.text.unicode import preview


def of_query(error: WorkflowQueryFailedError) -> HoldfastError | None:
    """Return the error that a workflow refused a query with; None for one that is not Holdfast's."""
    answer, found = error.__context__, QueryFailedFailure()
    # Another error may have replaced it, if this one was raised again while that one was handled.
    for detail in answer.grpc_status.details if isinstance(answer, RPCError) else ():
        detail.Unpack(found)
    info, message = found.failure.application_failure_info, found.failure.message or error.message
    # An error's message begins with the text of its class; some texts are the beginning of others.
    texts = {code: str(cls()) for code, cls in tree().items()}
    by_text = max(
        (code for code in texts if message.startswith(texts[code])),
        key=lambda code: len(texts[code]),
        default="",
    )
    cls = tree().get(info.type or by_text)
    if cls is None:
        return None
    return cls(preview(message.removeprefix(texts[cls.code]).strip().removeprefix("(").removesuffix(")")))
