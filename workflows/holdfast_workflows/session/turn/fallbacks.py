"""Last resorts: what a turn does, in the agent's own order, when no provider answers."""

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.effects import PendingDecision
from holdfast_workflows.contracts.fallbacks import AskHuman, ErrorReply
from holdfast_workflows.contracts.problems import error_of, problem_of
from holdfast_workflows.contracts.spec import PinnedSpec
from holdfast_workflows.contracts.steps import ThinkResult

from ..state import continue_as_new
from ..state import waiting as asking
from ..state.state import SessionState
from .model_step import ModelStep

_TURNS_OWN = frozenset({"context_length", "content_filter", "refusal"})
"""Kinds of error that lie with what was said, not with who was asked."""


_WHOLE = frozenset({"stop", "tool_calls"})


def helps(error: errors.HoldfastError) -> bool:
    """Whether an error is one that last resorts are for: one that lies with the provider, which is
    where another one might have helped.
    """
    return error.fallback and error.kind not in _TURNS_OWN


def away(result: ThinkResult) -> bool:
    """Whether the state database does not answer, for which no resort stands in."""
    return result.wait is not None and result.wait.kind == "state"


class Fallbacks:
    """Tries the last resorts of an agent, one after the other; a roll-over goes on where it was."""

    def __init__(self, state: SessionState, spec: PinnedSpec, thinking: ModelStep) -> None:
        self._state = state
        self._spec = spec
        self._thinking = thinking

    def begin(self, error: errors.HoldfastError) -> None:
        """The model cannot be asked: go on with the first resort.

        Raises:
            HoldfastError: The error itself, where no resort helps.
        """
        if not self._spec.fallbacks or not helps(error):
            raise error
        self._state.change(fallback=0, problem=problem_of(error))

    async def reply(self) -> ThinkResult:
        """A reply by the resort whose turn it is; no steps where the next one is to be tried, or the model.

        Raises:
            HoldfastError: The last resort did not help either: the error that they were tried for.
        """
        state, place = self._state, self._state.turn.fallback or 0
        if place >= len(self._spec.fallbacks):
            raise self._error()
        resort = self._spec.fallbacks[place]
        if isinstance(resort, ErrorReply):
            state.change(reply=resort.text)
            self._tell(resort.kind, "")
            raise self._error()
        if isinstance(resort, AskHuman):
            return await self._ask_human(place)
        return await self._written(resort.kind, place)

    async def _written(self, kind: str, place: int, answer: str = "") -> ThinkResult:
        """A reply that ``think`` writes by other means than asking the model as usual."""
        why = ""
        try:
            result = await self._thinking.think(resort=None if answer else place, answer=answer)
        except errors.HoldfastError as error:
            result, why = ThinkResult(steps=()), str(error)
        if result.steps:
            step = result.steps[-1]
            why = step.output_problem or ("" if step.finish in _WHOLE else step.finish)
            if not why:
                self._state.change(fallback=None, problem=None)
                self._tell(kind, step.text)
                return ThinkResult(steps=result.steps)
        if away(result):
            return result  # the turn waits for the database, then comes back here
        if not self._state.cancelled:
            self._tell(kind, f"did not help: {why or 'no reply'}")
            # A person whose answer does not fit may give another.
            self._state.change(fallback=place if answer else place + 1)
        return ThinkResult(steps=())

    async def _ask_human(self, place: int) -> ThinkResult:
        state = self._state
        found = state.turn.problem
        what = (
            f"no model answers ({found.message if found else 'unknown'}); answer for it: {state.turn.request}"
        )
        waiting = PendingDecision(id=f"ask_human-{state.turn.turn}", kind="ask_human", what=what)
        kept = state.decisions.pop(waiting.id, None)
        decided = kept or await asking.decision(state, waiting, lambda: continue_as_new.due(state))
        match decided.action if decided else None:
            case "confirm":
                assert decided is not None
                result = await self._written("ask_human", place, decided.text)
                if result.wait is not None:
                    state.decisions[waiting.id] = decided  # nobody is to say it twice
                return result
            case "retry":
                state.change(fallback=None, problem=None, waited_for_providers=0.0)
            case "give_up":
                self._tell("ask_human", "given up")
                state.change(fallback=place + 1)
            case None:
                pass  # cancelled, or over to a new run, which asks again
        return ThinkResult(steps=())

    def _error(self) -> errors.HoldfastError:
        found = self._state.turn.problem
        assert found is not None
        return error_of(found)

    def _tell(self, kind: str, text: str) -> None:
        self._state.emit("fallback", text, name=kind)
