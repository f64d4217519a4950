"""The outside record of tool calls, each with the span that is active in the tool."""

from __future__ import annotations

import os
from pathlib import Path

CALLS = "CHAOS_CALLS"
"""The variable that names the file; without it nothing is recorded."""


def note() -> None:
    """Record that a tool's function runs now."""
    if path := os.environ.get(CALLS):
        from opentelemetry import trace

        span = trace.get_current_span().get_span_context().span_id
        with Path(path).open("a") as file:
            file.write(f"{span:016x}\n")
