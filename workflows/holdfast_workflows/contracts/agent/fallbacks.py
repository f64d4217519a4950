"""Fallbacks: what an agent does, in the declared order, when no provider answers."""

from typing import Annotated, Literal

from pydantic import Field

from ..public import public
from .declared import Declared


@public
class CachedReply(Declared):
    """Repeat the model's reply to exactly the same prompt, if it is at most ``max_age`` seconds old."""

    kind: Literal["cached"] = "cached"
    max_age: float = 3_600.0


@public
class SimplifiedReply(Declared):
    """Call ``model`` (by default the agent's last) without tools, with only the instructions and the message."""

    kind: Literal["simplified"] = "simplified"
    model: str = ""


@public
class AskHuman(Declared):
    """Wait for a person, who answers instead of the model, retries the model, or gives up."""

    kind: Literal["ask_human"] = "ask_human"


@public
class ErrorReply(Declared):
    """End the turn with a text for the user. ``{id}`` becomes the error's id and ``{retry}`` when to try again."""

    kind: Literal["error"] = "error"
    text: str = "Something went wrong on our side ({id}). {retry}"


@public
class OtherAgent(Declared):
    """Let another agent of the App go on with the session: the same conversation, with its models and tools."""

    kind: Literal["other_agent"] = "other_agent"
    agent: str = Field(min_length=1)


Fallback = Annotated[
    CachedReply | SimplifiedReply | AskHuman | ErrorReply | OtherAgent, Field(discriminator="kind")
]
