"""A code tool in a session."""

from __future__ import annotations

from holdfast import Agent, App, CodeTool
from holdfast.testing import call, say
from holdfast_workflows.contracts.session.entries import ResultEntry
from tests import sandbox

from ..conftest import Start


async def test_the_model_reads_what_its_program_printed(start: Start) -> None:
    await sandbox.needed()
    asked = [
        call("run_code", {"code": code}) for code in ("print(6 * 7)", "open('/etc/shadow')", "while 1: pass")
    ]
    app = App(agents=[Agent("coder", model="openai:scripted", tools=[CodeTool(timeout=1)])])
    async with start([*asked, say("Done.")], app) as it:
        session = await it.holdfast.client.start("coder", "Go")
        assert (await session.wait()).text == "Done."
        results = [entry async for entry in session.log() if isinstance(entry, ResultEntry)]
    assert [entry.status for entry in results] == ["ok", "ok", "ok"]
    assert results[0].text == "exit code 0\n\n42"
    assert "No such file or directory: '/etc/shadow'" in results[1].text
    assert results[2].text == "stopped: it did not end within 1 s"
