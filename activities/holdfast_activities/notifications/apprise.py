"""E-mail, chat and other services, through the library apprise."""

from datetime import UTC, datetime
from typing import Any

from holdfast_workflows.contracts.control.notifications import Apprise, Notification
from holdfast_workflows.contracts.errors import NotificationFailed

from ..secrets.references import fill

_TITLES = {
    "opened": "waits for you",
    "reminder": "still waits for you",
    "escalated": "is now yours to answer",
    "closed": "is answered",
}


async def send(target: Apprise, notification: Notification) -> None:
    """Send one message.

    Raises:
        NotificationFailed: The extra ``notify`` is missing, the URL is invalid, or the service failed.
    """
    try:
        import apprise  # pyright: ignore[reportMissingTypeStubs] # it has none  # heavy, and an extra
    except ImportError as error:
        raise NotificationFailed(
            "the library apprise is missing; install holdfast[notify]", retryable=False
        ) from error
    service: Any = apprise.Apprise()  # pyright: ignore[reportUnknownMemberType] # untyped
    if not service.add(fill(target.url)):
        raise NotificationFailed(f"the value of {target.url} is not an apprise URL", retryable=False)
    title = f"{notification.agent}: {notification.kind} {_TITLES[notification.event]}"
    if not await service.async_notify(title=title, body=text(notification)):
        raise NotificationFailed(f"apprise could not send to {target.url}; the worker's log has the reason")


def text(notification: Notification) -> str:
    """Return the message's text."""
    lines = [notification.what]
    if notification.result:
        lines.append(f"Answer: {notification.result}")
    elif notification.deadline:
        lines.append(f"Until {datetime.fromtimestamp(notification.deadline, UTC):%Y-%m-%d %H:%M} UTC.")
    lines.append(f"Session {notification.session}, item {notification.item}.")
    return "\n".join(lines)
