"""Code tools: limits of the sandbox, and the arguments that a model gives."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from ..base import Contract

Language = Literal["python", "shell"]
LANGUAGES: tuple[Language, ...] = ("python", "shell")

LONGEST_CODE = 200_000


class CodeSettings(Contract):
    """A code tool as a worker serves it. Sizes are in bytes, times in seconds.

    ``files`` are names in the working folder, each with the file on the worker that is copied to it.
    """

    languages: tuple[Language, ...] = ("python",)
    python: str = ""
    files: dict[str, str] = {}
    timeout: float = 30.0
    cpu_seconds: int = 30
    memory: int = 512_000_000
    processes: int = 32
    disk: int = 64_000_000
    output: int = 64_000


class CodeArguments(Contract):
    """Arguments of a code tool; without a language, its first one."""

    code: str = Field(min_length=1, max_length=LONGEST_CODE)
    language: str = ""


def parameters(languages: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of the arguments of a tool with these languages."""
    properties: dict[str, Any] = {
        "code": {"type": "string", "description": "The whole program. Print what you need."}
    }
    if len(languages) > 1:
        properties["language"] = {"type": "string", "enum": list(languages), "default": languages[0]}
    return {"type": "object", "properties": properties, "required": ["code"], "additionalProperties": False}
