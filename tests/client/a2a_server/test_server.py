"""The HTTP server: cards, tokens, other versions of the protocol, and the command."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from a2a.client.errors import A2AClientError

from holdfast import Agent, App
from holdfast.testing import say
from holdfast_temporal import DevServer

from ...activities.tools.mcp.support import free_port
from ...support import always
from .support import BOUND, DONE, message, send, serving, text_of

COMMAND = "from holdfast_client.command.main import main; main()"
CARD = "/.well-known/agent-card.json"
SEND = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "message/send",
    "params": {"message": {"messageId": "m1", "role": "user", "parts": [{"kind": "text", "text": "Hello"}]}},
}
"""A request of version 0.3 of the protocol."""


def app() -> App:
    return App(
        agents=[
            Agent("helper", model="openai:scripted", description="Helps."),
            Agent("other", model="openai:scripted"),
        ]
    )


async def test_each_agent_has_a_card_from_its_spec(server: DevServer) -> None:
    async with serving(server, app(), always(say("Hi."))) as it, httpx.AsyncClient(base_url=it.url) as http:
        card = (await http.get(f"/helper{CARD}")).json()
        assert (card["name"], card["description"]) == ("helper", "Helps.")
        assert card["supportedInterfaces"][0]["url"] == f"{it.url}/helper/"
        assert card["capabilities"]["streaming"] is True
        assert "securitySchemes" not in card
        assert [skill["id"] for skill in card["skills"]] == ["helper"]
        missing = await http.get(f"/nobody{CARD}")
        assert missing.status_code == 404
        assert f"{it.url}/helper{CARD}" in missing.json()["cards"]


async def test_only_chosen_agents_are_served_and_a_single_one_is_at_the_root(server: DevServer) -> None:
    alone = serving(server, app(), always(say("Hi.")), agents=("other",))
    async with alone as it, it.client("") as client:
        assert text_of(await send(client, message("Hello"))) == "Hi."
    some = serving(server, app(), always(say("Hi.")), agents=("other", "third"))
    async with some as it, httpx.AsyncClient(base_url=it.url) as http:
        assert (await http.post("/helper/", json=SEND)).status_code == 404


async def test_clients_of_the_version_before_are_served(server: DevServer) -> None:
    async with serving(server, app(), always(say("Hi."))) as it, httpx.AsyncClient(base_url=it.url) as http:
        answer = (await http.post("/helper/", json=SEND, timeout=BOUND)).json()
        assert answer["result"]["status"]["state"] == "completed"
        assert answer["result"]["artifacts"][0]["parts"][0]["text"] == "Hi."


async def test_requests_need_the_token_and_cards_say_so(server: DevServer) -> None:
    async with serving(server, app(), always(say("Hi.")), "s3cret", secured=True) as it:
        async with it.client(token="s3cret") as client:
            assert (await send(client, message("Hello"))).status.state == DONE
        for wrong in ("", "guess"):
            async with it.client(token=wrong) as client:
                with pytest.raises(A2AClientError, match="401"):
                    await send(client, message("Hello"))
        async with httpx.AsyncClient(base_url=it.url) as http:
            assert "securitySchemes" in (await http.get(f"/helper{CARD}")).json()


@pytest.mark.parametrize("header", [{"origin": "https://evil.example"}, {"host": "evil.example"}])
async def test_web_pages_reach_no_local_server(server: DevServer, header: dict[str, str]) -> None:
    async with serving(server, app(), always(say("Hi."))) as it, httpx.AsyncClient(base_url=it.url) as http:
        assert (await http.post("/helper/", json=SEND, headers=header)).status_code == 403


async def test_a_request_has_a_limit_whatever_it_says_about_its_size(server: DevServer) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(6):
            yield b" " * 1_000_000

    async with serving(server, app(), always(say("Hi."))) as it, httpx.AsyncClient(base_url=it.url) as http:
        answer = await http.post("/helper/", content=endless())
        assert "Payload too large" in answer.text


async def test_the_command_serves(server: DevServer) -> None:
    async with serving(server, app(), always(say("Hi."))) as it:
        port = free_port()
        address = f"127.0.0.1:{port}"
        options = ["--address", server.address, "--task-queue", it.environment.task_queue]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", COMMAND, *options, "a2a", "serve", "--http", address,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            async with asyncio.timeout(BOUND):
                assert await process.stderr.readline() == f"holdfast: A2A at http://{address}\n".encode()
                async with httpx.AsyncClient(
                    base_url=f"http://{address}", transport=httpx.AsyncHTTPTransport(retries=5)
                ) as http:
                    assert (await http.get(f"/helper{CARD}")).json()["name"] == "helper"
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--http", "0.0.0.0:8766"], "require a token with --token-file"),
        (["--as-caller", "--token-file", str(Path(__file__))], "--as-caller is without a token"),
        (["--answers", "everything"], "use one of approval"),
    ],
)
async def test_the_command_refuses_options_that_do_not_fit(
    capsys: pytest.CaptureFixture[str], options: list[str], problem: str
) -> None:
    from holdfast_client.command.main import invoke

    assert await asyncio.to_thread(invoke, ["a2a", "serve", *options]) == 2
    assert problem in capsys.readouterr().err
