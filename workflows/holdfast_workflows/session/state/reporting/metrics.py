"""Metrics of turns, steps and waits. The SDK's meter records nothing in a replay."""

from temporalio import workflow

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.operations.instruments import Instruments
from holdfast_workflows.contracts.problems import Problem
from holdfast_workflows.contracts.session.steps import ThinkResult, TurnStatus

from ..state import SessionState
from .actions import Counting

_COMPLETE = frozenset({"stop", "tool_calls"})


def turn_ended(state: SessionState, status: TurnStatus, problem: Problem | None) -> None:
    """Record the end of the running turn."""
    metrics, agent, turn = _instruments(), state.agent, state.turn
    metrics.count("holdfast_turns_total", agent=agent, outcome=status)
    seconds = max(0.0, workflow.time() - turn.started - turn.waited)
    metrics.observe("holdfast_turn_seconds", seconds, agent=agent)
    if problem is not None and status == "failed":
        known = errors.tree().get(problem.code, errors.HoldfastError)
        metrics.count("holdfast_errors_total", source="turn", kind=known.kind, code=problem.code)
    used = workflow.info().get_current_history_length() / state.start.continue_as_new_after
    metrics.observe("holdfast_history_used_ratio", used, agent=agent)

    session = workflow.instance()
    if isinstance(session, Counting):
        metrics.observe("holdfast_turn_actions", session.actions, agent=agent)
        session.actions = 0


def session_started(problem: BaseException | None) -> None:
    """Record that a session has loaded its agent, or why it has not. A wrong request is refused, as by a handler."""
    error = errors.from_failure(problem) if problem is not None else None
    refused = isinstance(error, errors.BadInput)
    request("start", "ok" if problem is None else "refused" if refused else "failed")
    if error is not None:
        _instruments().count("holdfast_errors_total", source="start", kind=error.kind, code=error.code)


def request(operation: str, outcome: str) -> None:
    """Record a request to a session."""
    _instruments().count("holdfast_requests_total", operation=operation, outcome=outcome)


def deadline_passed(kind: str) -> None:
    """Record that an item of the inbox had no answer by its deadline."""
    _instruments().count("holdfast_inbox_overdue_total", kind=kind)


def steps_ended(state: SessionState, result: ThinkResult) -> None:
    """Record the steps of one ``think``."""
    metrics, agent = _instruments(), state.agent
    failed = sum(step.finish not in _COMPLETE for step in result.steps)
    calls = sum(step.finish in _COMPLETE and bool(step.calls) for step in result.steps)
    texts = len(result.steps) - failed - calls
    metrics.count("holdfast_steps_total", texts, agent=agent, outcome="text")
    metrics.count("holdfast_steps_total", calls, agent=agent, outcome="calls")
    metrics.count("holdfast_steps_total", failed, agent=agent, outcome="failed")
    if result.failed is not None:
        step_failed(state)


def step_failed(state: SessionState) -> None:
    """Record a step that failed for good."""
    _instruments().count("holdfast_steps_total", agent=state.agent, outcome="failed")


def _instruments() -> Instruments:
    return Instruments(workflow.metric_meter())
