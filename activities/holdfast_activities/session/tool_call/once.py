"""Calls that must not be made twice. They are claimed before they are made.

A claim without an outcome is in doubt: its worker may be lost, or disconnected and still executing. When
the call's time is over, the tool's probe is called. Its answer that the call happened is accepted. Its answer
that it did not is accepted only if the earlier attempt has certainly ended. Otherwise a person decides.
"""

import asyncio
from contextlib import suppress

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.resilience.classify import without_secrets, words
from holdfast_activities.tools.questions import Needed
from holdfast_workflows.contracts.control.inbox import OpenTicket
from holdfast_workflows.contracts.errors import EffectUnknown, HoldfastError, StateError, ToolFailed
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.steps import ActResult, Wait

from ..common import run_tool
from ..common.run_tool import Attempt
from .attempts import HAPPENED, Attempts, Permit
from .ledger import AT_WORK, Claim, Ledger
from .request import CallRequest
from .tickets import needed

GRACE = 3.0
"""Seconds after a call's time-out in which it may still take effect, and by which the clocks of two
workers may differ. Together with the probe's time it must stay below what the workflow adds to a tool's
time-out for the activity."""

_PROBE_SECONDS = 8.0

_MAY_YET = (
    "the probe says that it did not happen, but it still may: "
    "its worker was not heard of again, and is not known to have ended"
)

_BEGIN_WITHIN = GRACE / 2
"""Seconds from the claim within which the function has to be called. A process that was suspended
longer must not call it: another worker may have taken the call over."""


class Once:
    """Executes calls of tools with ``effect="once"``."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._waiting = set[asyncio.Task[None]]()

    async def carry_out(self, work: CallRequest) -> ActResult:
        """Make the call if this process gets the claim; otherwise return its outcome, a wait, or unknown."""
        try:
            return await self._carry_out(work)
        except Needed as needed:  # by the probe
            return needed.result
        except asyncio.CancelledError:
            if not run_tool.cancelled_by_session():
                raise
            return await self._cancelled(work)

    async def _carry_out(self, work: CallRequest) -> ActResult:
        over = ""
        # A retry resolves the claim first: the breaker does not decide about a call in doubt.
        before = await self._ledger.standing(work.call.key) if work.request.again else None
        if before is not None:
            answer = None if _goes_on(work, before) else await self._resolve(work, before)
            if answer is not None:
                return answer
            over = before.token
        while True:
            # The breaker comes first: a claim cannot be returned, and a claimed call is in doubt.
            async with self._attempts.admitted(work) as permit:
                attempt = run_tool.Attempt(latest=clock.steady() + _BEGIN_WITHIN)
                claim = await self._ledger.claim(work.effect("claimed"), over, work.use)
                answer = await self._make(work, permit, claim.token, attempt) if claim.ours else None
            if not claim.ours:
                answer = await self._resolve(work, claim)
            if answer is not None:
                return answer
            over = claim.token

    async def _make(
        self, work: CallRequest, permit: Permit, token: str, attempt: Attempt
    ) -> ActResult | None:
        """Make the call; None if it was too late to start it."""
        AT_WORK.add(token)
        try:
            return await self._made(work, permit, token, attempt)
        except run_tool.NotBegun:
            return None
        except asyncio.CancelledError:
            if attempt.ended and not run_tool.cancelled_by_session():
                await self._release(work, token)
            raise
        finally:
            if attempt.ended:
                AT_WORK.discard(token)
            else:
                late = asyncio.create_task(self._late(work, token, attempt))
                self._waiting.add(late)
                late.add_done_callback(self._waiting.discard)

    async def _made(self, work: CallRequest, permit: Permit, token: str, attempt: Attempt) -> ActResult:
        try:
            entry = await permit.use(work, attempt)
        except EffectUnknown as error:
            if attempt.ended:
                return await self._interrupted(work, token, error)
            return await self._unknown(work, error)
        except ToolFailed as error:
            needs = needed(work, error)
            if needs is not None and needs.ticket is not None:
                return await self._waits(work, needs.ticket)
            if needs is not None:
                # What it needs has the call made again, by a retry that takes the claim over.
                await self._release(work, token)
                return needs
            entry = run_tool.failed(work.call, error)
            if not isinstance(error, HAPPENED):
                return await self._failed(work, token, entry)
        row = work.effect("settled", entry.text)
        return await self._ledger.finish(work, entry, row)

    async def _waits(self, work: CallRequest, ticket: OpenTicket) -> ActResult:
        """Keep a call's ticket in the ledger, so that a lost worker does not lose it."""
        row = await self._ledger.mark(work.call.key, "waiting", result=ticket.model_dump_json())
        return (
            ActResult(ticket=ticket)
            if row is None or row.status == "waiting"
            else await self._ledger.restore(work, row)
        )

    async def _release(self, work: CallRequest, token: str) -> None:
        """Release the claim of a worker that stops or was timed out."""
        with suppress(HoldfastError):
            now = await self._ledger.standing(work.call.key)
            # If a person is asked already, the question stays.
            if now is not None and now.row.status == "claimed":
                await self._ledger.release(work.call.key, token)

    async def _late(self, work: CallRequest, token: str, attempt: Attempt) -> None:
        """Settle a call that could not be stopped once it ends, for the person who has to decide about it."""
        text = await attempt.outcome()
        AT_WORK.discard(token)
        if text is None:
            activity.logger.warning("%s %s has ended, without a result", work.spec.name, work.call.key)
            return
        entry = run_tool.result(work.call, text, "ok")
        row = work.effect("settled", entry.text)
        try:
            await self._ledger.settle(entry, row, row.session, in_log=work.in_log)
        except HoldfastError as error:
            activity.logger.warning(
                "%s %s has ended, %r: %s", work.spec.name, work.call.key, entry.text[:200], error
            )

    async def _failed(self, work: CallRequest, token: str, entry: ResultEntry) -> ActResult:
        """Settle a call that did not happen, unless another worker has started it again."""
        now = await self._ledger.standing(work.call.key)
        if now is not None and now.token != token:
            raise StateError("another worker has taken this call over")
        row = work.effect("failed", entry.text)
        return await self._ledger.finish(work, entry, row)

    # In doubt.

    async def _resolve(self, work: CallRequest, claim: Claim) -> ActResult | None:
        """The outcome of a call that another attempt claimed; None if the call may be made."""
        row = claim.row
        # A person who chose to retry accepts that it may happen twice.
        retry = work.request.mode == "retry" and claim.token not in AT_WORK
        if row.status in ("unknown", "waiting") and not retry:
            return _open(row)
        if row.status not in ("claimed", "waiting", "unknown"):
            return await self._ledger.restore(work, row)
        left = row.claimed + (0.0 if claim.released else work.spec.timeout) + GRACE - clock.now()
        if left > 0 and row.status == "claimed":
            reason = f"an earlier attempt of {work.spec.name} may still be at work"
            return ActResult(
                wait=Wait(seconds=left, reason=reason, kind="effect", error_code="effect_unknown")
            )
        try:
            text = await _probe(work)
        except EffectUnknown as error:
            return None if retry else await self._unknown(work, error)
        if text is None:
            return None if retry or claim.over else await self._unknown(work, EffectUnknown(_MAY_YET))
        return await self._found(work, text, row.claimed)

    async def _interrupted(self, work: CallRequest, token: str, error: EffectUnknown) -> ActResult:
        """Resolve a call of this process that ran out of time."""
        if not work.spec.probe:
            return await self._unknown(work, error)
        await asyncio.sleep(GRACE)
        try:
            text = await _probe(work)
        except EffectUnknown as unknown:
            return await self._unknown(work, unknown)
        if text is not None:
            return await self._found(work, text, work.began)
        did_not = ToolFailed(f"{error.detail}; it did not happen")
        return await self._failed(work, token, run_tool.failed(work.call, did_not))

    async def _found(self, work: CallRequest, text: str, claimed: float) -> ActResult:
        entry = run_tool.result(work.call, text, "ok")
        row = work.effect("settled", text, "probe").model_copy(update={"claimed": claimed})
        return await self._ledger.finish(work, entry, row)

    async def _unknown(self, work: CallRequest, error: EffectUnknown) -> ActResult:
        """Mark the outcome as unknown, unless the interrupted attempt has settled the call."""
        row = await self._ledger.mark(work.call.key, "unknown", result=error.detail)
        if row is None or row.status == "unknown":
            activity.logger.warning("%s %s: %s", work.spec.name, work.call.key, error)
            return ActResult(unknown=True, preview=error.detail)
        return await self._ledger.restore(work, row)

    async def _cancelled(self, work: CallRequest) -> ActResult:
        """Settle a call of a cancelled turn with what is known now, without waiting."""
        now = await self._ledger.standing(work.call.key)
        if now is not None and now.row.status not in ("claimed", "waiting", "unknown"):
            return await self._ledger.restore(work, now.row)
        text = (
            "cancelled" if now is None else "cancelled before its result: it is unknown whether it happened"
        )
        entry = run_tool.result(work.call, text, "cancelled")
        row = None if now is None else work.effect("unknown", text)
        return await self._ledger.finish(work, entry, row)


def _open(row: EffectView) -> ActResult:
    """What a call waits for: its ticket's result, or a person's decision."""
    if row.status == "waiting":
        return ActResult(ticket=OpenTicket.model_validate_json(row.result))
    return ActResult(unknown=True, preview=row.result)


def _goes_on(work: CallRequest, before: Claim) -> bool:
    """Whether a claimed call may be made again without a probe: its task is known, or certainly not sent."""
    remote = work.request.remote
    return remote is not None and before.row.status == "claimed" and (bool(remote.id) or before.released)


async def _probe(work: CallRequest) -> str | None:
    """The result of a call that happened, None if it did not; EffectUnknown without an answer of the probe."""
    probe = work.binding.probe(
        work.arguments, run_tool.context(work.call, work.heartbeat, work.binding.spec.secrets)
    )
    asked = asyncio.ensure_future(probe)
    try:
        # No asyncio.timeout: a probe in a thread cannot be cancelled, and its end need not be awaited.
        answered, _ = await asyncio.wait([asked], timeout=_PROBE_SECONDS)
    finally:
        asked.cancel()
    if not answered:
        raise EffectUnknown(f"the probe gave no answer within {_PROBE_SECONDS:g} s")
    try:
        return asked.result()
    except Needed:
        raise
    except EffectUnknown as error:
        without_secrets(error)
        raise
    except Exception as error:
        raise EffectUnknown(f"the probe failed: {words(error)}") from error
