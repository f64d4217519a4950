"""Recall: search the memory store before a turn's first model call.

The memories are written to the log before the message. A failure does not fail the turn: the model
answers without memories, and the current details show it.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.memory import RecallInput, RecallResult
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.text.unicode import preview

from ..state import activity_calls
from ..state.reporting import current_details
from ..state.state import SessionState
from .inflight import InFlight, NeverBegan

_UNAVAILABLE = "memory is unavailable: answered without it"


def begin(state: SessionState) -> None:
    """Reserve a sequence number for the turn's memories, before its message."""
    state.change(start=state.seq)
    state.memory = ""
    if state.spec is not None and state.spec.memory is not None:
        state.seq += 1


def due(state: SessionState) -> bool:
    """Whether to search memories for the running turn."""
    # A turn that began before its session had a memory has reserved no number.
    remembers = state.spec is not None and state.spec.memory is not None
    return remembers and not state.turn.recalled and state.turn.start > 0


async def recall(state: SessionState, spec: PinnedSpec, flight: InFlight) -> None:
    """Search memories for the running turn, unless it is cancelled."""
    workflow.set_current_details(current_details.render(state))
    request = _request(state, spec)
    if request is not None:
        handle = activity_calls.recall(spec, request, state.turn.request, state.start.heartbeat_timeout)
        try:
            result: RecallResult = await flight.run(handle)
        except NeverBegan:
            return
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                return
            found = activity_calls.typed(error, errors.MemoryFailed)
            workflow.logger.warning("turn %d goes on without memories: %s", state.turn.turn, found)
            state.memory = _UNAVAILABLE
            _emit(state, f"{_UNAVAILABLE}: {preview(str(found))}", 0, "failed")
        else:
            found_text = "1 memory" if result.found == 1 else f"{result.found} memories"
            if result.untrusted:
                state.untrusted = state.untrusted or f"a memory that was recalled in turn {state.turn.turn}"
            state.memory = f"{found_text} recalled" if result.found else "nothing was recalled"
            _emit(state, state.memory, result.found, "ok")
    state.change(recalled=True)


def _request(state: SessionState, spec: PinnedSpec) -> RecallInput | None:
    # No `think` has written the turn's message yet.
    wanted = state.turn.start + 1
    message = next((entry for entry in state.unwritten if entry.seq == wanted), None)
    if message is None:
        return None
    return RecallInput(
        session=workflow.info().workflow_id,
        agent=spec.agent,
        digest=spec.digest,
        seq=state.turn.start,
        turn=state.turn.turn,
        tenant=state.start.tenant,
        user=state.start.user,
        text=message.text,
        ref=message.ref,
        root=state.root,
    )


def _emit(state: SessionState, text: str, found: int, status: str) -> None:
    state.emit("recalled", text, seq=state.turn.start, size=found, status=status)
