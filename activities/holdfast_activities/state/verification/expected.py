"""What the history of a session says that the state database has."""

from dataclasses import dataclass, field

from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.steps import TurnRecord


@dataclass(frozen=True, slots=True)
class ExpectedEntry:
    """An entry that was settled.

    ``entry`` is what the history has of it, which is everything if it is ``whole``. ``digest`` is that of a result's
    text.
    """

    entry: Entry
    whole: bool
    digest: str = ""


@dataclass
class ExpectedSession:
    """A session by its history. ``status`` is empty while its workflow runs.

    ``version`` is that of the snapshot after the last write that the history knows. ``ended`` are the statuses of
    turns that were stored, and ``records`` those turns that the history has whole. ``effects`` are settled calls by
    their keys. ``complete``: the server still has every run.
    """

    session: str
    agent: str = ""
    digest: str = ""
    tenant: str = ""
    user: str = ""
    status: str = ""
    started: float = 0.0
    version: int = 0
    entries: dict[int, ExpectedEntry] = field(default_factory=dict[int, ExpectedEntry])
    ended: dict[int, str] = field(default_factory=dict[int, str])
    records: dict[int, TurnRecord] = field(default_factory=dict[int, TurnRecord])
    effects: dict[str, EffectView] = field(default_factory=dict[str, EffectView])
    complete: bool = True
