"""The methods of a session by which other systems and clients give the results of tickets."""

from __future__ import annotations

from holdfast_client import messages
from holdfast_client.operations.stored import content
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.waiting import NO_EVENTS
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.errors import BadInput, MessageTooLarge
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_MESSAGE
from holdfast_workflows.contracts.session.session import SessionView
from holdfast_workflows.contracts.text.unicode import size
from holdfast_workflows.contracts.tools.tickets import Settlement


class TicketMethods:
    """The tickets of a session."""

    _requests: Requests
    _id: str

    async def tickets(self) -> tuple[InboxItem, ...]:
        """Return the calls that wait for a result from another system or from the client.

        ``item.tool`` and ``item.arguments`` (JSON; shortened unless it is a client tool's) say what to do,
        ``item.deadline`` until when.
        """
        view = await self._requests.query(self._id, "view", NO_EVENTS, SessionView)
        return tuple(item for item in view.inbox if item.kind == "ticket")

    async def settle(
        self, ticket: str, result: str, *, failed: bool = False, by: str = "", token: str = ""
    ) -> SessionView:
        """Give the result of a ticket. It is taken once; the call's effect is settled with it.

        Args:
            ticket: The item's id, or the key of its call.
            result: The result's text, or with ``failed`` the reason of the failure.
            failed: Whether the call has failed.
            by: Who or what gives the result; stored with the effect.
            token: The ticket's token, for those who may not settle the session's tickets without it.

        Raises:
            NothingToDo: The ticket is settled or expired, or does not exist.
            NotPermitted: You may not settle it, or the token is another ticket's.
            MessageTooLarge: The result has more than 1,000,000 bytes.
        """
        if not messages.is_text(result):
            raise BadInput(f"the result {result!r:.60} is not a str; give a text, such as JSON")
        if failed and not result.strip():
            raise BadInput("a failed ticket needs a text that says why")
        if (length := size(result)) > MAX_MESSAGE:
            raise MessageTooLarge(f"{length:,} bytes; at most {MAX_MESSAGE:,}")
        ref = ""
        if length > INLINE_TEXT and not failed:
            ref = await content.store(self._requests, self._id, messages.new_id("ticket"), result)
        with bad_input():
            given = Settlement(
                ticket=ticket,
                status="failed" if failed else "ok",
                text="" if ref else result,
                ref=ref,
                by=by,
                token=token,
            )
        return await self._requests.update(self._id, "settle", given, SessionView)
