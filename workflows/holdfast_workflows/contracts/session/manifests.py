"""What a model call was shown: the manifest that every prompt leaves behind."""

from typing import Literal

from ..base import Contract

Part = Literal["instructions", "tools", "summary", "plan", "memory", "task", "conversation"]
Shown = Literal["whole", "cut", "left_out"]
"""``cut`` is head, tail and a reference by which the rest can be read."""


class ManifestItem(Contract):
    """A run of log entries that were treated alike. ``start`` and ``stop`` bound their sequence numbers
    (``start <= seq < stop``); both are 0 for what is not in the log. ``tokens`` is what they take in the
    prompt, ``saved`` what they would have taken more; both estimated.
    """

    part: Part
    shown: Shown
    tokens: int = 0
    saved: int = 0
    start: int = 0
    stop: int = 0
    count: int = 1
    """How many entries these are."""
    why: str = ""
    """In words; empty where it is shown whole."""


class Manifest(Contract):
    """How one prompt was made. All counts are tokens.

    ``window`` is the model's (or the agent's smaller one), ``reserve`` what is kept for the reply and for what
    the estimate misses, ``budget`` what is left for the prompt, ``estimated`` what it was thought to take,
    ``reported`` what the provider counted (0 where it did not say). ``ratio`` is what estimates were
    multiplied by, learnt from what was reported before.
    """

    session: str
    seq: int
    """Of the reply, in the log."""
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
    """What was done to make it fit, in order; none where it fitted."""
    items: tuple[ManifestItem, ...] = ()
    at: float = 0.0


class ReadManifests(Contract):
    """The manifests of a session's model calls: all in order from the one after ``after`` on, or the one at ``seq``."""

    session: str
    seq: int = 0
    after: int = 0
    limit: int = 200


class Manifests(Contract):
    """Manifests in order of their sequence numbers."""

    manifests: tuple[Manifest, ...] = ()
    more: bool = False
