"""``notify``: tell people that something waits for them."""

from temporalio import activity

from holdfast_activities.notifications import Sender
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.notifications import Notification

from .common.failures import reports_failures


class Notify:
    """The activity that sends notifications."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @activity.defn(name=names.NOTIFY)
    @reports_failures
    async def notify(self, notification: Notification) -> None:
        """Send a notification to every target of the app; a repeated one is not sent twice."""
        await self._sender.send(notification)
