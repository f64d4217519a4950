"""The methods of a session by which a step is taken again, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from holdfast_client.reply import Output
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.evaluation.cases import Case
from holdfast_workflows.contracts.evaluation.forks import Reads
from holdfast_workflows.contracts.evaluation.outcomes import Comparison
from holdfast_workflows.contracts.public import public

from . import cases, forks

if TYPE_CHECKING:
    from holdfast_client.session import Session


@public
class ForkOptions(TypedDict, total=False):
    """Options of ``Session.fork``.

    Attributes:
        turn: The turn; by default the last one that has such a step.
        model: The model to use instead of the agent's.
        instructions: The instructions to use instead of the agent's.
        current: Whether to take the agent as the workers' code has it now.
        reads: ``live`` makes calls without effects that the session has not made, ``recorded`` makes none.
        id: The fork's id; by default random, after the session's.
    """

    turn: int | None
    model: str
    instructions: str | None
    current: bool
    reads: Reads
    id: str | None


class ForkMethods:
    """Forks of a session."""

    _requests: Requests
    _id: str
    _output: Output[Any]

    async def fork(self, at: int = 1, **options: Unpack[ForkOptions]) -> Session[Any]:
        """Start a session that takes a step of this one again, without effects, and goes on to the turn's end.

        Calls that this session has made get their recorded results. Other calls with an effect are not made.

        Args:
            at: The step, from 1 on; a turn that has failed may also take its next one.
            options: See ``ForkOptions``.

        Raises:
            NothingToDo: The session has no such step.
            ModelRejected: The model's provider is unknown, or its key is missing.
        """
        from holdfast_client.session import Session  # it inherits these methods

        id, turn = await forks.start(self._requests, self._id, at, **options)
        return Session(self._requests, id, turn, output=self._output)

    async def case(
        self, at: int = 1, *, turn: int | None = None, name: str = "", judge: str | None = None
    ) -> Case:
        """Return a step of this session as a case for evaluations, with recorded results, redacted.

        It expects that the turn ends, and the calls with an effect that this session has made. Write it to a file by
        ``case.model_dump_json(indent=1)``.

        Args:
            at: The step, from 1 on.
            turn: The turn; by default the last one that has such a step.
            name: The case's name; by default after the session and the turn.
            judge: A question for a model that judges the reply; empty for the default one, None for no judge.

        Raises:
            NothingToDo: The session has no such step.
        """
        return await cases.case(self._requests, self._id, at, turn=turn, name=name, judge=judge)

    async def comparison(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 # the error says what the turn waits for
    ) -> Comparison:
        """Wait for the end of this fork's turn, and return its outcome with that of the original.

        Raises:
            BadInput: The session is not a fork.
            TurnNotEnded: The turn is still running after ``timeout`` seconds.
        """
        return await forks.compare(self._requests, self._id, timeout)
