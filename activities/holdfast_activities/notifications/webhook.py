"""Webhooks, signed as the Standard Webhooks specification says."""

import base64
import binascii
import hashlib
import hmac
import json
from urllib.parse import urlsplit

import httpx

from holdfast_activities import clock
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts.control.notifications import Notification, Webhook
from holdfast_workflows.contracts.errors import NotificationFailed

from ..secrets.references import fill

_TIMEOUT = 10.0
_PREFIX = "whsec_"
_RETRYABLE = frozenset({408, 409, 425, 429})


async def send(target: Webhook, notification: Notification) -> None:
    """Send one request.

    Raises:
        NotificationFailed: The target cannot be reached, or did not accept it.
    """
    url, body = fill(target.url), _body(notification)
    # Of the URL only the host: the rest may be a password.
    where = f"webhook at {urlsplit(url).hostname}"
    signature = sign(fill(target.secret), notification.id, body)
    headers = {"content-type": "application/json", **spans.headers(), **signature}
    # Never through a proxy of the environment, nor to where the target redirects.
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
        try:
            answer = await client.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NotificationFailed(f"{where}: {type(error).__name__}: {error}") from error
    if answer.status_code >= 300:
        code = answer.status_code
        raise NotificationFailed(f"{where} answered {code}", retryable=code >= 500 or code in _RETRYABLE)


def sign(secret: str, id: str, body: bytes) -> dict[str, str]:
    """Return the headers with the id, the time and the signature of a request."""
    at = str(int(clock.now()))
    signed = b".".join((id.encode(), at.encode(), body))
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise NotificationFailed(
            f"a webhook's secret begins with {_PREFIX} and is not base64 after it", retryable=False
        ) from error


def _body(notification: Notification) -> bytes:
    data = notification.model_dump(exclude={"event", "at"})
    document = {"type": f"inbox.{notification.event}", "timestamp": notification.at, "data": data}
    return json.dumps(document, ensure_ascii=False).encode()
