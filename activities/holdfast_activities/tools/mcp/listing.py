"""A server's tools as specs: their names, digests and effects, and why some are left out."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from holdfast_workflows.contracts.agent.mcp import McpServer
from holdfast_workflows.contracts.agent.spec import TOOL_RETRY, Effect, McpTool, ToolSpec
from holdfast_workflows.contracts.agent.tool_limits import openai_model
from holdfast_workflows.contracts.errors import McpToolsInvalid
from holdfast_workflows.contracts.limits import LONGEST_DESCRIPTION
from holdfast_workflows.contracts.text.unicode import clean, preview

from .schema import schema_problem

MOST_LISTED = 1_000
"""Tools that are read from one server."""

_LONGEST_NAME = 64
_HASH = 8
_LONGEST_DESCRIPTION = 8_192
_LARGEST_SCHEMA = 100_000
"""Characters of a schema as JSON."""

_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server describes it. ``problem`` says why it is not offered to models; empty if it is."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read_only: bool
    idempotent: bool
    digest: str
    problem: str

    @classmethod
    def of(
        cls, name: str, description: str, schema: Mapping[str, Any], hints: Mapping[str, Any]
    ) -> "ListedTool":
        """Read a tool; ``hints`` are its annotations by their names on the wire."""
        read_only, idempotent = hints.get("readOnlyHint") is True, hints.get("idempotentHint") is True
        kept = json.dumps(
            [name, description, schema, read_only, idempotent], sort_keys=True, separators=(",", ":")
        )
        digest = hashlib.sha256(kept.encode()).hexdigest()[:24]
        return cls(name, description, schema, read_only, idempotent, digest, _problem(name, schema))


def specs(server: McpServer, tools: Iterable[ListedTool], models: Sequence[str]) -> tuple[ToolSpec, ...]:
    """The specs of the tools that the server's declaration offers, for an agent with these models.

    Raises:
        McpToolsInvalid: A tool that the declaration names is missing, or two get the same name.
    """
    listed = {tool.name: tool for tool in tools}
    _expect(server, listed)
    longest = LONGEST_DESCRIPTION if openai_model(models) else _LONGEST_DESCRIPTION
    found: dict[str, ToolSpec] = {}
    for tool in chosen(server, listed.values()):
        if tool.problem:
            continue
        spec = _spec(server, tool, longest)
        if (other := found.get(spec.name)) is not None and other.mcp is not None:
            raise McpToolsInvalid(
                f"server {server.name!r}: {other.mcp.tool!r} and {tool.name!r} are both named {spec.name!r} for "
                "models; leave one out by deny"
            )
        found[spec.name] = spec
    return tuple(found.values())


def chosen(server: McpServer, tools: Iterable[ListedTool]) -> list[ListedTool]:
    """The tools that ``allow`` and ``deny`` leave."""
    return [
        tool
        for tool in tools
        if (server.allow is None or tool.name in server.allow) and tool.name not in server.deny
    ]


def effect_of(server: McpServer, tool: ListedTool) -> Effect:
    """The declared effect; the server's hints count only if they are trusted."""
    if tool.name in server.effects:
        return server.effects[tool.name]
    if server.trust_annotations and tool.read_only:
        return "none"
    if server.trust_annotations and tool.idempotent:
        return "idempotent"
    return "once"


def tool_name(prefix: str, tool: str) -> str:
    """The name for models: at most 64 characters that every provider takes; a hash replaces what is cut off."""
    name = f"{prefix}__{_NAME.sub('_', tool)}"
    if len(name) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{name[: _LONGEST_NAME - _HASH - 1]}_{mark}"


def _spec(server: McpServer, tool: ListedTool, longest: int) -> ToolSpec:
    effect = effect_of(server, tool)
    retry = TOOL_RETRY.model_copy(update={"attempts": 1}) if effect == "once" else TOOL_RETRY
    return ToolSpec(
        name=tool_name(server.prefix, tool.name),
        description=_description(tool.description, longest),
        parameters=dict(tool.schema),
        effect=effect,
        timeout=server.timeout,
        retry=retry,
        mcp=McpTool(server=server.name, tool=tool.name, digest=tool.digest),
    )


def _expect(server: McpServer, listed: Mapping[str, ListedTool]) -> None:
    for option, named in (("allow", server.allow or ()), ("effects", server.effects)):
        if missing := [name for name in named if name not in listed]:
            raise McpToolsInvalid(
                f"server {server.name!r}: {option} names {', '.join(map(repr, missing))}, which the server does not "
                f"have; it has: {', '.join(sorted(listed)) or 'none'}"
            )


def _description(text: str, longest: int) -> str:
    """The text without characters that people do not see, cut to what the providers take."""
    shown = "".join(
        char for char in clean(text) if char in "\n\t" or unicodedata.category(char) not in _UNSEEN
    )
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn"})
"""Categories of control, format, private and unassigned characters, by which text is hidden from reviewers."""


def _problem(name: str, schema: Mapping[str, Any]) -> str:
    if not name or len(name) > 200:
        return "its name is empty or longer than 200 characters"
    if len(json.dumps(schema)) > _LARGEST_SCHEMA:
        return f"its input schema is longer than {_LARGEST_SCHEMA:,} characters"
    properties = schema.get("properties")
    for key in cast("dict[str, Any]", properties) if isinstance(properties, dict) else ():
        if not _PROPERTY.fullmatch(key):
            return f"providers refuse the name of its parameter {preview(key)!r}"
    return schema_problem(schema)
