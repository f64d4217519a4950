"""The effect ledger and the log as a tool call uses them: claim, settle, and look up calls.

A call without effects, or with an idempotent one, is settled with its result in one transaction.
A call that must happen once is claimed first, by a write of its own.
"""

import secrets
from dataclasses import dataclass

from temporalio import activity

from holdfast_activities.context import Conversations
from holdfast_activities.state.coordination.approvals import Use
from holdfast_activities.state.database import State
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts.errors import StateError
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.operations.instruments import NO_METRICS, Instruments
from holdfast_workflows.contracts.session.entries import ResultEntry, ResultStatus
from holdfast_workflows.contracts.session.steps import ActInput, ActResult

from ..common import run_tool
from ..common.log_writes import settle
from . import process
from .request import CallRequest, act_result

_AT = "@"
"""Separates the random part of a token from its process. Nothing follows it once the claim is released."""

AT_WORK = set[str]()
"""The tokens of calls that this process executes, each until its function has ended."""


_RECORDED = frozenset({"settled", "failed", "unknown", "undone", "undo_failed"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A call's row, the token of its claim, and whether this process has the claim (``ours``)."""

    row: EffectView
    token: str
    ours: bool

    @property
    def released(self) -> bool:
        """Whether the owner has reported that it no longer executes the call."""
        return self.token.endswith(_AT)

    @property
    def over(self) -> bool:
        """Whether the attempt has certainly ended."""
        _, at, where = self.token.partition(_AT)
        if where == process.here():
            return self.token not in AT_WORK
        return bool(at) and (not where or process.gone(where))


class Ledger:
    """Records which calls took effect, and grants the right to make one."""

    def __init__(self, state: State, conversations: Conversations, metrics: Instruments = NO_METRICS) -> None:
        self._log = state.log
        self._metrics = metrics
        self._effects = state.effects
        self._conversations = conversations

    async def settled(self, request: ActInput) -> ResultEntry | None:
        """The settled result of a call; a first attempt does not look for one."""
        if not request.again and request.mode == "call" and activity.info().attempt == 1:
            return None
        found = await self._log.read(request.session, request.seq, request.seq + 1)
        return found[0] if found and isinstance(found[0], ResultEntry) else None

    async def claim(self, row: EffectView, over: str = "", use: Use | None = None) -> Claim:
        """Claim a call for this process, and record the ``use`` of its approval with it.

        ``over`` is the token of a claim to take over.
        """
        token = f"{secrets.token_hex(8)}{_AT}{process.here()}"
        if over and await self._effects.reclaim(row.key, over, token):
            return Claim(row, token, ours=True)
        stored, owner = await self._effects.claim(row, token, use)
        return Claim(stored, owner, ours=owner == token)

    async def release(self, key: str, token: str) -> None:
        """Record that the owner of a claim no longer executes the call; its outcome stays unknown."""
        await self._effects.reclaim(key, token, f"{secrets.token_hex(8)}{_AT}")

    async def standing(self, key: str) -> Claim | None:
        """A call's row and claim; None if it was neither claimed nor settled."""
        found = await self._effects.get(key)
        return None if found is None else Claim(*found, ours=False)

    async def settle(
        self, entry: ResultEntry, row: EffectView | None, session: str, *, in_log: bool = True
    ) -> ResultEntry:
        """Write a result with its effect, and return the valid one: that of the first writer."""
        extras = None if row is None else LogExtras(effects=(row,))
        if not in_log:
            if extras is not None:
                await settle(self._log, session, (), extras)
            self._record(row)
            return entry
        (stored,), _ = await settle(self._log, session, (entry,), extras)
        self._record(row)
        self._conversations.offer(session, [stored])
        if not isinstance(stored, ResultEntry):
            raise StateError(f"number {entry.seq} of the log holds a {stored.kind}, not a result")
        return stored

    async def finish(self, work: CallRequest, entry: ResultEntry, row: EffectView | None) -> ActResult:
        """Settle an executed call, and return its result for the workflow."""
        return act_result(await self.settle(entry, row, work.call.session, in_log=work.in_log))

    async def restore(self, work: CallRequest, row: EffectView) -> ActResult:
        """The result of a call whose row is settled, even if the log has lost it."""
        self._metrics.count("holdfast_effects_total", tool=row.tool, outcome="repeated")
        status: ResultStatus = "failed" if row.status in ("failed", "given_up") else "ok"
        entry = run_tool.result(work.call, row.result, status)
        return await self.finish(work, entry, None)

    async def mark(self, key: str, status: EffectStatus, *, result: str = "") -> EffectView | None:
        """Change a row's status unless it is settled, and return the row."""
        row = await self._effects.mark(key, status, result=result or None)
        if row is not None and row.status == status:
            self._record(row)
        return row

    def _record(self, row: EffectView | None) -> None:
        if row is not None and row.status in _RECORDED:
            self._metrics.count("holdfast_effects_total", tool=row.tool, outcome=row.status)
