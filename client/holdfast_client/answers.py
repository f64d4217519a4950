"""The methods of a session by which people answer what waits for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.waiting import NO_EVENTS
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.inbox import Answer, GiveBack, Handover
from holdfast_workflows.contracts.errors import BadInput, NothingToDo, SessionClosed, SessionNotFound
from holdfast_workflows.contracts.operations.effects import DecideEffect, EffectView
from holdfast_workflows.contracts.session.session import SessionView


class AnswerMethods:
    """Answers to items of a session's inbox."""

    _requests: Requests
    _id: str

    async def answer(
        self,
        id: str,
        action: Literal["confirm", "retry", "give_up", "give_back"],
        *,
        text: str = "",
        by: str = "",
    ) -> SessionView | None:
        """Answer something that waits for a person; ``view().inbox`` lists it.

        A call with an unknown outcome can also be confirmed or given up after its turn was cancelled or
        its session ended. This updates the effect ledger only: the model does not see it, and the
        tool's ``undo`` is not called.

        Args:
            id: The item's id, or the key of its call.
            action: ``confirm``: it happened, and ``text`` is its result or the answer to the user.
                ``retry``: run the call or ask the model again. ``give_up``: continue without it.
                ``give_back``: the agent replies again; ``text`` is a note that it reads.
            text: Required by ``confirm``.
            by: The person who answers; stored with the effect.

        Returns:
            The session's view; None if the server no longer has the session.

        Raises:
            NothingToDo: Nothing with that id waits or is unknown.
            NotPermitted: You are not among those who may answer.
            BadInput: ``confirm`` without a text.
        """
        if action == "confirm" and not text.strip():
            raise BadInput(
                "confirm needs a text (`--text`): the result of the call, or the answer to the user"
            )
        with bad_input():
            answer = Answer(id=id, action=action, text=text, by=by)
        try:
            return await self._answer(answer)
        except (NothingToDo, SessionClosed, SessionNotFound) as refused:
            if not id.startswith(("effect-", f"{self._id}-")):
                raise
            ended = not isinstance(refused, NothingToDo)
        request = DecideEffect(session=self._id, answer=answer, ended=ended)
        await self._requests.activity(names.DECIDE_EFFECT, request, EffectView, session=self._id)
        try:
            return await self._requests.query(self._id, "view", NO_EVENTS, SessionView)
        except SessionNotFound:
            return None

    async def approve(
        self,
        id: str,
        *,
        arguments: Mapping[str, Any] | None = None,
        digest: str = "",
        text: str = "",
        by: str = "",
    ) -> SessionView:
        """Allow a call that waits for approval.

        Args:
            id: The item's id, or the key of its call.
            arguments: The arguments to call the tool with, instead of the model's; the model is informed.
            digest: The item's ``digest``, so that only the arguments that the person has seen are approved.
            text: A note for the record.
            by: The person who approves.

        Raises:
            NothingToDo: Nothing with that id waits for approval.
            NotPermitted: You are not among those who may approve it.
            ToolArgumentsInvalid: The arguments do not fit the tool.
        """
        with bad_input():
            given = "" if arguments is None else json.dumps(dict(arguments), ensure_ascii=False)
            answer = Answer(id=id, action="approve", text=text, by=by, arguments=given, digest=digest)
        return await self._answer(answer)

    async def reject(self, id: str, reason: str = "", *, by: str = "") -> SessionView:
        """Refuse a call that waits for approval; the model reads the ``reason``.

        Raises:
            NothingToDo: Nothing with that id waits for approval.
            NotPermitted: You are not among those who may reject it.
        """
        with bad_input():
            answer = Answer(id=id, action="reject", text=reason, by=by)
        return await self._answer(answer)

    async def delegate(
        self, id: str, to: str | Sequence[str], *, text: str = "", by: str = ""
    ) -> SessionView:
        """Let others answer an item instead: ids of principals, or roles such as ``role:approver``.

        Raises:
            NothingToDo: Nothing with that id waits.
            NotPermitted: You are not among those who may answer it.
        """
        with bad_input():
            others = (to,) if isinstance(to, str) else tuple(to)
            answer = Answer(id=id, action="delegate", to=others, text=text, by=by)
        return await self._answer(answer)

    async def hand_over(self, reason: str = "", *, to: str | Sequence[str] = (), by: str = "") -> SessionView:
        """Give the session to a person, who replies instead of the agent from the next step on.

        Each message then waits in the inbox as an item of kind ``handover``. The person replies with
        ``answer(id, "confirm", text=…)``, or gives the session back.

        Args:
            reason: What the person has to do or decide.
            to: Who replies: ids of principals or roles; by default approvers and operators.
            by: Who hands it over.

        Raises:
            NothingToDo: The session is handed over already.
        """
        with bad_input():
            given = Handover(reason=reason, to=(to,) if isinstance(to, str) else tuple(to), by=by)
        return await self._requests.update(self._id, "hand_over", given, SessionView)

    async def give_back(self, note: str = "", *, by: str = "") -> SessionView:
        """Give a session that was handed over back to its agent, which reads the note.

        Raises:
            NothingToDo: The session is not handed over.
        """
        with bad_input():
            given = GiveBack(note=note, by=by)
        return await self._requests.update(self._id, "give_back", given, SessionView)

    async def _answer(self, answer: Answer) -> SessionView:
        return await self._requests.update(self._id, "answer", answer, SessionView)
