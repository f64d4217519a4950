"""From looks at a session to the events of a stream."""

from __future__ import annotations

from holdfast_client.stream import events as stream_events
from holdfast_client.stream.snapshot import Snapshot, Thinking, Tooling
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.operations.effects import PendingDecision
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event

from .fake_session import Viewer, World

LONG = "word " * INLINE_TEXT


def kinds(events: list[stream_events.StreamEvent]) -> list[str]:
    return [event.kind for event in events]


def test_text_comes_as_what_is_new_since_the_last_look() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    viewer.look()
    world.say("Good ")
    assert viewer.look() == [stream_events.TextDelta(1, 1, "Good ")]
    assert viewer.look() == []
    world.say("morning")
    assert viewer.look() == [stream_events.TextDelta(1, 1, "morning")]


def test_a_step_that_ends_between_looks_is_completed_by_its_whole_text() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    world.say("Good ")
    viewer.look()
    world.settle("Good morning.")
    world.end()
    events = viewer.look()
    assert kinds(events) == ["text", "step_ended", "turn_ended", "status"]
    assert viewer.shown == {(1, 1): "Good morning."}
    ended = events[2]
    assert isinstance(ended, stream_events.TurnEnded)
    assert (ended.reply.text, ended.reply.status) == ("Good morning.", "done")


def test_a_new_attempt_is_a_restart_and_never_mixed_with_the_one_before() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    world.say("I think that")
    viewer.look()
    world.fail()
    assert kinds(viewer.look()) == ["text_restart", "status"]
    world.say("Bees dance")
    assert viewer.look() == [stream_events.TextDelta(1, 1, "Bees dance"), stream_events.Status("running")]


def test_a_failed_attempt_nobody_saw_still_restarts_the_text() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    world.say("I think that")
    viewer.look()
    world.fail()
    world.say("I think that bees")
    assert viewer.look() == [
        stream_events.TextRestart(1, 1, 2),
        stream_events.TextDelta(1, 1, "I think that bees"),
    ]


def test_an_attempt_that_said_nothing_is_told_as_retrying() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    viewer.look()
    look = Snapshot(thinking=Thinking(str(world.activity), 2, failure="rate_limited: slow down"))
    assert viewer.look(look) == [stream_events.Status("retrying", "attempt 2, after rate_limited: slow down")]
    assert viewer.look(look) == []


def test_text_that_does_not_go_on_is_a_restart() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    world.say("one way")
    viewer.look()
    world.settle("another way")
    assert kinds(viewer.look()) == ["text_restart", "text", "step_ended"]
    assert viewer.shown[1, 1] == "another way"


def test_a_viewer_who_comes_late_gets_the_whole_text_so_far() -> None:
    world = World()
    world.begin()
    world.settle("Let me look.", calls=2)
    world.say("So: ")
    viewer = Viewer(world)
    viewer.look()
    assert viewer.shown == {(1, 1): "Let me look.", (1, 2): "So: "}


def test_a_viewer_who_comes_late_to_a_long_turn_gets_its_beginning_from_the_log() -> None:
    world = World(kept=3)
    world.begin()
    for step in range(10):
        world.settle(f"step {step}", calls=1)
    world.say("now")
    viewer = Viewer(world)
    viewer.look()
    assert [viewer.shown[1, step] for step in range(1, 12)] == [*(f"step {n}" for n in range(10)), "now"]
    assert sum(isinstance(event, stream_events.ToolEnded) for event in viewer.events) == 10


def test_events_that_were_dropped_between_looks_come_from_the_log() -> None:
    world = World(kept=2)
    viewer = Viewer(world)
    world.begin()
    viewer.look()
    for step in range(5):
        world.settle(f"step {step}", calls=1)
    world.settle("done")
    world.end()
    viewer.look()
    assert viewer.shown[1, 6] == "done"
    assert sum(isinstance(event, stream_events.StepEnded) for event in viewer.events) == 6
    assert viewer.follower.ended_turn == 1


def test_the_steps_of_a_burst_are_told_while_it_runs() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    viewer.look()
    world.settle("first", calls=1, inline=True)
    world.settle("second", calls=1, inline=True)
    world.say("third")
    events = viewer.look()
    assert kinds(events) == [
        "text", "step_ended", "tool_started", "tool_ended",
        "text", "step_ended", "tool_started", "tool_ended",
        "text",
    ]  # fmt: skip
    world.settle("third.")
    world.end()
    assert kinds(viewer.look()) == ["text", "step_ended", "turn_ended", "status"]


def test_a_long_reply_that_was_shown_whole_is_not_fetched() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    world.say(LONG)
    viewer.look()
    world.settle(LONG)
    world.end()
    world.log.clear()  # fetching would fail
    viewer.look()
    ended = viewer.events[-2]
    assert isinstance(ended, stream_events.TurnEnded)
    assert ended.reply.text == LONG


def test_a_long_reply_that_was_not_shown_is_fetched() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    world.say(LONG[:100])
    viewer.look()
    world.settle(LONG)
    world.end()
    viewer.look()
    assert viewer.shown[1, 1] == LONG


def test_turns_before_the_first_wanted_are_not_told() -> None:
    world = World()
    for _ in range(3):
        world.begin()
        world.settle("yes")
        world.end()
    viewer = Viewer(world, first=3)
    viewer.look()
    assert {place[0] for place in viewer.shown} == {3}


def test_a_turn_that_ended_long_ago_is_told_from_the_log() -> None:
    world = World(kept=2)
    for _ in range(3):
        world.begin()
        world.settle("yes")
        world.end()
    viewer = Viewer(world, first=1)
    viewer.look()
    ended = [event for event in viewer.events if isinstance(event, stream_events.TurnEnded)]
    assert [(event.turn, event.reply.text) for event in ended] == [(1, "yes"), (2, "yes"), (3, "yes")]


def test_a_tool_says_how_far_it_is_and_when_it_is_tried_again() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    viewer.look()
    running = Snapshot(tools=(Tooling("7", "dig", 1, "half way"),))
    assert viewer.look(running) == [stream_events.ToolProgress(1, "dig", "half way", 1)]
    assert viewer.look(running) == []
    again = Snapshot(tools=(Tooling("7", "dig", 2, "tool_failed: rock"),))
    assert viewer.look(again) == [stream_events.ToolProgress(1, "dig", "tool_failed: rock", 2)]


def test_work_that_no_worker_takes_is_told_once() -> None:
    viewer = Viewer(World())
    assert viewer.look(Snapshot(unattended=True)) == [stream_events.Status("waiting_for_worker")]
    assert viewer.look(Snapshot(unattended=True)) == []


def waiting(world: World, *waits: PendingDecision, parked: str = "") -> Snapshot:
    return Snapshot(view=world.view(0).model_copy(update={"pending_decisions": waits, "waiting_for": parked}))


def test_what_a_session_waits_for_is_told_once_and_again_when_it_is_asked_again() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    wait = PendingDecision(id="s-3", kind="effect", what="did it happen?", since=5.0)
    assert kinds(viewer.look(waiting(world, wait))) == ["turn_started", "needs_person", "status"]
    assert viewer.look(waiting(world, wait)) == []
    again = wait.model_copy(update={"since": 9.0})
    assert viewer.look(waiting(world, again)) == [
        stream_events.NeedsPerson(1, "s-3", "effect", "did it happen?", 9.0)
    ]
    assert viewer.look(waiting(world)) == []


def test_each_park_is_told_once_however_often_it_wakes_to_look() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    viewer.look(waiting(world))
    assert viewer.look(waiting(world, parked="no provider; until 12:00")) == [
        stream_events.Waiting(1, "no provider; until 12:00")
    ]
    assert viewer.look(waiting(world, parked="no provider; until 12:00")) == []
    viewer.look(waiting(world))
    assert viewer.look(waiting(world, parked="no provider; until 12:00")) == []
    assert kinds(viewer.look(waiting(world, parked="no provider; until 12:05"))) == ["waiting"]


def test_what_is_told_beside_the_steps_keeps_its_place_among_them() -> None:
    world = World()
    viewer = Viewer(world)
    world.begin()
    place = Event(n=0, kind="decided", turn=1, step=1)
    world.tell(place.model_copy(update={"call_id": "s-3", "status": "confirm", "text": "yes", "name": "Ann"}))
    world.tell(place.model_copy(update={"kind": "budget", "text": "raised", "status": "raised"}))
    world.tell(place.model_copy(update={"kind": "model_changed", "name": "b:m", "text": "a:m: key"}))
    world.settle("Sorry.")
    world.tell(place.model_copy(update={"kind": "fallback", "name": "cached", "text": "Sorry."}))
    world.tell(place.model_copy(update={"kind": "undone", "seq": 3, "name": "pay", "status": "ok"}))
    world.end()
    assert viewer.look()[1:] == [
        stream_events.Decided(1, "s-3", "confirm", "yes", "Ann"),
        stream_events.BudgetChanged(1, 1, "raised", raised=True),
        stream_events.ModelChanged(1, 1, "b:m", "a:m: key"),
        stream_events.TextDelta(1, 1, "Sorry."),
        stream_events.StepEnded(1, 1, "Sorry.", Usage()),
        stream_events.FallbackUsed(1, 1, "cached", "Sorry."),
        stream_events.Undone(1, 1, 3, "pay", "ok", ""),
        *viewer.events[-2:],
    ]


def test_a_budget_that_is_raised_before_a_turn_begins_does_not_begin_it() -> None:
    world = World()
    viewer = Viewer(world)
    world.tell(Event(n=0, kind="budget", turn=1, text="raised", status="raised"))
    assert kinds(viewer.look()) == ["budget", "status"]
    world.begin()
    assert viewer.look()[0] == stream_events.TurnStarted(1, "question 1")
