"""Control of a session by people: each request is validated, answered, and takes hold at the next boundary."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.budget import RaiseBudget
from holdfast_workflows.contracts.effects import Decision
from holdfast_workflows.contracts.session import Accepted, SessionView, TurnView
from holdfast_workflows.contracts.steps import LoadInput
from holdfast_workflows.contracts.text import preview

from ..inputs import UnknownNames
from . import validators
from .state import activity_calls, budget_limits, current_details, search_attributes
from .state.state import SessionState
from .turn.turn import TurnRunner


class Control(UnknownNames):
    """The part of the session's workflow that people steer it by."""

    def __init__(self, state: SessionState) -> None:
        """Made by the workflow, which is the other part."""
        self._state = state
        self._runner: TurnRunner | None = None

    @workflow.update(description="Say something to the running turn; taken at its next step.")
    def steer(self, text: str) -> Accepted:
        """Add to what the model reads at the next step."""
        assert self._state.running is not None
        self._state.steering.append(text)
        self._state.emit("steered", preview(text))
        if self._runner:
            self._runner.flight.yield_step_loop()
        return Accepted(turn=self._state.running.turn)

    @steer.validator
    def _validate_steer(self, text: str) -> None:
        validators.steering(self._state, text)

    @workflow.update(description="Start nothing new after the current step.")
    def pause(self) -> SessionView:
        """Hold the session at the next boundary; calls that run are left to end."""
        self._state.paused = True
        self._state.emit("paused", at=(self._state.turns, 0))
        search_attributes.at_control(self._state)
        if self._runner:
            self._runner.flight.yield_step_loop()
        workflow.set_current_details(current_details.render(self._state))
        return self.view()

    @pause.validator
    def _validate_pause(self) -> None:
        validators.pausing(self._state, paused=True)

    @workflow.update(description="Go on after a pause.")
    def resume(self) -> SessionView:
        """Let the session go on."""
        self._state.paused = False
        self._state.emit("resumed", at=(self._state.turns, 0))
        search_attributes.at_control(self._state)
        workflow.set_current_details(current_details.render(self._state))
        return self.view()

    @resume.validator
    def _validate_resume(self) -> None:
        validators.pausing(self._state, paused=False)

    @workflow.update(description="Cancel the running turn; its tools are told and waited for.")
    def cancel_turn(self, reason: str = "") -> TurnView:
        """Stop the running turn; ``wait_turn`` tells when the last tool has ended."""
        assert self._state.running is not None
        view = self._state.find_turn(self._state.running.turn)
        assert view is not None
        self._cancel_turn(preview(reason) or "by request")
        return view

    @cancel_turn.validator
    def _validate_cancel(self, reason: str = "") -> None:
        validators.cancelling(self._state)

    @workflow.update(description="End the session when the turns that wait are done.")
    def close(self) -> SessionView:
        """Take no more messages; the session ends after the turns it has."""
        self._state.closing = True
        return self.view()

    @close.validator
    def _validate_close(self) -> None:
        validators.closing(self._state)

    @workflow.update(
        description="Raise the limits of the session's budget; a turn that waits for it goes on."
    )
    def raise_budget(self, by: RaiseBudget) -> SessionView:
        """Add to limits that are set."""
        budget_limits.apply(self._state, by)
        workflow.set_current_details(current_details.render(self._state))
        return self.view()

    @raise_budget.validator
    def _validate_raise(self, by: RaiseBudget) -> None:
        validators.raising(self._state, by)

    @workflow.update(description="Say what is to be done about something that waits for a person.")
    def resolve(self, decision: Decision) -> SessionView:
        """Take a person's decision; whatever waits for it goes on."""
        self._state.resolve(decision)
        workflow.set_current_details(current_details.render(self._state))
        return self.view()

    @resolve.validator
    def _validate_decide(self, decision: Decision) -> None:
        validators.deciding(self._state, decision)

    @workflow.update(description="Take the newest spec of the agent, from the next turn on.")
    async def repin(self) -> SessionView:
        """Have the session's next turns see the tools, models and instructions of the newest deploy."""
        state = self._state
        assert state.spec is not None
        load = LoadInput(
            session=workflow.info().workflow_id,
            agent=state.start.agent,
            tenant=state.start.tenant,
            user=state.start.user,
            again=True,
            output_of=state.spec.digest if state.own_output else "",
        )
        try:
            loaded = await activity_calls.load_agent(load, state.start.heartbeat_timeout)
        except ActivityError as error:
            raise errors.to_failure(activity_calls.typed(error, errors.HoldfastError)) from error
        state.next_spec = loaded.spec
        state.take_next_spec()
        return self.view()

    @repin.validator
    def _validate_repin(self) -> None:
        validators.repinning(self._state)

    @workflow.signal(description="Somebody reads along for so many seconds.")
    def watch(self, seconds: float = 60.0) -> None:
        """Have partial text sent often for a while."""
        self._state.watch(min(seconds, 300.0))

    @workflow.query(description="The session at a glance, with its events since the one named.")
    def view(self, since: int = 0) -> SessionView:
        """The session at a glance."""
        return self._state.view(workflow.info().workflow_id, since)

    def _cancel_turn(self, reason: str) -> None:
        self._state.cancel_turn(reason)
        if self._runner:
            self._runner.flight.stop()
