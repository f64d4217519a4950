"""Tell people about an item of the inbox, if the app has targets for notifications."""

from temporalio import workflow

from holdfast_workflows.contracts.control.inbox import Answer, InboxItem
from holdfast_workflows.contracts.control.notifications import Notification, NotificationEvent

from ..state.state import SessionState


def notify(
    state: SessionState, item: InboxItem, event: NotificationEvent, number: int = 1, result: str = ""
) -> None:
    """Queue a notification about an event of an item; a fork sends none."""
    targets = state.spec is not None and state.spec.notifies and state.start.fork is None
    if not targets or item.ticket is not None:
        return
    state.notify(
        Notification(
            event=event,
            number=number,
            item=item.id,
            kind=item.kind,
            what=item.what,
            session=item.session,
            agent=item.agent,
            tenant=item.tenant,
            turn=item.turn,
            owners=item.owners,
            deadline=item.deadline,
            result=result,
            at=workflow.time(),
        )
    )


def closed(state: SessionState, item: InboxItem, answer: Answer | None) -> None:
    """Tell those who were asked how an item ended."""
    result = f"{answer.action} by {answer.by}" if answer and answer.by else answer.action if answer else ""
    notify(state, item, "closed", result=result or "no longer needed")
