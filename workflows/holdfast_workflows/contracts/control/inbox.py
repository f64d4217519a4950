"""The inbox: what waits for a person, and what people answer."""

from typing import Any, Literal

from pydantic import Field

from ..base import Contract
from ..limits import MAX_NAME
from ..public import public
from .approvals import Approval, SignedAnswer
from .identity import LOCAL_OPERATOR, Principal

ItemKind = Literal[
    "approval", "effect", "ask_human", "budget", "handover", "consent", "elicitation", "ticket"
]
"""What a person is asked: whether a call may run (``approval``), whether a call of unknown outcome happened
(``effect``), for an answer in place of the models (``ask_human``), for more budget (``budget``), to take over the
session (``handover``), for access to a tool server (``consent``), for input that a tool server asks for
(``elicitation``). A ``ticket`` waits for a call's result from another system or from the client."""

AnswerAction = Literal["approve", "reject", "delegate", "confirm", "retry", "give_up", "give_back"]

ItemEnd = Literal["reject", "cancel", "hand_over"]
"""What happens without an answer in time: the item is rejected or given up, the turn is cancelled, or the session is
handed over to a person."""

ROLE = "role:"
"""The prefix of an owner that is a role: everybody with that role may answer."""

DEFAULT_DEADLINE = 86_400.0
"""Seconds that an item waits for each group of owners."""


@public
class OpenTicket(Contract):
    """A ticket that a session waits for."""

    what: str = ""
    reference: str = ""
    """The other system's name for the work."""
    deadline: float = DEFAULT_DEADLINE
    """Seconds."""
    client: bool = False
    """Whether the client carries the call out."""
    arguments: str = ""
    """The call's arguments as JSON, if the client carries it out."""
    token: str = ""
    """The digest of the token that settles the ticket; empty without one."""


@public
class InboxItem(Contract):
    """Something that waits for a person. Times are in seconds since 1970; 0 means none.

    ``owners`` are ids of principals, or roles as ``role:approver``; each of them may answer. ``actions`` are the
    possible answers. At the ``deadline`` the next group of ``escalation`` is asked as well; after the last one ``end``
    applies.
    """

    id: str
    kind: ItemKind
    what: str
    """The question, as text for people."""
    since: float = 0.0
    session: str = ""
    tenant: str = ""
    agent: str = ""
    turn: int = 0
    requester: str = ""
    """The principal whose message the session was working on."""
    owners: tuple[str, ...] = ()
    actions: tuple[AnswerAction, ...] = ()
    deadline: float = 0.0
    within: float = DEFAULT_DEADLINE
    """Seconds that each group of owners has."""
    reminders: tuple[float, ...] = ()
    """Seconds after the item has reached its owners at which they are reminded."""
    reminded: int = 0
    """Reminders so far, of the present owners."""
    escalation: tuple[tuple[str, ...], ...] = ()
    """Who is asked next, group by group."""
    escalated: int = 0
    """How many of these groups have been asked."""
    end: ItemEnd = "reject"
    quorum: int = 1
    """How many different people have to approve."""
    approved_by: tuple[str, ...] = ()
    """Principals that have approved so far."""
    tool: str = ""
    call: str = ""
    """The key of the call."""
    arguments: str = ""
    """The call's arguments, shortened."""
    reason: str = ""
    """Why a person is asked: the rule, or the declaration."""
    form: dict[str, Any] = Field(default_factory=dict)
    """The JSON schema that an answer to an elicitation has to fit; its text is then JSON."""
    digest: str = ""
    """Of an approval: the SHA-256 of the canonical arguments."""
    ticket: OpenTicket | None = None
    summary: str = ""
    """Of a handover: the request, and what was done."""
    edited: str = ""
    """Of an approval: the arguments as JSON, if an approver has edited them."""
    values: dict[str, Any] = {}
    """Of these: the arguments that the session's rules look at."""
    approval: Approval | None = None
    signed: tuple[SignedAnswer, ...] = ()
    """Signed answers so far."""


@public
class Handover(Contract):
    """A session that a person handles: why, who handed it over, and since when.

    ``to`` are ids of principals or roles; empty for those who answer such items anyway.
    """

    reason: str = ""
    to: tuple[str, ...] = ()
    by: str = Field(default="", max_length=MAX_NAME)
    since: float = 0.0


class GiveBack(Contract):
    """Give a session back to its agent, which reads the note."""

    note: str = ""
    by: str = Field(default="", max_length=MAX_NAME)


class Answer(Contract):
    """A person's answer to an item of the inbox.

    ``id`` is the item's, or the key of its call.

    - ``approve``: run the call, with ``arguments`` (JSON) instead of the model's if given.
    - ``reject``: do not run it; ``text`` is the reason, which the model reads.
    - ``delegate``: ``to`` decides instead.
    - ``confirm``: the call happened, and ``text`` is its result; or ``text`` is the answer to the user, or the input
      that was asked for.
    - ``retry``: make the call or ask the model again.
    - ``give_up``: continue without it.
    - ``give_back``: return a handed over session to the agent, with ``text`` as a note.
    """

    # First, since the Temporal UI shows the beginning of an update's input.
    action: AnswerAction
    by: str = ""
    """The person's name; where principals are verified, theirs replaces it."""
    text: str = ""
    id: str = Field(max_length=2 * MAX_NAME)
    arguments: str = ""
    digest: str = ""
    """With ``approve``: the digest of the arguments that the person has seen; others are then refused."""
    to: tuple[str, ...] = ()
    ref: str = Field(default="", max_length=MAX_NAME)
    """Of a ticket's result: the stored text, instead of ``text``."""


def may_answer(owners: tuple[str, ...], principal: Principal) -> bool:
    """Whether a principal is among the owners, by its id or by a role.

    Without an identity provider everybody is the local operator, who may answer everything.
    """
    if principal == LOCAL_OPERATOR:
        return True
    roles = {f"{ROLE}{role}" for role in principal.roles}
    # An id with the prefix of roles must not pass as one.
    own = () if principal.id.startswith(ROLE) else (principal.id,)
    return not roles.isdisjoint(owners) or not set(own).isdisjoint(owners)
