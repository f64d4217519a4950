"""Notifications: what is sent to people when something waits for them, and to where."""

from typing import Annotated, Literal

from pydantic import Field

from ..agent.declared import Declared
from ..base import Contract
from ..public import public
from .secrets import Secret

NotificationEvent = Literal["opened", "reminder", "escalated", "closed"]


@public
class Webhook(Declared):
    """Notifications as HTTP requests, signed as the Standard Webhooks specification says (standardwebhooks.com).

    ``url`` may contain references to secrets. ``kinds`` limits it to these kinds of items; empty for all. A request
    is repeated until it is answered with a status below 300; all attempts have the same ``webhook-id``.
    """

    service: Literal["webhook"] = "webhook"
    url: str
    secret: Secret
    kinds: tuple[str, ...] = ()


@public
class Apprise(Declared):
    """Notifications by e-mail, chat and the other services of the library apprise; needs the extra ``notify``.

    ``url`` refers to an apprise URL, which contains the service's password. A message whose worker was lost while it
    was sent is not sent again.
    """

    service: Literal["apprise"] = "apprise"
    url: Secret
    kinds: tuple[str, ...] = ()


NotificationTarget = Annotated[Webhook | Apprise, Field(discriminator="service")]


class Notification(Contract):
    """One event of an inbox item. ``number`` counts the events of the same kind of an item, from 1.

    ``owners`` may answer; ``deadline`` is in seconds since 1970, 0 for none. ``result`` is how a closed item ended.
    """

    event: NotificationEvent
    number: int = 1
    item: str
    kind: str
    what: str
    session: str
    agent: str
    tenant: str = ""
    turn: int = 0
    owners: tuple[str, ...] = ()
    deadline: float = 0.0
    result: str = ""
    at: float = 0.0

    @property
    def id(self) -> str:
        """The same for every attempt to send it."""
        return f"{self.session}-{self.item}-{self.event}-{self.number}"
