"""A model that counts its own tokens, and writes down what each answer costs."""

from __future__ import annotations

from dataclasses import replace

from holdfast.testing import Reply, Request

from .script import note, reply

WRITTEN = 200
"""Tokens of each reply."""


def script(request: Request) -> Reply:
    """Every answer says how much it used."""
    read = len(request.body) // 4
    most = int(request.json.get("max_completion_tokens") or request.json.get("max_tokens") or WRITTEN)
    written = min(WRITTEN, most)
    note(request, tokens=read + written)
    return replace(reply(request), input_tokens=read, output_tokens=written)
