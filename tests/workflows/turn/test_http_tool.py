"""An HTTP tool in a session."""

from __future__ import annotations

from holdfast import Agent, App, HttpTool
from holdfast.testing import call, say
from holdfast_workflows.contracts.session.entries import ResultEntry
from tests.activities.tools.http.sites import site

from ..conftest import Start


async def test_the_model_reads_the_response_and_which_rule_refused(start: Start) -> None:
    async with site() as shop, site() as canary:
        inside = f"http://127.0.0.1:{shop.port}"
        web = HttpTool("web", allow=["http://*"], private={inside: "127.0.0.0/8"}, methods=["GET", "POST"])
        asked = [
            call("web", {"url": f"{inside}/a"}),
            call("web", {"url": f"{inside}/b", "method": "POST", "body": "{}"}),
            call("web", {"url": f"http://127.0.0.1:{canary.port}/"}),
            call("web", {"url": "http://127.0.0.1/"}),
        ]
        app = App(agents=[Agent("clerk", model="openai:scripted", tools=[web])])
        async with start([*asked, say("Done.")], app) as it:
            session = await it.holdfast.client.start("clerk", "Go")
            assert (await session.wait()).text == "Done."
            results = [entry async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert [(entry.method, entry.path) for entry in shop.asked] == [("GET", "/a"), ("POST", "/b")]
        assert not canary.asked
    assert [entry.status for entry in results] == ["ok", "ok", "failed", "failed"]
    assert results[0].text.endswith("\n\nhello")
    assert "rule 'allow_list'" in results[2].text
    assert "rule 'loopback'" in results[3].text
    assert "HttpTool(private={…})" in results[3].text
