"""Spans by OpenTelemetry's GenAI conventions, and what log lines say about the running work.

Nothing here imports OpenTelemetry: a worker that traces brings a ``Recorder``.

work          what the running activity works for
interceptor   finds it out for each activity
recorder      what a worker brings
spans         the spans of turns, model calls, tool calls, memory operations and plans
content       prompts and replies as attributes
"""

from . import spans
from .interceptor import AtWork
from .recorder import Recorder, Span, SpanKind
from .work import PRIVATE, Work, at_step, log_fields, work_on

__all__ = [
    "PRIVATE",
    "AtWork",
    "Recorder",
    "Span",
    "SpanKind",
    "Work",
    "at_step",
    "log_fields",
    "spans",
    "work_on",
]
