"""HTTP tools: what they may request, and the arguments that a model gives."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from ..base import Contract

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that have no effect, by RFC 9110."""

LONGEST_URL = 8_000


class HttpSettings(Contract):
    """An HTTP tool as a worker serves it. ``timeout`` is in seconds for the whole exchange with its redirects.

    ``private`` are patterns of services in private networks, each with the networks that it may be in. ``headers``
    may contain secret references.
    """

    allow: tuple[str, ...] = ()
    private: dict[str, tuple[str, ...]] = {}
    methods: tuple[str, ...] = ("GET", "HEAD")
    headers: dict[str, str] = {}
    max_bytes: int = 1_000_000
    timeout: float = 30.0
    max_redirects: int = 5
    ca_file: str = ""


class HttpArguments(Contract):
    """Arguments of an HTTP tool; without a method, its first one."""

    url: str = Field(min_length=1, max_length=LONGEST_URL)
    method: str = ""
    body: str | None = None
    content_type: str = Field(default="application/json", pattern=r"^[a-zA-Z0-9!#$&^_.+/;= \"-]{1,200}$")


def parameters(methods: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of the arguments of a tool with these methods."""
    properties: dict[str, Any] = {
        "url": {"type": "string", "description": "The absolute URL, with its query."}
    }
    if len(methods) > 1:
        properties["method"] = {"type": "string", "enum": list(methods), "default": methods[0]}
    if not SAFE.issuperset(methods):
        properties["body"] = {"type": "string", "description": "The body of the request, if it has one."}
        properties["content_type"] = {
            "type": "string",
            "description": "The media type of the body.",
            "default": "application/json",
        }
    return {"type": "object", "properties": properties, "required": ["url"], "additionalProperties": False}
