"""A parallel team: three estimates at once, each by another method, combined into one."""

from __future__ import annotations

import asyncio
import sys

from pydantic import BaseModel

from holdfast import Agent, App, Parallel, connect


class Estimate(BaseModel):
    days: int
    reason: str


METHODS = {
    "by_parts": "Break the work down and add the parts up.",
    "by_comparison": "Compare the work with similar work.",
    "by_risk": "List what can go wrong, and how many days each of it costs.",
}
estimators = [
    Agent(name, model="openai:gpt-5-mini", instructions=f"Estimate the days of work. {method}")
    for name, method in METHODS.items()
]
lead = Agent("lead", model="openai:gpt-5", instructions="Make one estimate of these.", output_type=Estimate)
estimate: Parallel[Estimate] = Parallel("estimate", agents=estimators, combine=lead)
app = App(name="estimate", agents=[*estimators, lead], teams=[estimate])


async def main(work: str) -> None:
    """Print the estimate."""
    client = await connect()
    found = await client.run(estimate, work)
    print(f"{found.days} days: {found.reason}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
