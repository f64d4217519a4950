"""Reminders, escalation and the end of items: which is next, and what it changes."""

from holdfast_workflows.contracts.agent.approvals import Approvals
from holdfast_workflows.contracts.control.inbox import ROLE, Answer, AnswerAction, InboxItem, ItemKind

_OPERATORS = (f"{ROLE}operator",)
_PEOPLE = (f"{ROLE}approver", f"{ROLE}operator")

_OWNERS: dict[ItemKind, tuple[str, ...]] = {
    "effect": _OPERATORS,
    "budget": _OPERATORS,
    "consent": _OPERATORS,
    "ask_human": _PEOPLE,
    "handover": _PEOPLE,
    "elicitation": _PEOPLE,
    "ticket": _OPERATORS,
}
"""Who answers items of each kind; approvals have the owners of the policy."""

_ACTIONS: dict[ItemKind, tuple[AnswerAction, ...]] = {
    "approval": ("approve", "reject", "delegate"),
    "effect": ("confirm", "retry", "give_up", "delegate"),
    "ask_human": ("confirm", "retry", "give_up", "delegate"),
    "budget": ("give_up", "delegate"),
    "handover": ("confirm", "give_back", "give_up", "delegate"),
    "consent": ("retry", "give_up", "delegate"),
    "elicitation": ("confirm", "give_up", "delegate"),
    "ticket": ("confirm", "give_up"),
}


def addressed(item: InboxItem, policy: Approvals, now: float) -> InboxItem:
    """Return an item with its owners, actions and times."""
    changes = {
        "since": now,
        "owners": item.owners or _OWNERS.get(item.kind, policy.approvers),
        "actions": _ACTIONS[item.kind],
        "deadline": now + policy.deadline,
        "within": policy.deadline,
        "reminders": tuple(sorted(each for each in policy.reminders if each < policy.deadline)),
        "escalation": policy.escalation,
        "end": policy.end,
        "quorum": policy.quorum if item.kind == "approval" else 1,
    }
    if item.ticket is not None:  # no person is asked for it
        within = item.ticket.deadline
        changes |= {
            "deadline": now + within,
            "within": within,
            "reminders": (),
            "escalation": (),
            "end": "reject",
        }
    return item.model_copy(update=changes)


def next_change(item: InboxItem) -> float:
    """Return the time of the next reminder, or the deadline."""
    if item.reminded < len(item.reminders):
        return item.deadline - item.within + item.reminders[item.reminded]
    return item.deadline


def reminder_due(item: InboxItem, now: float) -> bool:
    """Whether the next change is a reminder that is due, before the deadline."""
    return item.reminded < len(item.reminders) and now < item.deadline


def reminded(item: InboxItem, now: float) -> InboxItem:
    """Return the item after the reminders that are due; several at once count as one for its owners."""
    began = item.deadline - item.within
    due = sum(began + each <= now for each in item.reminders)
    return item.model_copy(update={"reminded": max(due, item.reminded + 1)})


def escalated(item: InboxItem, now: float) -> InboxItem:
    """Return the item with the next group of owners added to the present ones, and a new deadline."""
    group = item.escalation[item.escalated]
    changes = {
        "owners": tuple(dict.fromkeys((*item.owners, *group))),
        "escalated": item.escalated + 1,
        "reminded": 0,
        "deadline": now + item.within,
    }
    return item.model_copy(update=changes)


def delegated(item: InboxItem, to: tuple[str, ...]) -> InboxItem:
    """Return the item with others in place of its first owners; groups that were asked since can still answer."""
    asked = (name for group in item.escalation[: item.escalated] for name in group)
    return item.model_copy(update={"owners": tuple(dict.fromkeys((*to, *asked)))})


def unanswered(item: InboxItem) -> Answer:
    """Return the answer that stands in for one that was not given in time."""
    action: AnswerAction = "reject" if "reject" in item.actions else "give_up"
    return Answer(id=item.id, action=action, text="there was no answer before the deadline")
