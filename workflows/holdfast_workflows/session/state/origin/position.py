"""Where a session begins in its log: after a fork's copy, an earlier session of its id, or a reset."""

from holdfast_workflows.contracts.session.steps import LoadResult

from ..state import SessionState


def resume(state: SessionState, loaded: LoadResult) -> None:
    """Continue after what the session, or an earlier one of the same id, has written."""
    forked = state.start.fork is not None
    if forked:  # begun where the other session was
        state.seq, state.version = max(state.seq, loaded.seq), loaded.version
    else:
        state.resume_at(loaded.seq, loaded.turns, loaded.version)
    state.trail.verified(state.start.tenant)
    state.trail.at_once = loaded.appends_audit
    if loaded.abandoned:  # reset to the beginning: loading has set it aside
        state.turns = max(state.turns, loaded.used)
        state.abandoned, state.resets = loaded.abandoned, loaded.resets
        state.resets_done = state.resets_past = state.resets_seen
        state.orphans = loaded.spec.delegates
    if not forked and loaded.seq > 1 and (loaded.turns or not loaded.abandoned):
        state.untrusted = "an earlier session of this id"
    elif state.start.parent is not None:
        state.untrusted = state.start.parent.untrusted
