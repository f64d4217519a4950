"""Carry the parents of spans through workflows, in headers. Workflows make no spans: a replay would repeat them."""

from collections.abc import Mapping
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    ContinueAsNewInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowOutboundInterceptor,
)

from .contracts.session.records import ledger_key
from .contracts.session.session import Message, StartInput
from .contracts.session.steps import ActInput
from .contracts.session.trace_ids import (
    Parent,
    TraceHeader,
    call_span,
    link_to,
    parent_of,
    trace_of,
    turn_span,
)


class Parents:
    """The parents of a session's turns, by the message that began each of them."""

    def __init__(self) -> None:
        self._of_message: dict[str, str] = {}
        self._began: dict[str, float] = {}
        self._starter = ""
        """Of a fleet: the span in which it was started."""

    def received(self, headers: Any, message: object = None) -> None:
        """Keep the parent that came with a message."""
        given = TraceHeader.read(headers)
        if given is not None and given.parent and isinstance(message, Message):
            self._of_message.setdefault(message.id, given.parent)

    def started(self) -> None:
        """Keep the parent that came with the start of the run, or those of the run before."""
        given = TraceHeader.read(workflow.info().headers)
        if given is None:
            return
        self._of_message |= given.messages
        if not hasattr(workflow.instance(), "first_message"):
            self._starter = given.parent
        elif given.parent and (message := getattr(workflow.instance(), "first_message", "")):
            self._of_message.setdefault(message, given.parent)

    def of_activity(self, request: object) -> TraceHeader | None:
        """Return the header of an activity; None if its turn has no parent and the session is not in debug mode."""
        turn, began = turn_of(request), 0.0
        if isinstance(request, ActInput) and request.children:
            began = self._began.get(ledger_key(request), 0.0)
        parent = self._of_turn(turn)
        debug: float = getattr(workflow.instance(), "debug_until", 0.0)
        return TraceHeader(parent=parent, began=began, debug=debug) if parent or began or debug else None

    def of_child(self, start: object) -> TraceHeader | None:
        """Return the header of a child session, whose turn is part of the call that it works for.

        Sessions of a fleet have traces of their own, since one of thousands of sessions cannot be read.
        """
        running = _running()
        if not isinstance(start, StartInput) or start.parent is None:
            return None
        if running == 0:
            return TraceHeader(parent=link_to(self._starter)) if self._starter else None
        session, key = start.parent.session, start.parent.call
        above = parent_of(self._of_turn(running))
        span = call_span(key) if key else turn_span(session, running)
        if key:
            self._began.setdefault(key, workflow.time())
        flags, state = (above.flags, above.state) if above else ("", "")
        parent = Parent(trace_of(session, running, above), span, flags, state)
        return TraceHeader(parent=parent.encoded())

    def of_next_run(self) -> TraceHeader | None:
        """Return the header of the run that continues this one."""
        seen = _seen()
        kept = {id: parent for id, parent in self._of_message.items() if id in seen}
        return TraceHeader(parent=self._starter, messages=kept) if kept or self._starter else None

    def _of_turn(self, turn: int) -> str:
        if not self._of_message:
            return ""
        return next((self._of_message.get(id, "") for id, each in _seen().items() if each == turn), "")


class TracedOutbound(WorkflowOutboundInterceptor):
    """Adds the header to what a session starts."""

    def __init__(self, following: WorkflowOutboundInterceptor, parents: Parents) -> None:
        super().__init__(following)
        self._parents = parents

    def start_activity(self, input: StartActivityInput) -> Any:  # noqa: A002
        """Start an activity."""
        _add(input, self._parents.of_activity(_first(input)))
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> Any:  # noqa: A002
        """Start a local activity."""
        _add(input, self._parents.of_activity(_first(input)))
        return super().start_local_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> Any:  # noqa: A002
        """Start a child session."""
        _add(input, self._parents.of_child(_first(input)))
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> Any:  # noqa: A002
        """Continue as a new run."""
        _add(input, self._parents.of_next_run())
        return super().continue_as_new(input)


def turn_of(request: object) -> int:
    """Return the turn that an activity works for; 0 if it works for none."""
    turn = getattr(request, "turn", 0)
    turn = getattr(turn, "turn", turn)  # of a SettleInput, its record
    return turn if isinstance(turn, int) else 0


def _seen() -> Mapping[str, int]:
    """The turns of the session's messages, by message id."""
    return getattr(workflow.instance(), "turns_of_messages", {})


def _running() -> int:
    """The number of the session's running turn; 0 between turns, and for workflows that are not sessions."""
    return getattr(workflow.instance(), "running_turn", 0)


def _first(given: Any) -> object:
    return given.args[0] if given.args else None


def _add(given: Any, header: TraceHeader | None) -> None:
    if header is not None:
        given.headers = {**(given.headers or {}), **header.headers()}
