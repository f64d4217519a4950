"""A stream shows the complete log, whatever happens between its polls, and after every reconnection."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast_client.stream.events import StepEnded, ToolEnded, ToolStarted, TurnEnded, TurnStarted
from holdfast_client.stream.snapshot import Snapshot
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry

from .fake_session import FakeSession, Viewer

words = st.sampled_from(["a", "b", "word ", "é", "\x00", "lo" * INLINE_TEXT])


class Following(RuleBasedStateMachine):
    """A session and a viewer that polls at random times."""

    @initialize(max_events=st.sampled_from([1, 2, 5, 300]))
    def open(self, max_events: int) -> None:
        self.session = FakeSession(max_events=max_events)
        self.viewer = Viewer(self.session)

    @property
    def idle(self) -> bool:
        return not self.session.thinking and not self.session.open_calls

    @precondition(lambda self: self.idle)
    @rule()
    def turn_begins(self) -> None:
        self.session.begin_turn()

    @precondition(lambda self: self.session.open_calls)
    @rule(index=st.integers(0, 3))
    def call_ends(self, index: int) -> None:
        self.session.end_call(index)

    @precondition(lambda self: self.viewer.events)
    @rule(data=st.data())
    def viewer_reconnects_after_an_event(self, data: st.DataObject) -> None:
        self.viewer = self.viewer.resumed(data.draw(st.integers(0, len(self.viewer.events) - 1)))

    @precondition(lambda self: self.session.thinking)
    @rule(text=words)
    def model_generates(self, text: str) -> None:
        self.session.generate(text)

    @precondition(lambda self: self.session.thinking)
    @rule()
    def call_fails(self) -> None:
        self.session.fail()

    @precondition(lambda self: self.session.thinking)
    @rule(
        text=words,
        calls=st.integers(0, 3),
        same=st.booleans(),
        how=st.sampled_from(["inline", "parallel", "at once"]),
    )
    def step_ends(self, text: str, calls: int, same: bool, how: str) -> None:
        replies, inline = (self.session.text or "") + text if same else text, how == "inline"
        calls = calls or (1 if inline else 0)
        self.session.end_step(replies, calls=calls, inline=inline, parallel=calls > 0 and how == "parallel")
        if not inline and not calls:
            self.session.end_turn()

    @rule()
    def viewer_polls(self) -> None:
        self.viewer.poll()

    @precondition(lambda self: self.session.thinking)
    @rule(text=words)
    def step_ends_during_a_poll(self, text: str) -> None:
        """The pending activities are read before the view, which is newer."""
        before = self.session.pending_call()
        self.session.end_step(text, calls=1)
        self.viewer.poll(Snapshot(thinking=before, view=self.session.view(self.viewer.follower.at.next)))

    @rule()
    def viewer_polls_without_a_view(self) -> None:
        """No worker answers the view query."""
        self.viewer.poll(Snapshot(thinking=self.session.pending_call()))

    @invariant()
    def events_are_unique(self) -> None:
        if hasattr(self, "viewer"):
            assert_unique(self.viewer)

    def teardown(self) -> None:
        if not hasattr(self, "viewer"):
            return
        while self.session.open_calls:
            self.session.end_call(-1)
        if self.session.thinking:
            self.session.end_step("the end_turn")
        if self.session.turn and self.session.turn not in self.session.turns:
            self.session.end_turn()
        self.viewer.poll()
        assert_complete(self.viewer)
        for index in range(len(self.viewer.events)):
            again = self.viewer.resumed(index)
            again.poll()
            assert_unique(again)
            assert_complete(again)


def assert_unique(viewer: Viewer) -> None:
    for cls in (TurnStarted, StepEnded, ToolStarted, ToolEnded, TurnEnded):
        events = [event for event in viewer.events if isinstance(event, cls)]
        assert len({(e.turn, getattr(e, "step", 0), getattr(e, "seq", 0)) for e in events}) == len(events)


def assert_complete(viewer: Viewer) -> None:
    """Check that the viewer has every turn, step, text and call of the log, each call with its arguments."""
    log, events = viewer.session.log, viewer.events
    replies = {(e.turn, e.step): e.text for e in log if isinstance(e, ReplyEntry)}
    assert {place: text for place, text in viewer.shown.items() if text} == {
        place: text for place, text in replies.items() if text
    }
    assert [(e.turn, e.step) for e in events if isinstance(e, StepEnded)] == list(replies)
    calls = [e.seq for e in log if isinstance(e, ResultEntry)]
    assert sorted(e.seq for e in events if isinstance(e, ToolEnded)) == calls
    assert {e.seq: e.arguments for e in events if isinstance(e, ToolStarted)} == {n: {"of": n} for n in calls}
    for cls in (TurnStarted, TurnEnded):
        turns = [e.turn for e in events if isinstance(e, cls)]
        assert turns == list(range(1, viewer.session.turn + 1))


Following.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestFollowing = Following.TestCase
