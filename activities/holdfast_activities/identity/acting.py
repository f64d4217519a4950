"""Who acts, for activities that a client has started."""

from contextvars import ContextVar
from typing import Final

from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal

_acting: Final = ContextVar[Principal]("holdfast_acting_client", default=LOCAL_OPERATOR)


def set_actor(principal: Principal) -> None:
    """Set the principal of the running activity, whose credential was verified."""
    _acting.set(principal)


def actor() -> str:
    """The id of the principal that has started the running activity; that of the local operator without a provider."""
    return _acting.get().id
