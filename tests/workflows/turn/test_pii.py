"""Personal data in a run: the model sees tokens, tools and the user get the values."""

from __future__ import annotations

from typing import Any

from holdfast import Agent, App, Memory, PersonalData, TextDelta, tool
from holdfast.testing import Request, call, say

from ...support import shown
from ..conftest import Start

MAIL, OTHER = "ann@mail.example", "bob@mail.example"


async def test_the_model_sees_tokens_while_tools_and_the_user_get_values(start: Start) -> None:
    sent: list[str] = []

    @tool
    async def send(to: str) -> str:
        """Send a mail."""
        sent.append(to)
        return f"sent to {to}, with a copy to {OTHER}"

    def script(request: Request) -> Any:
        if request.messages[-1]["role"] == "user":
            return call("send", {"to": "<EMAIL_1>"})
        return say("I wrote to <EMAIL_1> and <EMAIL_2>. " + "Bye. " * 20, pace=0.02)

    clerk = Agent("clerk", model="openai:scripted", tools=[send], pii=PersonalData(), memory=Memory())
    async with start(script, App(agents=[clerk])) as it:
        options: dict[str, Any] = {"streaming": True, "continue_as_new_after": 60}
        session = await it.holdfast.client.start("clerk", f"Write to {MAIL}.", user="7", **options)
        events = [event async for event in session.stream()]
        replies = [await session.send("Once more.") for _ in range(3)]  # over a new run
        asked = b"".join(request.body for request in it.model.requests)
    assert sent == [MAIL] * 4
    assert all(reply.text.startswith(f"I wrote to {MAIL} and {OTHER}. ") for reply in replies)
    assert shown(events).startswith(f"I wrote to {MAIL} and {OTHER}. ")
    assert "EMAIL" not in "".join(event.text for event in events if isinstance(event, TextDelta))
    assert MAIL.encode() not in asked
    assert OTHER.encode() not in asked
    assert b"<EMAIL_2>" in asked
