"""Who acts, for activities that a client has started."""

from contextvars import ContextVar
from typing import Final

from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal

_acting: Final = ContextVar[Principal]("holdfast_acting_client", default=LOCAL_OPERATOR)


_credential: Final = ContextVar[str]("holdfast_acting_credential", default="")


def set_actor(principal: Principal, credential: str = "") -> None:
    """Set the principal of the running activity, whose credential was verified, and the id of its API key."""
    _acting.set(principal)
    _credential.set(credential)


def acting() -> tuple[Principal, str]:
    """The principal that has started the running activity, and the id of its API key."""
    return _acting.get(), _credential.get()


def actor() -> str:
    """The id of the principal that has started the running activity; that of the local operator without a provider."""
    return _acting.get().id
