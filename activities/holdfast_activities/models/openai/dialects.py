"""The differences between servers of chat completions, known by their hosts."""

import re
from dataclasses import dataclass

from ..config import ProviderConfig

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
        openai: Whether it is OpenAI or Azure, whose limits others do not have.
        id: The ids of calls.
        reasoning: Whether each reply must go back with reasoning, if only empty.
        signed: Whether calls without a signature are refused unless the request opts out.
        answered: Whether a user message must follow an assistant message.
        alternating: Whether consecutive user messages are refused.
    """

    openai: bool
    id: re.Pattern[str]
    reasoning: bool
    signed: bool
    answered: bool
    alternating: bool


def dialect(config: ProviderConfig, model: str) -> Dialect:
    """The dialect of a model at a provider."""
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
