"""Steps of a session that is handed over: a person replies instead of a model."""

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.control.inbox import Answer, InboxItem
from holdfast_workflows.contracts.session.steps import ThinkResult

from ..inbox import handover, waits
from ..state import continue_as_new
from ..state.state import SessionState
from .model_step import ModelStep

_NO_STEPS = ThinkResult(steps=())


class PersonStep:
    """Waits for the person's reply and has it written to the log like a model's."""

    def __init__(self, state: SessionState, model_step: ModelStep) -> None:
        self._state = state
        self._model_step = model_step

    async def reply(self) -> ThinkResult:
        """Return the person's reply as a step; no steps if the session was given back, or must continue as new.

        Raises:
            HandoverUnanswered: The person gave up, or did not answer in time.
        """
        state = self._state
        item = self._item()
        answer = await waits.ask(
            state,
            item,
            done=lambda: state.handover is None,
            interrupted=lambda: continue_as_new.due(state),
        )
        match answer.action if answer else None:
            case "confirm":
                assert answer is not None
                return await self._written(answer)
            case "give_back":
                assert answer is not None
                handover.end(state, answer.text, answer.by)
            case "give_up":
                assert answer is not None
                raise errors.HandoverUnanswered(answer.text)
            case _:
                pass  # cancelled, given back by an operator, or continued as new, where the next run asks again
        return _NO_STEPS

    async def _written(self, answer: Answer) -> ThinkResult:
        result = await self._model_step.think(answer=answer.text)
        if result.wait is not None:
            self._state.inbox.give(answer)  # used again after the wait
        return result

    def _item(self) -> InboxItem:
        given = self._state.handover
        assert given is not None
        last = self._model_step.last
        problem = (
            f"; the reply before did not fit: {last.output_problem}" if last and last.output_problem else ""
        )
        return InboxItem(
            id=f"handover-{self._state.turn.turn}",
            kind="handover",
            what=f"reply to: {self._state.turn.request}{problem}",
            reason=given.reason,
            owners=given.to,
            summary=handover.summary(self._state),
        )
