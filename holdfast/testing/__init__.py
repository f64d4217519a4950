"""What a test of an agent needs: a scripted model, a whole Holdfast, skipping time, replay."""

from ._replies import (
    Call,
    Reply,
    call,
    context_too_long,
    empty,
    failed,
    garbage,
    hang,
    html,
    overloaded,
    rate_limited,
    reset,
    say,
    unauthorized,
)
from ._requests import Request, Seen
from ._server import Script, ScriptedModel
from ._spawn import SpawnedModel, asked
from .environment import Environment, providers_of
from .replay import load_history, replay

__all__ = [
    "Call",
    "Environment",
    "Reply",
    "Request",
    "Script",
    "ScriptedModel",
    "Seen",
    "SpawnedModel",
    "asked",
    "call",
    "context_too_long",
    "empty",
    "failed",
    "garbage",
    "hang",
    "html",
    "load_history",
    "overloaded",
    "providers_of",
    "rate_limited",
    "replay",
    "reset",
    "say",
    "unauthorized",
]
