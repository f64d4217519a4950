"""Bringing one call to its end: through lost workers, waits, and outcomes that nobody knows.

A call whose effect must never be repeated is safe to schedule again, since its activity
looks into the effect ledger first: it runs only if it never ran. Where not even the
ledger can tell, a person decides.
"""

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.effects import PendingDecision
from holdfast_workflows.contracts.entries import ResultStatus
from holdfast_workflows.contracts.limits import PATIENCE
from holdfast_workflows.contracts.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.steps import ActInput, ActResult, Wait

from ..state import activity_calls
from ..state import waiting as asking
from ..state.state import SessionState
from .inflight import InFlight, NeverBegan

_LOOK_AGAIN = 5.0
"""Seconds until a ``once`` call that failed to write its end is looked up again; doubled each time."""

_MAY_HAVE = "cancelled after its worker was lost, so it may have happened"

_NOBODY_KNOWS = "nobody knows whether it happened"

Void = Callable[[str, ResultStatus], ActResult]
"""Gives the call a result that the workflow writes."""


class ToolExecution:
    """Carries one call out, as often as that takes and never more than is safe."""

    def __init__(
        self,
        state: SessionState,
        spec: PinnedSpec,
        flight: InFlight,
        request: ActInput,
        shown: str,
        void: Void,
    ) -> None:
        self._state = state
        self._flight = flight
        self._spec = spec
        self._policy = spec.tools.get(request.name, ToolPolicy())
        self._request = request
        self._shown = shown
        self._void = void
        self._lost = 0
        self._parked = 0.0

    async def outcome(self) -> ActResult:
        """The call's settled result; one that no activity could write is written by the next step."""
        while True:
            result = await self._landed()
            if result is None:
                continue
            if result.wait is not None:
                result = await self._wait_for(result.wait)
            elif result.unknown:
                result = await self._decided()
            if result is not None:
                return result

    # Each of these returns the call's end, or None where the request, as it is now, is to be scheduled.

    async def _landed(self) -> ActResult | None:
        handle = activity_calls.act(
            self._spec, self._policy, self._request, self._shown, self._state.start.heartbeat_timeout
        )
        writes = self._request.mode in {"confirm", "give_up"}
        try:
            result: ActResult = await self._flight.run(handle, to_the_end=writes)
        except NeverBegan:
            return self._cancelled()
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                return self._cancelled()
            return await self._failed(error)
        return result

    def _cancelled(self) -> ActResult | None:
        doubt = self._request.again and self._policy.effect == "once"
        if doubt and self._request.mode != "give_up":
            # This attempt never began; what came of the one before is still not known.
            self._give_up()
            return None
        return self._void(_MAY_HAVE if self._lost else "cancelled", "cancelled")

    async def _failed(self, error: ActivityError) -> ActResult | None:
        gone, once = activity_calls.worker_lost(error), self._policy.effect == "once"
        text = str(activity_calls.typed(error, errors.ToolFailed).detail)
        if once:
            return await self._look_again(text, gone=gone)
        if gone and activity_calls.may_lose_more(self._lost):
            self._lost += 1
            self._change(again=True)
            return None
        if gone:
            # A tool's own failure is a result; this one's end, whatever it was, could not be written.
            text = f"its end was not seen, so its outcome is unknown: {text}"
        return self._void(text, "failed")

    async def _look_again(self, text: str, *, gone: bool) -> ActResult | None:
        """The end of a ``once`` call was not seen: the ledger is asked, in the end a person."""
        if self._request.mode == "give_up":
            return self._void(f"{_NOBODY_KNOWS}: {text}", "failed")
        if not activity_calls.may_lose_more(self._lost):
            return ActResult(unknown=True)
        self._lost += 1
        if not gone:
            seconds = _LOOK_AGAIN * 2 ** (self._lost - 1)
            reason = Wait(
                seconds=seconds, reason=f"the end of {self._request.name} is not known", kind="effect"
            )
            await self._wait(reason, seconds)
        if self._state.cancelled:
            self._give_up()
        else:
            # A person's "retry" was for the attempt whose worker was lost, too: what came of that is open again.
            mode = "call" if self._request.mode == "retry" else self._request.mode
            self._change(again=True, mode=mode)
        return None

    async def _wait_for(self, park: Wait) -> ActResult | None:
        # The database may have gone after the tool was called, so its end is looked for when it is back.
        away = park.kind == "state"
        doubt = park.kind == "effect" or (away and self._policy.effect == "once")
        patience = PATIENCE + self._policy.timeout if away or doubt else self._spec.max_wait
        left = patience - self._parked
        unseen = f"its end was not seen: {park.reason}" if away else f"not run: {park.reason}"
        if left <= 0:
            return await self._decided() if doubt else self._void(unseen, "failed")
        self._parked += await self._wait(park, min(park.seconds, left))
        if park.error_code == errors.UnknownAgent.code:
            self._change(elsewhere=True)
        if self._state.cancelled and not doubt:
            return self._void(unseen if away else "not run: the turn was cancelled", "cancelled")
        if self._state.cancelled and away and self._request.mode == "give_up":
            return self._void(_NOBODY_KNOWS, "failed")
        if self._state.cancelled:
            self._give_up()
        elif away and self._request.mode == "retry":
            # A person's word was for the attempt that was known; what came of this one is open again.
            self._change(again=True, mode="call")
        elif away or doubt:
            self._change(again=True)
        return None

    async def _decided(self) -> ActResult | None:
        """Nobody knows what came of the call: a person says what to do about it."""
        if self._request.mode == "give_up":
            return self._void(_NOBODY_KNOWS, "failed")
        what = f"nobody knows whether {self._request.name} {self._shown} happened"
        # Not the call's key: that has the session's id, and a history is replayed under any.
        waiting = PendingDecision(id=f"effect-{self._request.seq}", kind="effect", what=what)
        decision = await asking.decision(self._state, waiting, lambda: False)
        await asking.resumed_after(self._state)
        self._lost, self._parked = 0, 0.0
        if decision is None:
            self._give_up()
        else:
            self._change(again=True, mode=decision.action, text=decision.text, by=decision.by)
        return None

    async def _wait(self, park: Wait, seconds: float) -> float:
        """Wait on a timer; a paused session goes on only when it is resumed."""
        state = self._state
        waited = await asking.wait(state, self._request.seq, park, seconds, lambda: state.cancelled)
        await asking.resumed(state)
        return waited

    def _give_up(self) -> None:
        self._change(again=True, mode="give_up", text="the turn was cancelled", undecided=True)

    def _change(self, **changes: object) -> None:
        self._request = self._request.model_copy(update=changes)


def request(
    state: SessionState, spec: PinnedSpec, tool: str, seq: int, reply: int, call_id: str, key: str
) -> ActInput:
    """What is asked of a tool for the call at ``seq``, of the reply at ``reply``."""
    return ActInput(
        session=workflow.info().workflow_id,
        agent=spec.agent,
        digest=spec.digest,
        tenant=state.start.tenant,
        turn=state.turn.turn,
        step=state.turn.step,
        seq=seq,
        reply=reply,
        index=seq - reply - 1,
        call_id=call_id,
        name=tool,
        key=key,
        user=state.start.user,
        resets=state.resets,
        since=state.abandoned[-1][1] if state.abandoned else 0,
    )
