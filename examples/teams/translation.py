"""An agent that delegates: a translator as a tool, and another one for the case that the first fails."""

from __future__ import annotations

import asyncio
import sys

from holdfast import Agent, App, Delegate, connect

translator = Agent(
    "translator",
    model="openai:gpt-5",
    description="Translates a text.",
    instructions="Translate. Reply with the translation only.",
)
spare = Agent("spare_translator", model="anthropic:claude-haiku-4-5", instructions="Translate the text.")
editor = Agent(
    "editor",
    model="openai:gpt-5-mini",
    instructions="Write a short announcement in English. Then have it translated to the user's language.",
    tools=[Delegate(translator, fallbacks=[spare], timeout=120)],
)
app = App(name="translation", agents=[editor, translator, spare])


async def main(request: str) -> None:
    """Print the announcement."""
    client = await connect()
    print(await client.run(editor, request))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
