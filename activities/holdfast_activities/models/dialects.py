"""Where servers of one wire format differ in what they accept, told by their hosts."""

import re
from dataclasses import dataclass

from .config import ProviderConfig

_AZURE = (
    "openai.azure.com",
    "services.ai.azure.com",
    "cognitiveservices.azure.com",
    "openai.azure.us",
    "cognitiveservices.azure.us",
    "openai.azure.cn",
    "cognitiveservices.azure.cn",
)
_NEEDS_REASONING = ("deepseek.com", "moonshot.ai", "moonshot.cn", "kimi.com", "xiaomimimo.com")
_ANY_ID = re.compile(r"[\s\S]+")
_OPENAI_ID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_SIGNING_GEMINI = re.compile(r"gemini-(?:[3-9]|[1-9][0-9])")


@dataclass(frozen=True)
class Dialect:
    """What a server of chat completions accepts.

    Attributes:
        openai: Whether it is OpenAI's own, or Azure's: then limits hold that others do not have.
        id: The ids of calls.
        reasoning: Whether each reply has to come back with reasoning, empty if need be.
        signed: Whether calls without a signature are refused unless that is asked for.
        answered: Whether a user may only speak after an assistant has.
        alternating: Whether messages of the user in a row are refused.
    """

    openai: bool
    id: re.Pattern[str] = _ANY_ID
    reasoning: bool = False
    signed: bool = False
    answered: bool = False
    alternating: bool = False


def dialect(config: ProviderConfig, model: str) -> Dialect:
    """That of a model at a provider."""
    openai = config.is_at("openai.com", *_AZURE)
    mistral = config.is_at("mistral.ai")
    return Dialect(
        openai=openai,
        id=_OPENAI_ID if openai else _MISTRAL_ID if mistral else _ANY_ID,
        reasoning=config.is_at(*_NEEDS_REASONING),
        signed=config.is_at("googleapis.com") and bool(_SIGNING_GEMINI.search(model)),
        answered=mistral,
        alternating=config.alternating or config.is_at("perplexity.ai"),
    )
