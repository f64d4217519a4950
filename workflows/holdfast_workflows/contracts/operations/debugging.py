"""Requests of people who find out what happened."""

from typing import Any

from pydantic import Field

from ..base import Contract


class ReadConfiguration(Contract):
    """Read what a session runs with: its agent's spec, and its workers' settings."""

    session: str


class Configuration(Contract):
    """What a session runs with, without secrets."""

    spec: dict[str, Any] = Field(default_factory=dict)
    """The spec that the session has pinned: instructions, models, tools and limits."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The ``HOLDFAST_…`` variables of the worker that answered."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of that worker: Holdfast, Python, Temporal's SDK, the platform."""
