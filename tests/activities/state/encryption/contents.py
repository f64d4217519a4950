"""A database with one row of each kind of content, and what a raw search of it finds."""

from sqlalchemy import text

from holdfast_activities.state import State
from holdfast_activities.state.coordination.outbox import OutboxItem
from holdfast_activities.state.log.extras import CachedReplyRow, LogExtras
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import locate
from holdfast_activities.state.setup.tables import METADATA
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import Usage, UserEntry
from holdfast_workflows.contracts.session.manifests import Manifest
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord

CANARY = "canary-40417-canary"


async def write_everything(state: State, session: str) -> None:
    """Write content with the canary wherever the database stores any."""
    await state.open_session(session, "clerk", "d1", "acme", spec=f'{{"instructions": "{CANARY}"}}')
    await state.log.settle_with(session, [UserEntry(seq=1, turn=4, text=CANARY)], _extras(session))
    await state.effects.claim(_effect(f"{session}:2", session, "claimed"), "token")
    await state.effects.mark(f"{session}:2", "unknown", result=CANARY)
    await state.store_text(session, "t1", CANARY)
    await state.settle_turn(_turn(session))
    await state.outbox.add(OutboxItem(f"{session}:o", "acme", session, 1.0, CANARY, answer=CANARY))
    await state.outbox.failed(f"{session}:o", CANARY)


async def read_everything(state: State, session: str) -> list[str]:
    """All content that ``write_everything`` wrote, read back."""
    first, second = [await state.effects.get(f"{session}:{n}") for n in (1, 2)]
    [turn] = await state.load_turns(session)
    item = await state.outbox.get(f"{session}:o")
    [manifest] = await state.manifests.list(session)
    newest = await state.manifests.newest(session)
    assert first
    assert second
    assert item
    assert newest == manifest
    return [
        *(str(entry) for entry in await state.log.read(session, 0)),
        await state.load_spec("d1") or "",
        first[0].arguments, first[0].result, second[0].arguments, second[0].result,
        await state.load_text(session, "t1") or "",
        turn.request, turn.reply, turn.error,
        item.body, item.answer, item.error,
        await state.replies.find(f"acme/{session}", 0.0) or "",
        manifest.strategies[0],
    ]  # fmt: skip


async def raw(url: str) -> str:
    """Every row of every table, as text."""
    engine = make_engine(locate(url))
    try:
        async with engine.connect() as connection:
            found = [
                str((await connection.execute(text(f'SELECT * FROM "{name}"'))).all())
                for name in METADATA.tables
            ]
    finally:
        await engine.dispose()
    return "\n".join(found)


def _extras(session: str) -> LogExtras:
    return LogExtras(
        effects=[_effect(f"{session}:1", session, "settled", CANARY)],
        cached=CachedReplyRow(f"acme/{session}", f'{{"text": "{CANARY}"}}', 5.0),
        manifest=Manifest(
            session=session, seq=2, turn=4, step=1, model="m", context_window=1, reserve=1, budget=1, estimated=1,
            strategies=(CANARY,),
        ),
    )  # fmt: skip


def _effect(key: str, session: str, status: str, result: str = "") -> EffectView:
    return EffectView.model_validate(
        {
            "key": key, "session": session, "seq": 1, "turn": 1, "agent": "a", "tenant": "t", "tool": "pay",
            "effect": "once", "status": status, "arguments": f'{{"to": "{CANARY}"}}', "result": result,
            "claimed": 1.5, "settled": 2.5,
        }
    )  # fmt: skip


def _turn(session: str) -> SettleInput:
    turn = TurnRecord(turn=1, status="done", request=CANARY, reply=CANARY, error=CANARY)
    return SettleInput(
        session=session,
        agent="clerk",
        digest="d1",
        version=0,
        status="idle",
        seq=3,
        turns=1,
        usage=Usage(),
        turn=turn,
    )
