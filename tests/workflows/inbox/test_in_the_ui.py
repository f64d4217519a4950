"""What waits for a person, in the Temporal UI and a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from holdfast.testing import Environment, ScriptedModel, say
from holdfast_temporal import DevServer

from ...support import eventually
from ...temporal.codec_server.browser import Page, a_page, require_chromium
from .test_approvals import PAY, asked, paying

LISTED = 'HoldfastWaiting = "approval"'

REFRESH = """document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "r", code: "KeyR", bubbles: true}));
document.body.dispatchEvent(new KeyboardEvent("keypress", {key: "r", code: "KeyR", bubbles: true}))"""
FRAMES = """Array.from(document.querySelectorAll("iframe"))
    .map(frame => frame.contentDocument?.body?.innerText ?? "").join("\\n")"""


async def details_show(page: Page, *texts: str) -> None:
    """Refresh the current details, which the UI renders in frames, until they show the texts."""

    async def shown() -> bool:
        await page.run(REFRESH)
        found = str(await page.run(FRAMES))
        return all(text in found for text in texts)

    await eventually(shown)


@pytest.mark.slow
async def test_a_pending_approval_is_listed_and_described(tmp_path: Path) -> None:
    browser, paid = require_chromium(), list[Any]()
    async with (
        DevServer(tmp_path / "ui", memory=True) as server,
        ScriptedModel([PAY, say("Done.")]) as model,
        Environment.start(paying(paid), model, server=server.address) as holdfast,
        a_page(browser) as page,
    ):
        session = await holdfast.client.start("helper", "Pay o-7")
        item = await asked(session)
        idle = await holdfast.client.start("helper")
        where = f"{server.ui}/namespaces/default/workflows"

        await page.open(f"{where}?query={quote(LISTED)}")
        await page.shows(session.id)
        assert idle.id not in await page.text()
        await page.open(where)
        await page.shows(idle.id)

        found = await holdfast.temporal.get_workflow_handle(session.id).describe()
        await page.open(f"{where}/{session.id}/{found.run_id}/user-metadata")
        await page.shows("Current Details")
        await details_show(
            page, "waits for a person of role:approver", f"holdfast approve {session.id} {item.id}", "o-7"
        )

        await session.approve(item.id)
        assert (await session.wait()).text == "Done."
        assert paid == [("o-7", 100)]
        await details_show(page, "decided: approve")
