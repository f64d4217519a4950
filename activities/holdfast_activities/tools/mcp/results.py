"""A tool's result as the text that a model reads."""

import json
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from holdfast_workflows.contracts.text.unicode import dump_json


def text_of(result: CallToolResult) -> str:
    """Text as it is; structured content as JSON unless a text repeats it; other content described with its size."""
    parts = [_part(block) for block in result.content]
    structured = result.structured_content
    if structured is not None and not any(_same(block, structured) for block in result.content):
        parts.append(dump_json(structured))
    return "\n\n".join(parts)


def _part(block: Any) -> str:
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ImageContent | AudioContent):
        kind = "image" if isinstance(block, ImageContent) else "audio"
        return f"[{kind}, {block.mime_type}, {_bytes(block.data):,} bytes; not shown]"
    if isinstance(block, ResourceLink):
        return f"[link to {block.uri}: {block.title or block.name}]"
    if isinstance(block, EmbeddedResource):
        return _resource(block.resource)
    return f"[{getattr(block, 'type', 'content')}; not shown]"


def _resource(resource: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(resource, TextResourceContents):
        return f"[resource {resource.uri}]\n{resource.text}"
    kind = resource.mime_type or "binary"
    return f"[resource {resource.uri}, {kind}, {_bytes(resource.blob):,} bytes; not shown]"


def _bytes(base64: str) -> int:
    return len(base64) * 3 // 4 - base64[-2:].count("=")


def _same(block: object, structured: object) -> bool:
    if not isinstance(block, TextContent):
        return False
    try:
        given = json.loads(block.text)
    except (ValueError, RecursionError):
        given = block.text
    # Servers wrap values that are not objects.
    return bool(
        given == structured or structured == {"result": given} or structured == {"result": block.text}
    )
