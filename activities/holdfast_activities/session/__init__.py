"""The activities of an agent session."""

from .activities import Activities

__all__ = ["Activities"]
