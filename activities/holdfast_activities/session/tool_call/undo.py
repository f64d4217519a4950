"""Undo a call after its turn was cancelled or has failed."""

from collections.abc import Callable

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import ToolFailed
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.steps import ActInput, ActResult
from holdfast_workflows.contracts.text.unicode import preview

from ..common import run_tool
from ..common.agents import LiveAgent
from .ledger import Ledger
from .once import Once
from .repeatable import Repeatable
from .request import CallRequest, asked_for, call_of, prepare
from .same_calls import SameCalls

_RESULT = "result"
"""The parameter of an undo that receives the call's result."""


class Undo:
    """Calls the undo of a tool; the row of the original call goes from settled to undoing to undone.

    An undo that must happen once has a row under its own key. Any other undo may be repeated under that key.
    """

    def __init__(
        self, state: State, ledger: Ledger, once: Once, repeatable: Repeatable, same: SameCalls
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._once = once
        self._repeatable = repeatable
        self._same = same

    async def carry_out(
        self, agent: LiveAgent, request: ActInput, heartbeat: Callable[[str], None]
    ) -> ActResult:
        """Undo the call at the request's number, unless it is undone already."""
        key = await self._key(request)
        now = await self._ledger.standing(key)
        if now is None or now.row.status not in ("settled", "undoing"):
            return _already(None if now is None else now.row)
        work = await self._work(agent, request, heartbeat)
        if isinstance(work, ResultEntry):
            return await self._close(key, ActResult(status="failed", preview=preview(work.text)))
        await self._ledger.mark(key, "undoing")
        once = work.spec.effect == "once"
        result = await (self._once if once else self._repeatable).carry_out(work)
        if result.unknown:
            told = f"it is unknown whether {work.spec.name} happened: {result.preview}"
            result = ActResult(status="failed", preview=preview(told))
        return result if result.wait else await self._close(key, result)

    async def _work(
        self, agent: LiveAgent, request: ActInput, heartbeat: Callable[[str], None]
    ) -> CallRequest | ResultEntry:
        """The undo as a call, with the arguments of the original that it accepts."""
        asked = await asked_for(self._state, request)
        made = request.arguments or asked.arguments
        original = prepare(agent, request, call_of(request, asked.name, made, ""), heartbeat)
        if isinstance(original, ResultEntry):
            return original
        name = original.spec.undo
        key = names.undo_key(await self._key(request))
        call = call_of(request, name, made, key)
        spec, binding = agent.tools.get(name), agent.binding(name)
        if spec is None or binding is None:
            return run_tool.failed(call, ToolFailed(agent.no_tool(name)))
        known = {_RESULT: await self._result(request), **original.arguments}
        given = {wanted: known[wanted] for wanted in spec.parameters["properties"] if wanted in known}
        return CallRequest(request, call, spec, binding, given, heartbeat, in_log=False)

    async def _key(self, request: ActInput) -> str:
        """The key of the call to undo; after a reset it may be that of the same call before the reset."""
        key = names.call_key(request.session, request.seq)
        return (await self._same.known(request.model_copy(update={"key": key}))).key

    async def _result(self, request: ActInput) -> str:
        found = await self._state.log.read(request.session, request.seq, request.seq + 1)
        return found[0].text if found else ""

    async def _close(self, key: str, result: ActResult) -> ActResult:
        status: EffectStatus = "undone" if result.status == "ok" else "undo_failed"
        await self._ledger.mark(key, status, result=result.preview)
        return result


def _already(row: EffectView | None) -> ActResult:
    """The result for a call that cannot be undone, or is undone already."""
    if row is None:
        return ActResult(status="failed", preview="the ledger has no such call")
    if row.status == "undone":
        return ActResult(preview=row.result)
    return ActResult(status="failed", preview=f"{row.status}: {row.result}")
