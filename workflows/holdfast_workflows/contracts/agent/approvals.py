"""Who answers what an agent's sessions ask people, until when, and what happens then."""

from pydantic import Field

from ..control.inbox import DEFAULT_DEADLINE, ROLE, ItemEnd
from ..public import public
from .declared import Declared


@public
class Approvals(Declared):
    """Who decides about an agent's calls and waits, and by when.

    ``approvers`` and the groups in ``escalation`` are ids of principals, or roles as ``role:approver``. Each group has
    ``deadline`` seconds; then the next group is asked as well. After the last group ``end`` applies: ``reject``,
    ``cancel`` (the turn) or ``hand_over`` (the session to a person). ``reminders`` are seconds after which a group is
    reminded. ``quorum`` is the number of different people who have to approve a call.
    """

    approvers: tuple[str, ...] = Field(default=(f"{ROLE}approver",), min_length=1)
    escalation: tuple[tuple[str, ...], ...] = ()
    deadline: float = Field(default=DEFAULT_DEADLINE, gt=0)
    reminders: tuple[float, ...] = ()
    end: ItemEnd = "reject"
    quorum: int = Field(default=1, ge=1, le=20)
    use_within: float = Field(default=DEFAULT_DEADLINE, gt=0)
    """Seconds after the last approval in which the call must begin."""
    second_person: bool = False
    """Whether the person whose message led to the call may not approve it."""
