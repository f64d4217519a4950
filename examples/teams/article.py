"""A pipeline: one agent writes, one criticises, one corrects."""

from __future__ import annotations

import asyncio
import sys

from holdfast import Agent, App, Pipeline, Stage, connect

writer = Agent("writer", model="openai:gpt-5-mini", instructions="Write the text that is asked for.")
critic = Agent(
    "critic", model="openai:gpt-5", instructions="Repeat the text, then list what is wrong or missing."
)
corrector = Agent("corrector", model="openai:gpt-5-mini", instructions="Reply with the corrected text only.")
article = Pipeline(
    "article",
    description="Writes and corrects a text.",
    stages=[
        writer,
        critic,
        Stage(corrector, task="{request}\n\nCorrect this text by the list below it:\n\n{previous}"),
    ],
)
app = App(name="article", agents=[writer, critic, corrector], teams=[article])


async def main(request: str) -> None:
    """Print the corrected text."""
    client = await connect()
    print(await client.run(article, request))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
