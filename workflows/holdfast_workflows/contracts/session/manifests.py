"""Manifests: how each prompt was built."""

from typing import Literal

from ..base import Contract
from ..public import public

Part = Literal["instructions", "tools", "summary", "plan", "memory", "task", "conversation"]
Shown = Literal["whole", "cut", "left_out"]
"""``cut`` is head, tail and a reference for reading the rest."""


@public
class ManifestItem(Contract):
    """Consecutive log entries (``start <= seq < stop``) that were treated alike; both are 0 for other parts.

    ``tokens`` estimates their tokens in the prompt, ``saved`` the tokens that were left out.
    """

    part: Part
    shown: Shown
    tokens: int = 0
    saved: int = 0
    start: int = 0
    stop: int = 0
    count: int = 1
    """Number of entries."""
    why: str = ""
    """The reason; empty if shown whole."""


@public
class Manifest(Contract):
    """How one prompt was built. Counts are tokens.

    ``context_window`` is the model's, or the agent's smaller one; ``reserve`` is for the reply and errors of the
    estimate; ``budget`` is left for the prompt. ``estimated`` is the prompt's estimate, ``reported`` the
    provider's count (0 if unknown). Estimates were multiplied by ``ratio``, which is learnt from earlier counts.
    """

    session: str
    seq: int
    """The reply's number in the log."""
    turn: int
    step: int
    model: str
    context_window: int
    reserve: int
    budget: int
    estimated: int
    reported: int = 0
    ratio: float = 1.0
    strategies: tuple[str, ...] = ()
    """The truncation strategies applied, in order."""
    items: tuple[ManifestItem, ...] = ()
    at: float = 0.0
    spec: str = ""
    """The digest of the agent's spec."""
    instructions: str = ""
    """The agent's instructions in this prompt. Stored once for all, so it is filled in when one manifest is read."""


class ReadManifests(Contract):
    """Read the manifests of a session after ``after``, in order, or the one at ``seq``."""

    session: str
    seq: int = 0
    after: int = 0
    limit: int = 200


class Manifests(Contract):
    """Manifests in order of their sequence numbers."""

    manifests: tuple[Manifest, ...] = ()
    more: bool = False
