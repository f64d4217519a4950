"""Events about the present state of a session: its status, waits, and the progress of running tools."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session.session import SessionView

from . import events as stream_events
from .position import Reported, digest
from .snapshot import Snapshot


class Present:
    """Emits each change of the present state once; ``at`` is up to date whenever an event is yielded."""

    def __init__(self, at: Reported = Reported()) -> None:  # noqa: B008 - immutable
        self.at = at
        self._session = ""

    def waits(self, view: SessionView) -> Iterator[stream_events.StreamEvent]:
        """Emit the waits that are new since the last view, from the view, so that late readers get them too."""
        # A wait that is renewed for the same reason is emitted once.
        waiting = digest(view.turn, view.step, view.waiting_for)
        if view.waiting_for and waiting != self.at.waiting:
            self.at = self.at._replace(waiting=waiting)
            yield stream_events.Waiting(turn=view.turn, reason=view.waiting_for)
        # A repeated request has the same id.
        pending = {digest(each.id, each.since): each for each in view.inbox}
        self.at = self.at._replace(pending=tuple(mark for mark in self.at.pending if mark in pending))
        for mark, each in pending.items():
            if mark not in self.at.pending:
                self.at = self.at._replace(pending=(*self.at.pending, mark))
                yield stream_events.NeedsPerson(
                    turn=view.turn,
                    item_id=each.id,
                    about=each.kind,
                    what=each.what,
                    since=each.since,
                    deadline=each.deadline,
                )

    def tools(self, snapshot: Snapshot, turn: int) -> Iterator[stream_events.StreamEvent]:
        """Emit the new progress of the running tools."""
        marks = {
            digest(tool.activity, tool.attempt, tool.detail): tool
            for tool in snapshot.tools
            if (tool.attempt, tool.detail) != (1, "")
        }
        self.at = self.at._replace(progress=tuple(mark for mark in self.at.progress if mark in marks))
        for mark, tool in marks.items():
            if mark not in self.at.progress:
                self.at = self.at._replace(progress=(*self.at.progress, mark))
                yield stream_events.ToolProgress(
                    turn=turn, name=tool.name, detail=tool.detail, attempt=tool.attempt
                )

    def status(self, snapshot: Snapshot) -> Iterator[stream_events.StreamEvent]:
        """Emit the session's status if it has changed."""
        if snapshot.view:
            self._session = snapshot.view.status
        status, detail = self._session, ""
        thinking = snapshot.thinking
        if snapshot.unattended:
            status = "waiting_for_worker"
        elif thinking and thinking.attempt > 1 and thinking.partial is None:
            status, detail = "retrying", f"attempt {thinking.attempt}, after {thinking.failure}"
        mark = digest(status, detail)
        if status and mark != self.at.status:
            self.at = self.at._replace(status=mark)
            yield stream_events.Status(status=status, detail=detail)
