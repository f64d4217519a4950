"""Handlers that control a session. They answer at once and take effect after the current step."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.budget import RaiseBudget
from holdfast_workflows.contracts.control.access import Owner
from holdfast_workflows.contracts.control.assertions import SignedStart, digest_of
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.control.inbox import Answer, GiveBack, Handover
from holdfast_workflows.contracts.control.verification import VerifyInput
from holdfast_workflows.contracts.limits import SHOWN_CHARS
from holdfast_workflows.contracts.operations.debugging import SetDebug
from holdfast_workflows.contracts.session.session import Accepted, SessionView, TurnView
from holdfast_workflows.contracts.text.unicode import preview
from holdfast_workflows.contracts.tools.tickets import Settlement

from ..inputs import UnknownNames
from . import validators
from .inbox import answers, handover, tickets
from .principal import actor, principal, signed_signal
from .state import activity_calls, agent_change, budget_limits, debug_mode
from .state.reporting import current_details, search_attributes
from .state.reporting.actions import Counting
from .state.state import SessionState
from .turn.turn import TurnRunner


class ControlHandlers(UnknownNames, Counting):
    """The part of ``AgentWorkflow`` that clients control it by."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._runner: TurnRunner | None = None

    @property
    def principal(self) -> Principal | None:
        """Who started the session; None without an identity provider."""
        return self._state.principal

    @property
    def owner(self) -> Owner | None:
        """The session's owner; None before its start has been verified."""
        return self._state.owner

    @property
    def unverified(self) -> tuple[SignedStart, Owner] | None:
        """The start, with the owner that it claims, until it has been verified."""
        state = self._state
        return (state.signed, (state.start.tenant, state.start.user)) if state.signed else None

    async def _sender(self, signal: str, *args: object) -> str:
        """Verify the sender of the running signal and return its id; empty without an identity provider.

        A signal has no validator, so an activity verifies it, and the answer is recorded.
        """
        state = self._state
        if state.signed is None and state.principal is None:
            return ""
        await workflow.wait_condition(lambda: state.spec is not None or state.ended is not None)
        if state.principal is None:
            return ""
        info = workflow.info()
        request = VerifyInput(
            signed=signed_signal(),
            name=signal,
            digest=digest_of(args),
            session=info.workflow_id,
            owner=(state.start.tenant, state.start.user),
            at=workflow.time(),
        )
        try:
            return await activity_calls.verify(request, state.start.heartbeat_timeout)
        except errors.HoldfastError as error:
            raise errors.to_failure(error) from error

    @workflow.update(description="Add a message to the running turn; read at its next step.")
    def steer(self, text: str) -> Accepted:
        """Add a message that the model reads at the next step."""
        assert self._state.running is not None
        self._state.steer(text, actor())
        self._state.emit("steered", preview(text))
        if self._runner:
            self._runner.flight.yield_step_loop()
        return Accepted(text=preview(text, SHOWN_CHARS), turn=self._state.running.turn)

    @steer.validator
    def _validate_steer(self, text: str) -> None:
        validators.steering(self._state, text)

    @workflow.update(description="Start nothing new after the current step.")
    def pause(self) -> SessionView:
        """Pause the session after the current step; running calls continue."""
        if self._runner:
            self._runner.flight.yield_step_loop()
        return self._set_paused(True)

    @pause.validator
    def _validate_pause(self) -> None:
        validators.pausing(self._state, paused=True)

    @workflow.update(description="Continue after a pause.")
    def resume(self) -> SessionView:
        """Resume the session."""
        return self._set_paused(False)

    @resume.validator
    def _validate_resume(self) -> None:
        validators.pausing(self._state, paused=False)

    @workflow.update(description="Cancel the running turn and its tools, and wait for them.")
    def cancel_turn(self, reason: str = "") -> TurnView:
        """Cancel the running turn; ``wait_turn`` returns when its last tool has ended."""
        assert self._state.running is not None
        view = self._state.find_turn(self._state.running.turn)
        assert view is not None
        self._state.audit("operator", "cancelled", reason=reason, details={"turn": str(view.turn)})
        self._cancel_turn(preview(reason) or "by request")
        return view

    @cancel_turn.validator
    def _validate_cancel(self, reason: str = "") -> None:
        validators.cancelling(self._state)

    @workflow.update(description="End the session after its queued turns.")
    def close(self, idle_after: int | None = None) -> SessionView:
        """Refuse further messages and end the session after its queued turns.

        With ``idle_after``, only if it is idle and that was its last turn.
        """
        self._state.closing = True
        self._state.audit("operator", "closed", reason="" if idle_after is None else "idle")
        return self.view()

    @close.validator
    def _validate_close(self, idle_after: int | None = None) -> None:
        validators.closing(self._state, idle_after)

    @workflow.update(
        description="Raise the limits of the session's budget; a turn that waits for it continues."
    )
    def raise_budget(self, by: RaiseBudget) -> SessionView:
        """Raise limits that are set."""
        budget_limits.apply(self._state, by)
        return self._show()

    @raise_budget.validator
    def _validate_raise(self, by: RaiseBudget) -> None:
        validators.raising(self._state, by)

    @workflow.update(description="Answer an item of the inbox; what waits for it continues.")
    async def answer(self, answer: Answer) -> SessionView:
        """Answer something that waits for a person."""
        await answers.apply(self._state, answer, principal())
        return self._show()

    @answer.validator
    def _validate_answer(self, answer: Answer) -> None:
        answers.check(self._state, answer, principal())

    @workflow.update(description="Give the result of a ticket; its call is settled with it.")
    def settle(self, given: Settlement) -> SessionView:
        """Settle a ticket once."""
        tickets.apply(self._state, given, principal())
        return self._show()

    @settle.validator
    def _validate_settle(self, given: Settlement) -> None:
        tickets.check(self._state, given, principal())

    @workflow.update(description="Give the session to a person, who replies instead of the agent.")
    def hand_over(self, given: Handover) -> SessionView:
        """Hand the session over from its next step on; running calls continue."""
        given = given.model_copy(update={"by": actor() or given.by})
        handover.begin(self._state, given)
        handover.record(self._state, given)
        if self._runner:
            self._runner.flight.yield_step_loop()
        return self._show()

    @hand_over.validator
    def _validate_hand_over(self, given: Handover) -> None:
        handover.check(self._state, given)

    @workflow.update(description="Give a session that was handed over back to its agent.")
    def give_back(self, given: GiveBack) -> SessionView:
        """Let the agent continue; it reads the note."""
        # A validator does not know the principal of its update.
        handover.check_person(self._state, principal())
        by = actor() or given.by
        handover.end(self._state, given.note, by)
        self._state.audit("operator", "given_back", details={"by": by} if by else {}, now=True)
        return self._show()

    @give_back.validator
    def _validate_give_back(self, given: GiveBack) -> None:
        handover.check_back(self._state, given.note)

    @workflow.update(description="The former name of answer, which recorded histories have.")
    async def resolve(self, answer: Answer) -> SessionView:
        """Answer like ``answer``."""
        await answers.apply(self._state, answer, principal())
        return self._show()

    @resolve.validator
    def _validate_resolve(self, answer: Answer) -> None:
        answers.check(self._state, answer, principal())

    @workflow.update(description="Use the newest spec of the agent, from the next turn on.")
    async def repin(self) -> SessionView:
        """Load the agent's newest tools, models and instructions for the next turns."""
        state, agent = self._state, self._state.agent
        try:
            spec = await agent_change.load(state, agent)
        except errors.HoldfastError as error:
            raise errors.to_failure(error) from error
        if state.agent != agent:
            raise errors.to_failure(errors.NothingToDo(f"the session was handed off by {agent!r}"))
        state.audit("operator", "repinned", details={"spec": spec.digest}, now=True)
        state.next_spec = spec
        state.take_next_spec()
        return self.view()

    @repin.validator
    def _validate_repin(self) -> None:
        validators.repinning(self._state)

    @workflow.update(description="Record and log more for a while, for people who look for a fault.")
    def debug(self, given: SetDebug) -> SessionView:
        """Turn debug mode on or off, from the next activity on."""
        debug_mode.apply(self._state, given)
        return self.view()

    @debug.validator
    def _validate_debug(self, given: SetDebug) -> None:
        validators.debugging(self._state, given)

    @workflow.signal(description="A client follows the session for so many seconds.")
    async def watch(self, seconds: float = 60.0) -> None:
        """Send partial text often for a while."""
        try:
            await self._sender("watch", seconds)
        except ApplicationError as error:
            workflow.logger.warning("a signal to watch was dropped: %s", error.type)
            return
        self._state.watch(min(seconds, 300.0))

    @workflow.signal(description="A place of an agent may be free; a session that waits for one asks again.")
    def place_free(self) -> None:
        """Wake a session that waits for an agent. Any sender may: the session asks for a place, it gets none here."""
        self._state.place_free = True

    @workflow.query(description="The session's status, with its events since the given one.")
    def view(self, since: int = 0) -> SessionView:
        """Return the session's status and events."""
        return self._state.view(workflow.info().workflow_id, since)

    def _set_paused(self, paused: bool) -> SessionView:
        self._state.paused = paused
        self._state.audit("operator", "paused" if paused else "resumed", now=True)
        self._state.emit("paused" if paused else "resumed", at=(self._state.turns, 0))
        search_attributes.status(self._state)
        return self._show()

    def _show(self) -> SessionView:
        """Update the current details and return the session's view."""
        workflow.set_current_details(current_details.render(self._state))
        return self.view()

    def _cancel_turn(self, reason: str) -> None:
        self._state.cancel_turn(reason)
        if self._runner:
            self._runner.flight.stop()
