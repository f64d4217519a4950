"""The session's past as rules see it: what was called, and the first untrusted content."""

from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio import workflow

from holdfast_workflows.contracts.agent.spec import ToolPolicy
from holdfast_workflows.contracts.names import TRUSTED_TOOLS
from holdfast_workflows.contracts.permissions.rules import Past
from holdfast_workflows.contracts.session.entries import ResultStatus

from ..state.state import SessionState

_READ: tuple[ResultStatus, ...] = ("ok", "failed")
"""Results with text of a tool; the text of others is Holdfast's own."""


def past(state: SessionState, used_up: frozenset[str] = frozenset()) -> Past:
    """Return what rules know of the session now."""
    return Past(
        untrusted=state.untrusted,
        in_turn=state.turn.called,
        in_session=state.called,
        day=f"{datetime.fromtimestamp(workflow.time(), UTC):%Y-%m-%d}",
        tenant=state.start.tenant,
        user=state.start.user,
        session=workflow.info().workflow_id,
        used_up=used_up,
    )


def permitted(state: SessionState, keys: Sequence[str]) -> None:
    """Count a call that may run, by its tool and by the rules that count it."""
    in_turn = dict(state.turn.called)
    for key in keys:
        state.called[key] = state.called.get(key, 0) + 1
        in_turn[key] = in_turn.get(key, 0) + 1
    state.change(called=in_turn)


def read(state: SessionState, tool: str, status: str) -> None:
    """Note that the model will read a call's result."""
    if state.untrusted or status not in _READ or tool in TRUSTED_TOOLS:
        return
    policy = state.spec.tools.get(tool, ToolPolicy()) if state.spec else ToolPolicy()
    if not policy.trusted:
        state.untrusted = f"the result of {tool} in turn {state.turn.turn}"
