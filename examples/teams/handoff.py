"""A help desk: triage hands the conversation off to the agent for the subject, which goes on with it."""

from __future__ import annotations

import asyncio
import sys

from holdfast import Agent, App, Handoff, connect, tool


@tool
async def invoice(number: str) -> str:
    """Look an invoice up.

    Args:
        number: The invoice's number.
    """
    return f"invoice {number}: 90 €, due on 1 May"


billing = Agent(
    "billing",
    model="openai:gpt-5-mini",
    description="Invoices, payments and refunds.",
    instructions="Answer questions about invoices. Look them up first.",
    tools=[invoice, Handoff("triage", description="For a question that is not about money.")],
)
repairs = Agent(
    "repairs",
    model="openai:gpt-5-mini",
    description="Broken parts and repairs.",
    instructions="Help the user to repair the device.",
    tools=[Handoff("triage", description="For a question that is not about a repair.")],
)
triage = Agent(
    "triage",
    model="openai:gpt-5-mini",
    instructions="Find out what the user needs, and hand the conversation off. Do not answer yourself.",
    tools=[Handoff(billing), Handoff(repairs)],
)
app = App(name="desk", agents=[triage, billing, repairs])


async def main(questions: list[str]) -> None:
    """Ask one question after the other, in one conversation."""
    client = await connect()
    session = await client.start(triage)
    for question in questions:
        reply = await session.send(question)
        print(f"{(await session.view()).agent}: {reply.text}")
    await session.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
