"""Send a notification to every target, once each, through the effect ledger."""

import hashlib
import logging
import secrets
from collections.abc import Sequence

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_workflows.contracts.control.notifications import Apprise, Notification, NotificationTarget
from holdfast_workflows.contracts.errors import HoldfastError, NotificationFailed
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.text.redaction import redact

_logger = logging.getLogger("holdfast.notifications")


class Sender:
    """Sends notifications to the targets of an app."""

    def __init__(self, state: State, targets: Sequence[NotificationTarget]) -> None:
        self._effects = state.effects
        self._targets = targets

    async def send(self, notification: Notification) -> None:
        """Send to every target that wants this kind of item and does not have the notification yet.

        Raises:
            NotificationFailed: A target failed; the others have their notification.
        """
        # The question has texts of users and models in it, and leaves the deployment.
        what, result = redact(notification.what), redact(notification.result)
        notification = notification.model_copy(update={"what": what, "result": result})
        failed: list[HoldfastError] = []
        for target in self._targets:
            if target.kinds and notification.kind not in target.kinds:
                continue
            try:
                await self._send(notification, target)
            except HoldfastError as error:
                failed.append(error)
        if failed:
            raise NotificationFailed(
                "; ".join(str(error.detail or error) for error in failed),
                retryable=any(error.retryable for error in failed),
            )

    async def _send(self, notification: Notification, target: NotificationTarget) -> None:
        row, token = _row(notification, target), secrets.token_hex(8)
        stored, owner = await self._effects.claim(row, token)
        if stored.status in ("settled", "unknown"):
            return
        if owner != token:
            if stored.status == "claimed" and isinstance(target, Apprise):
                # The attempt before may have sent it, and the service cannot tell duplicates apart.
                await self._effects.mark(row.key, "unknown", result="its worker was lost while it was sent")
                _logger.warning("whether notification %s was sent is unknown; it is not sent again", row.key)
                return
            if not await self._effects.reclaim(row.key, owner, token):
                return  # another attempt sends it now
        try:
            await _by_service(notification, target)
        except HoldfastError as error:
            await self._effects.mark(row.key, "failed", result=str(error.detail or error))
            raise
        await self._effects.mark(row.key, "settled", result="sent")


async def _by_service(notification: Notification, target: NotificationTarget) -> None:
    # Imported lazily: most workers send none, and the HTTP client is slow to import.
    if isinstance(target, Apprise):
        from . import apprise

        await apprise.send(target, notification)
    else:
        from . import webhook

        await webhook.send(target, notification)


def _row(notification: Notification, target: NotificationTarget) -> EffectView:
    # Targets have no names; the declaration tells them apart and holds references instead of secrets.
    which = hashlib.sha256(f"{target.service} {target.url}".encode()).hexdigest()[:8]
    return EffectView(
        key=f"{notification.id}-{which}",
        session=notification.session,
        seq=0,
        turn=notification.turn,
        agent=notification.agent,
        tenant=notification.tenant,
        tool=f"notify:{target.service}",
        effect="once" if isinstance(target, Apprise) else "idempotent",
        status="claimed",
        arguments=f"{notification.event} {notification.item}",
        claimed=clock.now(),
    )
