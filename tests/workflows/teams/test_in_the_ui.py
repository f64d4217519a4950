"""A team in the Temporal UI and a real browser."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from holdfast import App, Delegate
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast_temporal import DevServer

from ...support import Gate
from ...temporal.codec_server.browser import a_page, require_chromium
from ..inbox.test_in_the_ui import details_show
from .team import agent, by_agent, hold_tool


@pytest.mark.slow
async def test_a_team_is_drawn_listed_and_described(tmp_path: Path) -> None:
    browser, gate = require_chromium(), Gate()
    writer = agent("writer", tools=[hold_tool(gate)])
    app = App(agents=[agent("lead", tools=[Delegate(writer)]), writer])

    def write(request: Request) -> Reply:
        return say("Written.") if request.results else call("hold")

    task = call("delegate_to_writer", {"task": "Chapter one."})
    async with (
        DevServer(tmp_path / "ui", memory=True) as server,
        ScriptedModel(by_agent(lead=[task, say("Done.")], writer=write)) as model,
        Environment.start(app, model, server=server.address) as holdfast,
        a_page(browser) as page,
    ):
        session = await holdfast.client.start("lead", "A book, please.")
        other = await holdfast.client.start("lead")
        await gate.arrived()
        team = (await session.view()).team
        assert team is not None
        [child] = team.running
        where = f"{server.ui}/namespaces/default/workflows"
        run = f"{where}/{session.id}/{(await holdfast.temporal.get_workflow_handle(session.id).describe()).run_id}"

        query = f'RootWorkflowId = "{session.id}"'
        await page.open(f"{where}?query={quote(query)}")
        await page.shows(child.session)
        assert other.id not in await page.text()

        await page.open(f"{run}/relationships")
        await page.shows(child.session)

        await page.open(f"{run}/user-metadata")
        await page.shows("Current Details")
        await details_show(page, "writer runs since", child.session, "Chapter one.", "1 running")
        gate.opened.set()
        assert (await session.wait()).text == "Done."
        await details_show(page, "child sessions: 1 ended", "done")
