"""Everything that touches the world: models, tools, state, context, and the activities that use them."""

from .session import Activities

__all__ = ["Activities"]
