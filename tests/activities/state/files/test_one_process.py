"""One process has a file store open; others may read it."""

from pathlib import Path

import pytest

from holdfast_activities.state import open_state, upgrade
from holdfast_activities.state.backup.writing import back_up
from holdfast_workflows.contracts.errors import StateError, StateInUse
from holdfast_workflows.contracts.session.entries import UserEntry

from ..test_processes import go, process, told
from .conftest import read


async def test_a_second_process_may_read_and_back_up_but_not_write(url: str, tmp_path: Path) -> None:
    with process("append.py", url, "s", 0, 1_000_000, "mine") as owner:
        go(owner)
        assert owner.stdout is not None
        lines = [owner.stdout.readline() for _ in range(20)]
        with pytest.raises(StateInUse, match=f"open in process {owner.pid}"):
            await open_state(url)
        with pytest.raises(StateInUse):
            await upgrade(url)
        state = await open_state(url, migrate=False)
        await state.ping()
        seen = {entry.seq for entry in await state.log.read("s", 0)}
        assert told(lines).keys() <= seen
        with pytest.raises(StateInUse, match="may write"):
            await state.save_spec("d", "{}")
        with pytest.raises(StateError, match="may write"):
            await state.log.settle("s", [UserEntry(seq=2_000_000, text="other")])
        await state.close()
        assert (await back_up(url, tmp_path / "backups")).rows > 20
        owner.kill()
    assert len(await read(url)) >= 20
