"""Fallbacks: what an agent does, in its order, when no provider answers."""

from typing import Annotated, Literal

from pydantic import Field

from .declared import Declared


class CachedReply(Declared):
    """Answer as the model did to exactly the same prompt, if that was within ``max_age`` seconds."""

    kind: Literal["cached"] = "cached"
    max_age: float = 3_600.0


class SimplifiedReply(Declared):
    """Ask once more without tools for a short answer: ``model``, or the agent's last model, with the
    instructions and the turn's message only.
    """

    kind: Literal["simplified"] = "simplified"
    model: str = ""


class AskHuman(Declared):
    """Wait for a person, who answers in the model's place, has the model asked again, or gives up."""

    kind: Literal["ask_human"] = "ask_human"


class ErrorReply(Declared):
    """End the turn with a text for the user. ``{id}`` becomes the error's id and ``{retry}`` when to try again."""

    kind: Literal["error"] = "error"
    text: str = "Something went wrong on our side ({id}). {retry}"


Fallback = Annotated[CachedReply | SimplifiedReply | AskHuman | ErrorReply, Field(discriminator="kind")]
