"""A stream shows the complete log, whatever happens between its polls."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast_client.stream.events import StepEnded, ToolEnded, ToolStarted, TurnEnded
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
        return not self.session.thinking

    @precondition(lambda self: self.idle)
    @rule()
    def turn_begins(self) -> None:
        self.session.begin_turn()

    @precondition(lambda self: not self.idle)
    @rule(text=words)
    def model_generates(self, text: str) -> None:
        self.session.generate(text)

    @precondition(lambda self: not self.idle)
    @rule()
    def call_fails(self) -> None:
        self.session.fail()

    @precondition(lambda self: not self.idle)
    @rule(text=words, calls=st.integers(0, 2), same=st.booleans(), inline=st.booleans())
    def step_ends(self, text: str, calls: int, same: bool, inline: bool) -> None:
        replies = (self.session.text or "") + text if same else text
        self.session.end_step(replies, calls=calls or (1 if inline else 0), inline=inline)
        if not inline and not calls:
            self.session.end_turn()

    @rule()
    def viewer_polls(self) -> None:
        self.viewer.poll()

    @precondition(lambda self: not self.idle)
    @rule(text=words)
    def step_ends_during_a_poll(self, text: str) -> None:
        """The pending activities are read before the view, which is newer."""
        before = self.session.pending_call()
        self.session.end_step(text, calls=1)
        self.viewer.poll(Snapshot(thinking=before, view=self.session.view(self.viewer.follower.since)))

    @rule()
    def viewer_polls_without_a_view(self) -> None:
        """No worker answers the view query."""
        self.viewer.poll(Snapshot(thinking=self.session.pending_call()))

    @invariant()
    def events_are_unique(self) -> None:
        if not hasattr(self, "viewer"):
            return
        for cls in (StepEnded, ToolStarted, ToolEnded, TurnEnded):
            events = [event for event in self.viewer.events if isinstance(event, cls)]
            assert len({(e.turn, getattr(e, "step", 0), getattr(e, "seq", 0)) for e in events}) == len(events)

    def teardown(self) -> None:
        if not hasattr(self, "viewer"):
            return
        if self.session.thinking:
            self.session.end_step("the end_turn")
        if self.session.turn and self.session.turn not in self.session.turns:
            self.session.end_turn()
        self.viewer.poll()
        log = self.session.log
        replies = {(e.turn, e.step): e.text for e in log if isinstance(e, ReplyEntry) and e.text}
        assert {place: text for place, text in self.viewer.shown.items() if text} == replies
        ended = [e.seq for e in self.viewer.events if isinstance(e, ToolEnded)]
        assert ended == [e.seq for e in log if isinstance(e, ResultEntry)]
        turns = [e.turn for e in self.viewer.events if isinstance(e, TurnEnded)]
        assert turns == list(range(1, self.session.turn + 1))


Following.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestFollowing = Following.TestCase
