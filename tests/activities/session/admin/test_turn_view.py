"""The views of stored turns."""

from holdfast_activities.session.admin.content import turn_view
from holdfast_workflows.contracts.session.steps import TurnRecord


def test_a_stored_turn_without_a_reply_has_no_longer_text_in_the_log() -> None:
    cancelled = TurnRecord(turn=1, status="cancelled", reply_seq=2)
    done = TurnRecord(turn=1, status="done", reply_seq=2, reply="Done…")
    assert turn_view(cancelled).reply_size == 0
    assert turn_view(done).reply_size > len(done.reply)
