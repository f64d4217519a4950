"""What a person reads in the Temporal UI, in a real browser: a plain run, a team, an approval, a failure, a wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from holdfast import Agent, App, Delegate, Permissions, ask, tool
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, failed, rate_limited, say
from holdfast_temporal import DevServer
from tests.temporal.codec_server.browser import Page, a_page, require_chromium

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


@tool
async def look(at: str) -> str:
    """Look at something.

    Args:
        at: What to look at.
    """
    return f"{at}: seen"


@tool(effect="idempotent")
async def refund(order: int) -> str:
    """Refund an order.

    Args:
        order: Its number.
    """
    return f"{order} refunded"


SHOP = App(
    agents=[
        Agent("clerk", model="openai:clerk", tools=[look]),
        Agent("lead", model="openai:lead", tools=[Delegate("clerk")]),
        Agent(
            "cashier", model="openai:cashier", tools=[refund], permissions=Permissions(rules=(ask("refund"),))
        ),
        Agent("broken", model="openai:broken"),
        Agent("limited", model="openai:limited"),
    ]
)

CALLS = {
    "clerk": call("look", {"at": "the pier"}),
    "lead": call("delegate_to_clerk", {"task": "Look at the pier."}),
    "cashier": call("refund", {"order": 13}),
}


def script(request: Request) -> Reply:
    """Each model calls one tool and answers; two of them never answer."""
    match request.model:
        case "broken":
            return failed(401, "no such key")
        case "limited":
            return rate_limited(600)
        case model:
            return say("Done.") if request.results else CALLS[model]


@dataclass
class Shop:
    """A running shop with the UI of its server, and a browser."""

    holdfast: Environment
    ui: str
    page: Page

    async def run(self, agent: str, *, ends: bool = True) -> str:
        """Start a session; return its address in the UI, once its turn has ended if it ``ends``."""
        session = await self.holdfast.client.start(agent, f"Please help, {agent}.")
        if ends:
            await session.wait(raise_on_error=False)
        found = await self.holdfast.client.temporal.get_workflow_handle(session.id).describe()
        return f"{self.ui}/namespaces/default/workflows/{session.id}/{found.run_id}"

    async def shows(self, run: str, tab: str, *texts: str) -> None:
        """Expect the texts on a tab of a run."""
        await self.page.open(f"{run}/{tab}")
        for text in texts:
            await self.page.shows(text)

    async def details(self, run: str, *texts: str) -> None:
        """Expect the texts in the current details. The UI shows them in a frame, which is opened as a page here."""
        frames = "[...document.querySelectorAll('iframe')].map(each => each.src)"
        last = f"({frames}.filter(each => each).at(-1) || '')"
        await self.page.open(f"{run}/user-metadata")
        for text in texts:
            await self.page.eventually(f"decodeURIComponent({last}).includes({text!r})")
        await self.page.open(await self.page.run(last))
        for text in texts:
            await self.page.shows(text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Shop]:
    browser, folder = require_chromium(), tmp_path_factory.mktemp("ui")
    async with (
        DevServer(Path(folder), memory=True) as server,
        ScriptedModel(script) as model,
        Environment.start(SHOP, model, server=server.address) as holdfast,
        a_page(browser) as page,
    ):
        yield Shop(holdfast, server.ui, page)


async def test_a_plain_run_says_what_was_asked_done_and_answered(shop: Shop) -> None:
    run = await shop.run("clerk")
    await shop.shows(run, "timeline", "think • step 1 · turn 1: Please help, clerk.", "look • at=the pier")
    await shop.details(run, "turn 1", "look(at=the pier)", "Done.")


async def test_a_team_names_the_task_of_each_agent_and_leads_to_it(shop: Shop) -> None:
    run = await shop.run("lead")
    await shop.shows(
        run, "timeline", "delegate_to_clerk • task=Look at the pier.", "clerk: Look at the pier."
    )
    await shop.details(run, "child sessions", "Look at the pier.")


async def test_an_approval_says_what_is_asked_and_what_to_type(shop: Shop) -> None:
    run = await shop.run("cashier", ends=False)
    await shop.shows(run, "timeline", "waits for a person: may refund(order=13) run?")
    await shop.details(run, "waits for a person", "holdfast approve cashier-")


async def test_a_failure_says_why_and_what_to_do(shop: Shop) -> None:
    run = await shop.run("broken")
    await shop.shows(run, "timeline", "think • step 1 · turn 1: Please help, broken.")
    await shop.details(run, "failed", "check the API key", "no such key")


async def test_a_wait_says_for_what_and_until_when(shop: Shop) -> None:
    run = await shop.run("limited", ends=False)
    await shop.shows(run, "timeline", "waiting: ")
    await shop.details(run, "waits", "openai:limited")
