"""An encrypted run in the Temporal UI, in a real browser, with the codec server and without."""

import secrets
from pathlib import Path

import pytest

from holdfast import Agent, App, Client
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_temporal import DevServer
from holdfast_temporal.codec_server.access import Access, hash_of
from holdfast_temporal.codec_server.server import CodecServer
from holdfast_temporal.encryption.keyring import Keyring
from tests.temporal.encryption.keys import write_keys

from .browser import Page, a_page, require_chromium

pytestmark = pytest.mark.slow

CANARY = "canary-30994"
CLERK = App(agents=[Agent("clerk", model="openai:gpt-test", instructions="Answer.")])


@pytest.fixture
def keys(tmp_path: Path) -> str:
    write_keys(tmp_path / "keys", "k1")
    return f"file:{tmp_path / 'keys'}"


async def a_run(client: Client) -> str:
    """A session with an answered message; the end of its address in the UI."""
    session = await client.start("clerk", f"Find {CANARY}.")
    await session.wait()
    found = await client.temporal.get_workflow_handle(session.id).describe()
    return f"namespaces/default/workflows/{session.id}/{found.run_id}"


async def open_history(page: Page, ui: str, run: str) -> None:
    """Open a run's history, and wait until all of its events are shown."""
    await page.open(f"{ui}/{run}/history")
    await page.shows("settle_turn")


async def test_the_ui_shows_an_encrypted_run_through_the_codec_server(tmp_path: Path, keys: str) -> None:
    browser, token = require_chromium(), secrets.token_urlsafe(32)
    allowed = Access({"ui": hash_of(token)}, frozenset({"default"}), set(), token_in_path=True)
    codec = CodecServer(Keyring(keys), allowed)
    port = await codec.listen("127.0.0.1", 0)
    async with (
        DevServer(tmp_path / "ui", memory=True, codec_endpoint=f"http://127.0.0.1:{port}/{token}") as server,
        ScriptedModel([say(f"It is {CANARY}.")]) as model,
        Environment.start(CLERK, model, server=server.address, keys=keys) as holdfast,
        a_page(browser) as page,
    ):
        allowed.origins.add(server.ui)
        run = await a_run(holdfast.client)
        await open_history(page, server.ui, run)
        await page.shows(f"Find {CANARY}.")  # the input
        await page.shows("settle turn 1 done")  # a summary
        await page.open(f"{server.ui}/{run}/memo")
        await page.shows(f'"message": "Find {CANARY}."')

        allowed.origins.clear()  # the page of another origin
        await open_history(page, server.ui, run)
        await page.shows("Summary")
        assert CANARY not in await page.text()
    codec.close()


async def test_the_ui_shows_no_text_of_an_encrypted_run_without_it(tmp_path: Path, keys: str) -> None:
    browser = require_chromium()
    async with (
        DevServer(tmp_path / "ui", memory=True) as server,
        ScriptedModel([say(f"It is {CANARY}.")]) as model,
        Environment.start(CLERK, model, server=server.address, keys=keys) as holdfast,
        a_page(browser) as page,
    ):
        run = await a_run(holdfast.client)
        await open_history(page, server.ui, run)
        text = await page.text()
        assert "Workflow Execution Update Completed" in text
        assert CANARY not in text
        assert "settle turn 1 done" not in text
