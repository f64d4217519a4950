"""The test kit: a scripted model over real HTTP, a whole Holdfast in a test, skipped time, replays.

    async with ScriptedModel([say("Hello."), call("look", {"at": "it"})]) as model:
        ... model.url, model.openai_url, model.requests

A script is a list of replies, which all callers consume in order, or a function from a
request to a reply, so that each of many sessions is answered by its content. A script may
contain named faults, ``fault("too_long_gemini")``, and replies in a server's own form,
``say("Hi").but(form="no_usage")``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast_activities.context.untrusted.frames import unframed

    from .environment import Environment, providers_of
    from .evaluation import (
        Evaluation,
        Variant,
        evaluate,
        load_baseline,
        load_cases,
        regressions,
        save_baseline,
        save_case,
    )
    from .replaying import load_history, replay
    from .replies.faults import FAULTS, Fault, Faults
    from .replies.forms import FORMS
    from .replies.provider_faults import PROVIDER_FAULTS, fault
    from .replies.replies import (
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
    from .server.limits import RateLimit, TokenLimit
    from .server.requests import Request, Seen
    from .server.server import Script, ScriptedModel
    from .server.spawn import SpawnedModel, asked

__all__ = [
    "FAULTS",
    "FORMS",
    "PROVIDER_FAULTS",
    "Call",
    "Environment",
    "Evaluation",
    "Fault",
    "Faults",
    "RateLimit",
    "Reply",
    "Request",
    "Script",
    "ScriptedModel",
    "Seen",
    "SpawnedModel",
    "TokenLimit",
    "Variant",
    "asked",
    "call",
    "context_too_long",
    "empty",
    "evaluate",
    "failed",
    "fault",
    "garbage",
    "hang",
    "html",
    "load_baseline",
    "load_cases",
    "load_history",
    "overloaded",
    "providers_of",
    "rate_limited",
    "regressions",
    "replay",
    "reset",
    "save_baseline",
    "save_case",
    "say",
    "unauthorized",
    "unframed",
]

_MODULES = {
    "environment": "Environment providers_of",
    "evaluation": "Evaluation Variant evaluate load_baseline load_cases regressions save_baseline save_case",
    "replaying": "load_history replay",
    "replies.faults": "FAULTS Fault Faults",
    "replies.forms": "FORMS",
    "replies.provider_faults": "PROVIDER_FAULTS fault",
    "replies.replies": "Call Reply call context_too_long empty failed garbage hang html overloaded rate_limited reset say unauthorized",
    "server.limits": "RateLimit TokenLimit",
    "server.requests": "Request Seen",
    "server.server": "Script ScriptedModel",
    "server.spawn": "SpawnedModel asked",
    "holdfast_activities.context.untrusted.frames": "unframed",
}

_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}


if not TYPE_CHECKING:  # type checkers know the names, and with this would accept any other

    def __getattr__(name: str) -> object:
        # Neither a scripted model in a process of its own nor the pytest plugin may import all that a worker needs.
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _HOME[name]
        return getattr(import_module(home if home.startswith("holdfast_") else f"{__name__}.{home}"), name)
