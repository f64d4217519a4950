"""The decision on each call of a step: allowed, denied, or a person is asked."""

from temporalio import workflow

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.permissions import needs, values
from holdfast_workflows.contracts.permissions.evaluate import evaluate
from holdfast_workflows.contracts.permissions.rules import Call, Verdict
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.steps import ActInput, CallView

from ..inbox import waits
from ..state import waiting
from ..state.state import SessionState
from . import past


class Denied(Exception):
    """The call must not run; the text is its result, which the model reads."""


class PermissionGate:
    """Decides the calls of a session by the rules of its pinned spec."""

    def __init__(self, state: SessionState, spec: PinnedSpec) -> None:
        self._state = state
        self._spec = spec

    def judge(self, call: CallView, used_up: frozenset[str] = frozenset()) -> Verdict:
        """Decide a call. It counts for the next one if it is allowed."""
        tool = self._spec.tools.get(call.name)
        judged = Call(
            tool=call.name,
            known=tool is not None and not tool.hidden,
            effect=tool is not None and tool.effect != "none",
            own=call.name in names.OWN_TOOLS,
            values=call.values,
            named=call.named,
        )
        verdict = evaluate(self._spec.levels, judged, past.past(self._state, used_up))
        if verdict.rule:
            self._record(call, verdict, effect=judged.effect)
            self._state.emit(
                "permission",
                _because(verdict),
                seq=call.seq,
                name=call.name,
                call_id=call.id,
                status=verdict.action,
            )
        if verdict.action == "allow" and not used_up:
            past.permitted(self._state, call.name, verdict.counted)
        return verdict

    def _record(self, call: CallView, verdict: Verdict, *, effect: bool) -> None:
        """Record a decision of a rule in the audit log, unless it allows a call without an effect."""
        if verdict.action == "allow" and not effect:
            return
        key = names.call_key(workflow.info().workflow_id, call.seq)
        details = {"tool": call.name, "arguments": values.digest(call.values)}
        self._state.audit(
            "permission", verdict.action, subject=key, reason=verdict.rule, details=details, by=""
        )

    async def admit(self, call: CallView, verdict: Verdict, request: ActInput) -> ActInput:
        """Return the request of a call that may run, after a person's approval if one is needed.

        Raises:
            Denied: It may not run.
        """
        permitted = verdict.rule
        if verdict.action == "deny":
            raise Denied(_refusal(verdict))
        if verdict.action == "ask":
            permitted = await self._ask(call, verdict)
            past.permitted(self._state, call.name, verdict.counted)
        judged = needs.arguments(self._spec.levels, (call.name,)).get(call.name, ())
        return request.model_copy(
            update={
                "permitted": permitted,
                "quotas": verdict.quotas,
                "judged": judged,
                "judged_digest": values.digest(call.values) if judged else "",
            }
        )

    async def _ask(self, call: CallView, verdict: Verdict) -> str:
        """Wait for a person's approval and return who gave it."""
        item = InboxItem(
            id=f"approval-{call.seq}",
            kind="approval",
            what=f"may {descriptions.call(call.name, descriptions.given(call))} run?",
            tool=call.name,
            call=names.call_key(workflow.info().workflow_id, call.seq),
            arguments=descriptions.given(call),
            reason=_because(verdict),
        )
        answer = await waits.ask(self._state, item)
        await waiting.resumed_off_clock(self._state)
        if answer is None:
            raise Denied("not run: the turn was cancelled before a person approved it")
        if answer.action != "approve":
            why = f": {answer.text}" if answer.text else ""
            raise Denied(f"a person did not approve the call{why} (asked by the rule '{verdict.rule}')")
        return f"approved by {answer.by or 'a person'} ({verdict.rule})"


def _because(verdict: Verdict) -> str:
    return verdict.rule + (f": {verdict.reason}" if verdict.reason else "")


def _refusal(verdict: Verdict) -> str:
    why = f": {verdict.reason}" if verdict.reason else ""
    return f"denied by the rule '{verdict.rule}'{why}. Do not try to get around it; go on without the call."
