"""Events of a stream from snapshots of a session."""

from __future__ import annotations

from holdfast_client.stream import events as stream_events
from holdfast_client.stream.snapshot import PendingModelCall, PendingToolCall, Snapshot
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event

from .fake_session import FakeSession, Viewer

LONG = "word " * INLINE_TEXT


def kinds(events: list[stream_events.StreamEvent]) -> list[str]:
    return [event.kind for event in events]


def test_text_arrives_as_deltas() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll()
    session.generate("Good ")
    assert viewer.poll() == [stream_events.TextDelta(turn=1, step=1, text="Good ")]
    assert viewer.poll() == []
    session.generate("morning")
    assert viewer.poll() == [stream_events.TextDelta(turn=1, step=1, text="morning")]


def test_a_step_that_ends_between_polls_is_completed() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    session.generate("Good ")
    viewer.poll()
    session.end_step("Good morning.")
    session.end_turn()
    events = viewer.poll()
    assert kinds(events) == ["text", "step_ended", "turn_ended", "status"]
    assert viewer.shown == {(1, 1): "Good morning."}
    ended = events[2]
    assert isinstance(ended, stream_events.TurnEnded)
    assert (ended.reply.text, ended.reply.status) == ("Good morning.", "done")


def test_a_new_attempt_restarts_the_text() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    session.generate("I begin_step that")
    viewer.poll()
    session.fail()
    assert kinds(viewer.poll()) == ["text_restart", "status"]
    session.generate("Bees dance")
    assert viewer.poll() == [
        stream_events.TextDelta(turn=1, step=1, text="Bees dance"),
        stream_events.Status(status="running"),
    ]


def test_an_unseen_failed_attempt_still_restarts_the_text() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    session.generate("I begin_step that")
    viewer.poll()
    session.fail()
    session.generate("I begin_step that bees")
    assert viewer.poll() == [
        stream_events.TextRestart(turn=1, step=1, attempt=2),
        stream_events.TextDelta(turn=1, step=1, text="I begin_step that bees"),
    ]


def test_an_attempt_without_text_is_retrying() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll()
    poll = Snapshot(thinking=PendingModelCall(str(session.activity), 2, failure="rate_limited: slow down"))
    assert viewer.poll(poll) == [
        stream_events.Status(status="retrying", detail="attempt 2, after rate_limited: slow down")
    ]
    assert viewer.poll(poll) == []


def test_text_that_does_not_continue_is_a_restart() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    session.generate("one way")
    viewer.poll()
    session.end_step("another way")
    assert kinds(viewer.poll()) == ["text_restart", "text", "step_ended"]
    assert viewer.shown[1, 1] == "another way"


def test_a_late_reader_gets_the_text_so_far() -> None:
    session = FakeSession()
    session.begin_turn()
    session.end_step("Let me poll.", calls=2)
    session.generate("So: ")
    viewer = Viewer(session)
    viewer.poll()
    assert viewer.shown == {(1, 1): "Let me poll.", (1, 2): "So: "}


def test_a_late_reader_gets_the_beginning_of_a_long_turn_from_the_log() -> None:
    session = FakeSession(max_events=3)
    session.begin_turn()
    for step in range(10):
        session.end_step(f"step {step}", calls=1)
    session.generate("now")
    viewer = Viewer(session)
    viewer.poll()
    assert [viewer.shown[1, step] for step in range(1, 12)] == [*(f"step {n}" for n in range(10)), "now"]
    assert sum(isinstance(event, stream_events.ToolEnded) for event in viewer.events) == 10


def test_dropped_events_are_read_from_the_log() -> None:
    session = FakeSession(max_events=2)
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll()
    for step in range(5):
        session.end_step(f"step {step}", calls=1)
    session.end_step("done")
    session.end_turn()
    viewer.poll()
    assert viewer.shown[1, 6] == "done"
    assert sum(isinstance(event, stream_events.StepEnded) for event in viewer.events) == 6
    assert viewer.follower.at.ended == 1


def test_inline_steps_are_emitted_while_they_run() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll()
    session.end_step("first", calls=1, inline=True)
    session.end_step("second", calls=1, inline=True)
    session.generate("third")
    events = viewer.poll()
    assert kinds(events) == [
        "text", "step_ended", "tool_started", "tool_ended",
        "text", "step_ended", "tool_started", "tool_ended",
        "text",
    ]  # fmt: skip
    session.end_step("third.")
    session.end_turn()
    assert kinds(viewer.poll()) == ["text", "step_ended", "turn_ended", "status"]


def test_a_long_reply_is_never_completed_by_the_text_of_a_lost_attempt() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    session.generate(LONG + "a")
    viewer.poll()
    session.fail()
    session.end_step(LONG + "b")  # the same size and the same beginning
    session.end_turn()
    viewer.poll()
    ended = viewer.events[-2]
    assert isinstance(ended, stream_events.TurnEnded)
    assert viewer.shown[1, 1] == ended.reply.text == LONG + "b"


def test_a_long_reply_is_fetched() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    session.generate(LONG[:100])
    viewer.poll()
    session.end_step(LONG)
    session.end_turn()
    viewer.poll()
    assert viewer.shown[1, 1] == LONG


def test_turns_before_the_first_are_not_emitted() -> None:
    session = FakeSession()
    for _ in range(3):
        session.begin_turn()
        session.end_step("yes")
        session.end_turn()
    viewer = Viewer(session, first=3)
    viewer.poll()
    assert {place[0] for place in viewer.shown} == {3}


def test_an_old_turn_is_streamed_from_the_log() -> None:
    session = FakeSession(max_events=2)
    for _ in range(3):
        session.begin_turn()
        session.end_step("yes")
        session.end_turn()
    viewer = Viewer(session, first=1)
    viewer.poll()
    ended = [event for event in viewer.events if isinstance(event, stream_events.TurnEnded)]
    assert [(event.turn, event.reply.text) for event in ended] == [(1, "yes"), (2, "yes"), (3, "yes")]


def test_tool_progress_and_retries_are_emitted() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll()
    running = Snapshot(tools=(PendingToolCall("7", "dig", 1, "pending_call way"),))
    assert viewer.poll(running) == [
        stream_events.ToolProgress(turn=1, name="dig", detail="pending_call way", attempt=1)
    ]
    assert viewer.poll(running) == []
    again = Snapshot(tools=(PendingToolCall("7", "dig", 2, "tool_failed: rock"),))
    assert viewer.poll(again) == [
        stream_events.ToolProgress(turn=1, name="dig", detail="tool_failed: rock", attempt=2)
    ]


def test_waiting_for_a_worker_is_emitted_once() -> None:
    viewer = Viewer(FakeSession())
    assert viewer.poll(Snapshot(unattended=True)) == [stream_events.Status(status="waiting_for_worker")]
    assert viewer.poll(Snapshot(unattended=True)) == []


def waiting(session: FakeSession, *waits: InboxItem, waiting_for: str = "") -> Snapshot:
    return Snapshot(view=session.view(0).model_copy(update={"inbox": waits, "waiting_for": waiting_for}))


def test_a_pending_decision_is_emitted_once_per_request() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    wait = InboxItem(id="s-3", kind="effect", what="did it happen?", since=5.0)
    assert kinds(viewer.poll(waiting(session, wait))) == ["turn_started", "needs_person", "status"]
    assert viewer.poll(waiting(session, wait)) == []
    again = wait.model_copy(update={"since": 9.0})
    assert viewer.poll(waiting(session, again)) == [
        stream_events.NeedsPerson(turn=1, item_id="s-3", about="effect", what="did it happen?", since=9.0)
    ]
    assert viewer.poll(waiting(session)) == []


def test_each_wait_is_emitted_once() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll(waiting(session))
    assert viewer.poll(waiting(session, waiting_for="no provider; until 12:00")) == [
        stream_events.Waiting(turn=1, reason="no provider; until 12:00")
    ]
    assert viewer.poll(waiting(session, waiting_for="no provider; until 12:00")) == []
    viewer.poll(waiting(session))
    assert viewer.poll(waiting(session, waiting_for="no provider; until 12:00")) == []
    assert kinds(viewer.poll(waiting(session, waiting_for="no provider; until 12:05"))) == ["waiting"]


def test_other_events_keep_their_order_among_the_steps() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.begin_turn()
    place = Event(n=0, kind="decided", turn=1, step=1)
    session.emit(
        place.model_copy(update={"call_id": "s-3", "status": "confirm", "text": "yes", "name": "Ann"})
    )
    session.emit(place.model_copy(update={"kind": "budget", "text": "raised", "status": "raised"}))
    session.emit(place.model_copy(update={"kind": "model_changed", "name": "b:m", "text": "a:m: key"}))
    session.end_step("Sorry.")
    session.emit(place.model_copy(update={"kind": "fallback", "name": "cached", "text": "Sorry."}))
    session.emit(place.model_copy(update={"kind": "undone", "seq": 3, "name": "pay", "status": "ok"}))
    session.end_turn()
    assert viewer.poll()[1:-2] == [
        stream_events.Decided(turn=1, item_id="s-3", action="confirm", text="yes", by="Ann"),
        stream_events.BudgetChanged(turn=1, step=1, text="raised", raised=True),
        stream_events.ModelChanged(turn=1, step=1, model="b:m", reason="a:m: key"),
        stream_events.TextDelta(turn=1, step=1, text="Sorry."),
        stream_events.StepEnded(turn=1, step=1, text="Sorry.", usage=Usage()),
        stream_events.FallbackUsed(turn=1, step=1, fallback="cached", text="Sorry."),
        stream_events.Undone(turn=1, step=1, seq=3, name="pay", status="ok", result=""),
    ]


def test_raising_a_budget_does_not_start_a_turn() -> None:
    session = FakeSession()
    viewer = Viewer(session)
    session.emit(Event(n=0, kind="budget", turn=1, text="raised", status="raised"))
    assert kinds(viewer.poll()) == ["budget", "status"]
    session.begin_turn()
    assert viewer.poll()[0] == stream_events.TurnStarted(turn=1, text="question 1")


def test_dropped_results_of_parallel_calls_are_read_from_the_log() -> None:
    session = FakeSession(max_events=2)
    viewer = Viewer(session)
    session.begin_turn()
    viewer.poll()
    session.end_step("Three at once.", calls=3, parallel=True)
    for index in (1, 0, 0):  # the second call ends first, and its event is dropped
        session.end_call(index)
    viewer.poll()
    assert sorted(event.seq for event in viewer.events if isinstance(event, stream_events.ToolEnded)) == [
        3,
        4,
        5,
    ]
