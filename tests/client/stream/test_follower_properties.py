"""Whatever happens and however rarely somebody looks, the screen ends up showing what was said."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast_client.stream.events import StepEnded, ToolEnded, ToolStarted, TurnEnded
from holdfast_client.stream.snapshot import Snapshot
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry

from .fake_session import Viewer, World

words = st.sampled_from(["a", "b", "word ", "é", "\x00", "lo" * INLINE_TEXT])


class Following(RuleBasedStateMachine):
    """A session lives; one viewer is there from the start, and looks when the rules let it."""

    @initialize(kept=st.sampled_from([1, 2, 5, 300]))
    def open(self, kept: int) -> None:
        self.world = World(kept=kept)
        self.viewer = Viewer(self.world)

    @property
    def idle(self) -> bool:
        return not self.world.thinking

    @precondition(lambda self: self.idle)
    @rule()
    def a_turn_begins(self) -> None:
        self.world.begin()

    @precondition(lambda self: not self.idle)
    @rule(text=words)
    def the_model_speaks(self, text: str) -> None:
        self.world.say(text)

    @precondition(lambda self: not self.idle)
    @rule()
    def the_call_fails(self) -> None:
        self.world.fail()

    @precondition(lambda self: not self.idle)
    @rule(text=words, calls=st.integers(0, 2), same=st.booleans(), inline=st.booleans())
    def a_step_ends(self, text: str, calls: int, same: bool, inline: bool) -> None:
        said = (self.world.text or "") + text if same else text
        self.world.settle(said, calls=calls or (1 if inline else 0), inline=inline)
        if not inline and not calls:
            self.world.end()

    @rule()
    def somebody_looks(self) -> None:
        self.viewer.look()

    @precondition(lambda self: not self.idle)
    @rule(text=words)
    def a_step_ends_within_a_look(self, text: str) -> None:
        """The pending activities are read before the session's account, which knows more."""
        before = self.world.half()
        self.world.settle(text, calls=1)
        self.viewer.look(Snapshot(thinking=before, view=self.world.view(self.viewer.follower.since)))

    @rule()
    def only_the_activities_are_seen(self) -> None:
        """No worker answers for the session's account."""
        self.viewer.look(Snapshot(thinking=self.world.half()))

    @invariant()
    def nothing_is_told_twice(self) -> None:
        if not hasattr(self, "viewer"):
            return
        for cls in (StepEnded, ToolStarted, ToolEnded, TurnEnded):
            events = [event for event in self.viewer.events if isinstance(event, cls)]
            assert len({(e.turn, getattr(e, "step", 0), getattr(e, "seq", 0)) for e in events}) == len(events)

    def teardown(self) -> None:
        if not hasattr(self, "viewer"):
            return
        if self.world.thinking:
            self.world.settle("the end")
        if self.world.turn and self.world.turn not in self.world.turns:
            self.world.end()
        self.viewer.look()
        log = self.world.log
        said = {(e.turn, e.step): e.text for e in log if isinstance(e, ReplyEntry) and e.text}
        assert {place: text for place, text in self.viewer.shown.items() if text} == said
        ended = [e.seq for e in self.viewer.events if isinstance(e, ToolEnded)]
        assert ended == [e.seq for e in log if isinstance(e, ResultEntry)]
        turns = [e.turn for e in self.viewer.events if isinstance(e, TurnEnded)]
        assert turns == list(range(1, self.world.turn + 1))


Following.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestFollowing = Following.TestCase
