"""A debate: two sides argue in two rounds, and a judge gives the answer."""

from __future__ import annotations

import asyncio
import sys

from holdfast import Agent, App, Debate, connect

for_it = Agent(
    "for_it", model="openai:gpt-5-mini", instructions="Argue for the proposal, in three sentences."
)
against_it = Agent(
    "against_it", model="openai:gpt-5-mini", instructions="Argue against the proposal, in three sentences."
)
judge = Agent(
    "judge",
    model="openai:gpt-5",
    instructions="Decide. Begin with Yes or No, then give the reason in one sentence.",
)
decision = Debate("decision", sides=[for_it, against_it], judge=judge, rounds=2)
app = App(name="decision", agents=[for_it, against_it, judge], teams=[decision])


async def main(proposal: str) -> None:
    """Print the decision."""
    client = await connect()
    print(await client.run(decision, proposal))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
