"""A supervisor: it keeps a plan, gives questions to researchers at once, and has its report reviewed."""

from __future__ import annotations

import asyncio
import sys

from holdfast import Agent, App, Budget, Delegate, FanOut, HttpTool, connect

researcher = Agent(
    "researcher",
    model="openai:gpt-5-mini",
    description="Answers one question from an encyclopedia.",
    instructions="Answer the question in a few sentences, with the pages that you used.",
    tools=[HttpTool("read_page", allow=["https://en.wikipedia.org/wiki"])],
    max_steps=10,
)
reviewer = Agent(
    "reviewer",
    model="openai:gpt-5",
    description="Finds gaps and errors in a report.",
    instructions="List what is wrong, missing or without a source. Reply 'Nothing.' if the report is good.",
)
supervisor = Agent(
    "supervisor",
    model="openai:gpt-5",
    instructions=(
        "Write a plan of the questions to answer. Give independent questions to researchers at once. "
        "After each result update the plan: drop what is answered, add what is missing. "
        "Have the report reviewed before you reply."
    ),
    working_memory=True,
    tools=[FanOut(researcher, most=8, timeout=300), Delegate(reviewer, timeout=120)],
    budget=Budget(dollars=2, steps=20),
)
app = App(name="research", agents=[supervisor, researcher, reviewer])


async def main(question: str) -> None:
    """Print the plan at the end, and the report."""
    client = await connect()
    session = await client.start_task(supervisor, question)
    reply = await session.result(timeout=3_600)
    for item in (await session.view()).plan:
        print(f"[{item.status}] {item.text}")
    print(reply.text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
