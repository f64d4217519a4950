"""The decision on each call of a step: allowed, denied, or a person is asked."""

from temporalio import workflow

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.permissions import needs, values
from holdfast_workflows.contracts.permissions.evaluate import evaluate
from holdfast_workflows.contracts.permissions.rules import Call, Verdict
from holdfast_workflows.contracts.session.steps import ActInput, CallView

from ..state.state import SessionState
from . import past

_BY_TOOL = "its tool asks for approval"


class Denied(Exception):
    """The call must not run; the text is its result, which the model reads."""


class PermissionGate:
    """Decides the calls of a session by the rules of its pinned spec."""

    def __init__(self, state: SessionState, spec: PinnedSpec) -> None:
        self._state = state
        self._spec = spec
        self._counted: dict[int, set[str]] = {}
        """What each call has counted for, by its number."""

    def judge(self, call: CallView, used_up: frozenset[str] = frozenset()) -> Verdict:
        """Decide a call. It counts for the next one if it is allowed."""
        verdict = self._evaluate(call, used_up)
        self._report(call, verdict)
        if verdict.action == "allow" and not used_up and not self._tool_asks(call):
            self._count(call, verdict)
        return verdict

    def judge_approved(self, call: CallView, used_up: frozenset[str]) -> Verdict:
        """Decide a call again that people have approved: other calls may have run since, or it was edited."""
        verdict = self._evaluate(call, used_up)
        if verdict.action == "deny":
            self._report(call, verdict)
        return verdict

    def _evaluate(self, call: CallView, used_up: frozenset[str]) -> Verdict:
        tool = self._spec.tools.get(call.name)
        judged = Call(
            tool=call.name,
            known=tool is not None and not tool.hidden,
            effect=tool is not None and tool.effect != "none",
            own=call.name in names.OWN_TOOLS,
            values=call.values,
            named=call.named,
        )
        return evaluate(self._spec.levels, judged, past.past(self._state, used_up))

    def _report(self, call: CallView, verdict: Verdict) -> None:
        """Emit the decision of a rule, and record it."""
        if verdict.rule:
            self._record(call, verdict)
            self._state.emit(
                "permission",
                _because(verdict),
                seq=call.seq,
                name=call.name,
                call_id=call.id,
                status=verdict.action,
            )

    def _record(self, call: CallView, verdict: Verdict) -> None:
        """Record a decision of a rule in the audit log, unless it allows a call without an effect."""
        if verdict.action == "allow" and self._spec.tools.get(call.name, ToolPolicy()).effect == "none":
            return
        key = names.call_key(workflow.info().workflow_id, call.seq)
        details = {"tool": call.name, "arguments": values.digest(call.values)}
        self._state.audit(
            "permission", verdict.action, subject=key, reason=verdict.rule, details=details, by=""
        )

    def asks(self, call: CallView, verdict: Verdict | None) -> str:
        """Return why a person has to approve a call; empty if none has to."""
        if verdict is not None and verdict.action == "ask":
            return _because(verdict)
        denied = verdict is not None and verdict.action == "deny"
        return _BY_TOOL if self._tool_asks(call) and not denied else ""

    def admit(self, call: CallView, verdict: Verdict | None, request: ActInput) -> ActInput:
        """Return the request of a call that may run, since it is allowed or people have approved it.

        Raises:
            Denied: It may not run.
        """
        if verdict is None:
            return request
        if verdict.action == "deny":
            raise Denied(_refusal(verdict))
        self._count(call, verdict)
        judged = self.looks_at(call.name)
        return request.model_copy(
            update={
                "permitted": f"approved ({verdict.rule})" if verdict.action == "ask" else verdict.rule,
                "quotas": verdict.quotas,
                "judged": judged,
                "judged_digest": values.digest(call.values) if judged else "",
            }
        )

    def looks_at(self, tool: str) -> tuple[str, ...]:
        """Return the arguments of a tool that rules look at."""
        return needs.arguments(self._spec.levels, (tool,)).get(tool, ())

    def _tool_asks(self, call: CallView) -> bool:
        return self._spec.tools.get(call.name, ToolPolicy()).approval == "ask"

    def _count(self, call: CallView, verdict: Verdict) -> None:
        """Count a call that may run, once for each rule that counts it."""
        counted = self._counted.setdefault(call.seq, set())
        new = [key for key in (call.name, *verdict.counted) if key not in counted]
        counted.update(new)
        past.permitted(self._state, new)


def _because(verdict: Verdict) -> str:
    return verdict.rule + (f": {verdict.reason}" if verdict.reason else "")


def _refusal(verdict: Verdict) -> str:
    why = f": {verdict.reason}" if verdict.reason else ""
    return f"denied by the rule '{verdict.rule}'{why}. Do not try to get around it; go on without the call."
