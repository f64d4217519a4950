"""A scripted model, served over real HTTP in OpenAI and Anthropic form.

    async with ScriptedModel([say("Hello."), call("look", {"at": "it"})]) as model:
        ... model.url, model.openai_url, model.requests

A script is a list of replies, consumed in order by all callers, or a function from a
request to a reply, so that many sessions at once are answered each by its own content.
Faults stand in it by name, ``fault("too_long_gemini")``, and a reply takes the form in which
some server sends it, ``say("Hi").but(form="no_usage")``.
As a process of its own: ``python -m holdfast.testing.model --script module:name``, or
``ScriptedModel.spawn("module:name")``.
"""

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
from .server.spawn import SpawnedModel, asked, main

__all__ = [
    "FAULTS",
    "FORMS",
    "PROVIDER_FAULTS",
    "Call",
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
    "asked",
    "call",
    "context_too_long",
    "empty",
    "failed",
    "fault",
    "garbage",
    "hang",
    "html",
    "overloaded",
    "rate_limited",
    "reset",
    "say",
    "unauthorized",
]

if __name__ == "__main__":
    main(ScriptedModel)
