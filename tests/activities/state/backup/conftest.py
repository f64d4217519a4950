"""A database with content that a worker could have written, and places for its backups."""

from pathlib import Path

import pytest

from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, Usage, UserEntry
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord
from tests.support import NUL_AND_SURROGATE

from ..encryption.contents import write_everything


@pytest.fixture
async def filled(empty_url: str) -> str:
    """The URL of a database with a row in most tables."""
    await _fill(empty_url)
    return empty_url


@pytest.fixture
async def sqlite_filled(tmp_path: Path) -> str:
    """The same in SQLite, for what does not depend on the database."""
    url = f"sqlite:///{tmp_path / 'filled.db'}"
    await _fill(url)
    return url


@pytest.fixture
async def sound(tmp_path: Path) -> str:
    """The URL of a database of one session, in which a worker could go on."""
    url = f"sqlite:///{tmp_path / 'sound.db'}"
    state = await open_state(url)
    await write_session(state, "s")
    await state.append_audit(AuditRecord(id="a", kind="operator", action="paused", tenant="acme"))
    await state.close()
    return url


async def _fill(url: str) -> None:
    state = await open_state(url, migrate=True)
    await write_everything(state, "all")
    await write_session(state, "s")
    await state.append_audit(AuditRecord(id="a", kind="operator", action="paused", tenant="acme"))
    await state.close()


async def write_session(state: State, session: str, *, reply: str = NUL_AND_SURROGATE) -> None:
    """A session with one turn, as a worker writes it."""
    spec = AgentSpec(name="clerk", instructions="Help.", models=("openai:a",))
    await state.open_session(session, "clerk", "d2", "acme", "ann", spec=spec.model_dump_json())
    entries: list[Entry] = [UserEntry(seq=1, turn=1, text="One."), ReplyEntry(seq=2, turn=1, text=reply)]
    await state.log.settle(session, entries)
    turn = TurnRecord(turn=1, status="done", request="One.", reply=reply, reply_seq=2, steps=1)
    usage = Usage(input_tokens=3, output_tokens=2, cost=0.1 + 0.2)
    change = SettleInput(
        session=session, agent="clerk", digest="d2", tenant="acme", version=0, status="idle", seq=3, turns=1, usage=usage, turn=turn,
    )  # fmt: skip
    await state.settle_turn(change)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"
