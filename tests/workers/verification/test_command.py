"""``holdfast state repair``."""

import asyncio
import getpass
from pathlib import Path

import pytest

from holdfast_activities.state import upgrade
from holdfast_client.command.main import invoke
from holdfast_temporal import DevServer


async def test_nothing_to_repair_is_reported_also_to_a_user_without_a_name(
    server: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unnamed() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", unnamed)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("HOLDFAST_TASK_QUEUE", "nothing-to-repair")
    await upgrade(url := f"sqlite:///{tmp_path}/state.db")
    code = await asyncio.to_thread(invoke, ["state", "repair", "--url", url])
    out, err = capsys.readouterr()
    assert (code, out, err) == (0, "Nothing needs a repair.\n", "")
