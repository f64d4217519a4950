"""``holdfast dev --reload``, with a session that goes on over every version of the App."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest

from holdfast.testing import Reply, Request, ScriptedModel, call, say, unframed
from holdfast_client import connect
from holdfast_temporal import DevServer

from ..running import Running, eventually, started

APP = """
from holdfast import Agent, App, tool
from parts.prices import PRICE

@tool
async def price() -> str:
    \"\"\"The price.\"\"\"
    return PRICE

app = App(agents=[Agent("{agent}", model="openai:scripted", tools=[price])])
"""


def answer(request: Request) -> Reply:
    """Ask for the price in every turn, and repeat the result."""
    last = request.messages[-1]
    return call("price", {}) if last["role"] == "user" else say(unframed(str(last["content"])))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP.format(agent="clerk"))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "prices.py").write_text("PRICE = '7 euros'\n")
    return tmp_path


def settings(folder: Path, model: ScriptedModel) -> dict[str, str]:
    provider = {"openai": {"kind": "openai", "base_url": model.openai_url}}
    return {"home": str(folder / ".holdfast"), "providers": json.dumps(provider)}


async def test_a_session_goes_on_with_the_changed_app_and_with_the_old_one_while_a_file_is_broken(
    folder: Path,
) -> None:
    prices = folder / "parts" / "prices.py"
    async with (
        ScriptedModel(answer) as model,
        started("dev", "shop:app", "--no-ui", "--reload", cwd=folder, **settings(folder, model)) as dev,
    ):
        await dev.said("worker started")
        server = DevServer.find(folder / ".holdfast")
        assert server is not None
        client = await connect(server.address, task_queue="holdfast", timeout=60)
        session = await client.start("clerk", "How much?")
        assert (await session.wait(timeout=60)).text == "7 euros"

        prices.write_text("PRICE = '18 euros'\n")
        await loads(dev, 2)
        assert "parts/prices.py changed: loading the App again" in dev.text
        assert (await session.send("And now?", timeout=60)).text == "18 euros"

        prices.write_text("PRICE = = 1\n")
        await dev.said("waiting for the next change. The workers go on with the App as it was.")
        assert "holdfast: The App's module cannot be imported" in dev.text
        assert "prices.py, line 1" in dev.text
        assert (await session.send("Still?", timeout=60)).text == "18 euros"

        prices.write_text("PRICE = '199 euros'\n")
        await loads(dev, 3)
        assert (await session.send("At last?", timeout=60)).text == "199 euros"
        children = psutil.Process(dev.process.pid).children(recursive=True)
        dev.signal(signal.SIGINT)
        assert await dev.ended() == 0
        assert not psutil.wait_procs(children, timeout=20)[1]


async def loads(dev: Running, times: int) -> None:
    """Wait until as many workers have started."""
    await eventually(lambda: dev.text.count("worker started") == times)


async def test_a_renamed_agent_is_served_after_the_reload(folder: Path) -> None:
    async with (
        ScriptedModel(answer) as model,
        started("dev", "shop:app", "--no-ui", "--reload", cwd=folder, **settings(folder, model)) as dev,
    ):
        await dev.said("worker started")
        (folder / "shop.py").write_text(APP.format(agent="salesclerk"))
        await loads(dev, 2)
        await dev.said("agents: salesclerk")
        server = DevServer.find(folder / ".holdfast")
        assert server is not None
        client = await connect(server.address, task_queue="holdfast", timeout=60)
        assert await client.run("salesclerk", "How much?") == "7 euros"
        (folder / "shop.py").write_text(APP.format(agent="salesclerk").replace("openai:", "opnai:"))
        await dev.said("'opnai:scripted' is not a model")


async def test_a_worker_that_dies_while_a_file_is_broken_waits_for_the_next_change(folder: Path) -> None:
    async with (
        ScriptedModel(answer) as model,
        started("dev", "shop:app", "--no-ui", "--reload", cwd=folder, **settings(folder, model)) as dev,
    ):
        await dev.said("worker started")
        (folder / "shop.py").write_text("app = 3\n")
        await dev.said("waiting for the next change")
        [worker] = [
            each
            for each in psutil.Process(dev.process.pid).children()
            if "holdfast_workers" in each.cmdline()
        ]
        worker.kill()
        await dev.said("waiting for a change of the App's files")
        assert dev.text.count("shop:app is a int, not an App") == 2
        (folder / "shop.py").write_text(APP.format(agent="clerk"))
        await loads(dev, 2)
