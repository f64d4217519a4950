"""What the running activity works for: the fields of its log lines, and the place of its spans."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from holdfast_workflows.contracts.session.steps import SettleInput
from holdfast_workflows.contracts.session.trace_ids import TraceHeader

if TYPE_CHECKING:
    from .recorder import Recorder


@dataclass(frozen=True, slots=True)
class Work:
    """The session, turn and step that an activity works for."""

    session: str
    turn: int = 0
    step: int = 0
    tenant: str = ""
    agent: str = ""
    user: str = ""
    header: TraceHeader = TraceHeader()  # noqa: RUF009 - it is immutable


WORK: Final[ContextVar[Work | None]] = ContextVar("WORK", default=None)
RECORDER: Final[ContextVar["Recorder | None"]] = ContextVar("RECORDER", default=None)
HEADER: Final[ContextVar[TraceHeader]] = ContextVar("HEADER", default=TraceHeader())  # noqa: B039 - it is immutable


def work_on(request: object) -> Work | None:
    """Set what the present task works for by the input of its activity; None if that is of no session."""
    given: Any = request
    session = getattr(given, "session", "")
    if not isinstance(session, str) or not session:
        return None
    turn = given.turn.turn if isinstance(given, SettleInput) and given.turn else getattr(given, "turn", 0)
    work = Work(
        session=session,
        turn=turn if isinstance(turn, int) else 0,
        step=getattr(given, "step", 0),
        tenant=getattr(given, "tenant", ""),
        agent=getattr(given, "agent", ""),
        user=getattr(given, "user", ""),
        header=HEADER.get(),
    )
    WORK.set(work)
    recorder = RECORDER.get()
    if recorder is not None:
        recorder.enter(work)
    return work


PRIVATE: Final[ContextVar[bool]] = ContextVar("PRIVATE", default=False)
"""Whether the arguments and results of tools may have personal data that the model does not see."""


def at_step(step: int) -> None:
    """Set the step that the present task works for."""
    work = WORK.get()
    if work is not None and work.step != step:
        WORK.set(replace(work, step=step))


def log_fields() -> Mapping[str, object]:
    """Return the turn, step, tenant, agent and trace of the running work, as far as it has them."""
    work, recorder = WORK.get(), RECORDER.get()
    if work is None:
        return {}
    named = {"turn": work.turn, "step": work.step, "tenant": work.tenant, "agent": work.agent}
    found: dict[str, object] = {name: value for name, value in named.items() if value}
    return found if recorder is None else {**found, **recorder.ids()}
