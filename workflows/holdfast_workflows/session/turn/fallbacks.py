"""Fallbacks of a turn: what it does, in the agent's order, when no provider answers."""

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.fallbacks import AskHuman, ErrorReply, OtherAgent
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.problems import Problem, error_of, problem_of
from holdfast_workflows.contracts.session.steps import ThinkResult

from ..inbox import waits
from ..state import agent_change, continue_as_new
from ..state.state import SessionState
from .model_step import ModelStep

_REQUEST_KINDS = frozenset({"context_length", "content_filter", "refusal"})
"""Kinds of error that are caused by the request, not by the provider."""

_COMPLETE = frozenset({"stop", "tool_calls"})


def applies(error: errors.HoldfastError) -> bool:
    """Whether fallbacks are meant for an error: the provider caused it, so another one might have answered."""
    return error.fallback and error.kind not in _REQUEST_KINDS


class Fallbacks:
    """Tries an agent's fallbacks one after the other; a continue-as-new keeps the position."""

    def __init__(self, state: SessionState, spec: PinnedSpec, model_step: ModelStep) -> None:
        self._state = state
        self._spec = spec
        self._model_step = model_step

    def begin(self, error: errors.HoldfastError) -> None:
        """Start with the first fallback.

        Raises:
            HoldfastError: The given error, if fallbacks do not apply to it.
        """
        if not (self._spec.fallbacks or self.next_agent) or not applies(error):
            raise error
        self._state.change(fallback=0, problem=problem_of(error))

    async def reply(self) -> ThinkResult:
        """Try the current fallback; no steps if the next one, or the model, is to be tried.

        Raises:
            HoldfastError: No fallback is left: the error that they were tried for.
        """
        state, place = self._state, self._state.turn.fallback or 0
        if agent := self.next_agent:
            return await self._go_on_with(agent)
        if place >= len(self._spec.fallbacks):
            raise error_of(self._problem)
        fallback = self._spec.fallbacks[place]
        if isinstance(fallback, ErrorReply):
            state.change(reply=fallback.text)
            self._emit(fallback.kind, "")
            raise error_of(self._problem)
        if isinstance(fallback, OtherAgent):
            state.change(fallback=place + 1)
            if self._may_try(fallback.agent):
                await self._go_on_with(fallback.agent)
            return ThinkResult(steps=())
        if isinstance(fallback, AskHuman):
            return await self._ask_human(place)
        return await self._written(fallback.kind, place)

    @property
    def next_agent(self) -> str:
        """The next agent of the session's route that has not failed in this turn; empty if none is left."""
        return next(filter(self._may_try, self._state.others), "")

    def _may_try(self, agent: str) -> bool:
        return agent != self._spec.agent and agent not in self._state.turn.agents_failed

    async def _go_on_with(self, agent: str) -> ThinkResult:
        """Change the session's agent. If the other one cannot be loaded, it counts as tried."""
        state, before = self._state, self._spec.agent
        try:
            spec = await agent_change.load(state, agent, failed=True)
        except errors.HoldfastError as error:
            state.change(agents_failed=(*state.turn.agents_failed, agent))
            self._emit("other_agent", f"{agent} did not help: {error}")
            return ThinkResult(steps=())
        reason = f"{before}: {self._problem.message}"
        state.change(agents_failed=(*state.turn.agents_failed, before))
        self._emit("other_agent", agent)
        agent_change.change_agent(state, spec, reason, "fallback")
        return ThinkResult(steps=())

    async def _written(self, kind: str, place: int, answer: str = "") -> ThinkResult:
        """Have ``think`` write a reply without a normal model call."""
        why = ""
        try:
            result = await self._model_step.think(fallback=None if answer else place, answer=answer)
        except errors.HoldfastError as error:
            result, why = ThinkResult(steps=()), str(error)
        if result.steps:
            step = result.steps[-1]
            why = step.output_problem or ("" if step.finish in _COMPLETE else step.finish)
            if not why:
                self._state.change(fallback=None, problem=None)
                self._emit(kind, step.text)
                return ThinkResult(steps=result.steps)
        if result.wait is not None and result.wait.kind == "state":
            return result  # the turn waits for the state database and then repeats this
        if not self._state.cancelled:
            self._emit(kind, f"did not help: {why or 'no reply'}")
            # A person may correct an answer that does not fit.
            self._state.change(fallback=place if answer else place + 1)
        return ThinkResult(steps=())

    async def _ask_human(self, place: int) -> ThinkResult:
        state = self._state
        what = f"no model answers ({self._problem.message}); answer for it: {state.turn.request}"
        item = InboxItem(id=f"ask_human-{state.turn.turn}", kind="ask_human", what=what)
        earlier = state.inbox.take(item.id)
        answer = earlier or await waits.ask(state, item, interrupted=lambda: continue_as_new.due(state))
        match answer.action if answer else None:
            case "confirm":
                assert answer is not None
                result = await self._written("ask_human", place, answer.text)
                if result.wait is not None:
                    state.inbox.give(answer)  # used again after the wait
                return result
            case "retry":
                state.change(fallback=None, problem=None, waited_for_providers=0.0)
            case "give_up":
                self._emit("ask_human", "given up")
                state.change(fallback=place + 1)
            case _:
                pass  # cancelled, or continued as new, where the next run asks again
        return ThinkResult(steps=())

    @property
    def _problem(self) -> Problem:
        problem = self._state.turn.problem
        assert problem is not None
        return problem

    def _emit(self, kind: str, text: str) -> None:
        self._state.emit("fallback", text, name=kind)
